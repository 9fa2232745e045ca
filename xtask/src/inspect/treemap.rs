//! A squarified treemap: rectangles with areas in proportion to sizes, as square as possible (M. Bruls, K. Huizing,
//! J. van Wijk, Squarified Treemaps, 2000).

/// A rectangle.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rect {
    /// Left.
    pub x: f64,
    /// Top.
    pub y: f64,
    /// Width.
    pub width: f64,
    /// Height.
    pub height: f64,
}

impl Rect {
    /// The rectangle without a border, and without a line of text at its top.
    pub fn inner(&self, border: f64, top: f64) -> Self {
        Self {
            x: self.x + border,
            y: self.y + top,
            width: (self.width - 2.0 * border).max(0.0),
            height: (self.height - border - top).max(0.0),
        }
    }
}

/// One rectangle for each size, in their order. They fill `area`; sizes must be positive and in falling order.
pub fn layout(sizes: &[f64], area: Rect) -> Vec<Rect> {
    let sum: f64 = sizes.iter().sum();
    if sum <= 0.0 {
        return sizes.iter().map(|_| Rect { width: 0.0, height: 0.0, ..area }).collect();
    }
    let scale = area.width * area.height / sum;
    let mut rects = Vec::with_capacity(sizes.len());
    let mut free = area;
    let mut rest = sizes;
    while !rest.is_empty() {
        let side = free.width.min(free.height);
        let mut count = 1;
        while count < rest.len() && worst(&rest[..=count], side, scale) <= worst(&rest[..count], side, scale)
        {
            count += 1;
        }
        let (row, others) = rest.split_at(count);
        free = place(row, free, scale, &mut rects);
        rest = others;
    }
    rects
}

/// The worst ratio of sides in a row along a side of this length.
fn worst(row: &[f64], side: f64, scale: f64) -> f64 {
    let sum: f64 = row.iter().sum::<f64>() * scale;
    let ratio = |size: &f64| {
        let area = size * scale;
        (side * side * area / (sum * sum)).max(sum * sum / (side * side * area))
    };
    row.iter().map(ratio).fold(0.0, f64::max)
}

/// Places a row along the shorter side; returns what remains free.
fn place(row: &[f64], free: Rect, scale: f64, rects: &mut Vec<Rect>) -> Rect {
    let sum: f64 = row.iter().sum::<f64>() * scale;
    let is_column = free.width >= free.height;
    let side = if is_column { free.height } else { free.width };
    let depth = if side > 0.0 { sum / side } else { 0.0 };
    let mut at = 0.0;
    for size in row {
        let length = if depth > 0.0 { size * scale / depth } else { 0.0 };
        rects.push(match is_column {
            true => Rect { x: free.x, y: free.y + at, width: depth, height: length },
            false => Rect { x: free.x + at, y: free.y, width: length, height: depth },
        });
        at += length;
    }
    match is_column {
        true => Rect { x: free.x + depth, width: (free.width - depth).max(0.0), ..free },
        false => Rect { y: free.y + depth, height: (free.height - depth).max(0.0), ..free },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AREA: Rect = Rect { x: 0.0, y: 0.0, width: 6.0, height: 4.0 };

    /// The example of the paper, figure 4.
    #[test]
    fn areas_are_in_proportion_to_sizes_and_inside() {
        let sizes = [6.0, 6.0, 4.0, 3.0, 2.0, 2.0, 1.0];
        let rects = layout(&sizes, AREA);
        for (size, rect) in sizes.iter().zip(&rects) {
            assert!((rect.width * rect.height - size).abs() < 1e-9, "{rect:?}");
            assert!(rect.x >= 0.0 && rect.x + rect.width <= 6.0 + 1e-9, "{rect:?}");
            assert!(rect.y >= 0.0 && rect.y + rect.height <= 4.0 + 1e-9, "{rect:?}");
        }
        assert_eq!(rects[0], Rect { x: 0.0, y: 0.0, width: 3.0, height: 2.0 });
        assert_eq!(rects[1], Rect { x: 0.0, y: 2.0, width: 3.0, height: 2.0 });
    }

    #[test]
    fn nothing_and_nothing_large_have_rectangles_too() {
        assert!(layout(&[], AREA).is_empty());
        assert_eq!(layout(&[0.0, 0.0], AREA).len(), 2);
    }
}
