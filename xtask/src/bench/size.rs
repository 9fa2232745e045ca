//! How large the image is.

use std::path::Path;

use super::Figure;
use crate::{
    context::BuildContext,
    error::{Error, Result},
    image::built::Built,
};

/// Sizes of the files that `build-image` put into `out`.
pub fn measure(ctx: &BuildContext, out: &Path) -> Result<Vec<Figure>> {
    let built = Built::read(ctx, out)?;
    let built = built.ok_or_else(|| {
        Error::new(format!("there is no image in {}", out.display())).hint("cargo xtask build-image")
    })?;
    let size = |bytes: u64, unit: f64| vec![bytes as f64 / unit];
    Ok(vec![
        Figure::new("compressed image", "MB", size(built.compressed, 1e6)).at_most(12.0),
        Figure::new("dialbox", "kB", size(built.program, 1e3)).at_most(1900.0),
        Figure::new("raw image", "MB", size(built.image, 1e6)).at_most(64.0 * 1.048_576),
    ])
}
