//! How large the image is.

use std::path::Path;

use super::Figure;
use crate::{
    context::BuildContext,
    error::{Attempt, Result},
    manifest::Manifest,
};

/// Sizes of what `build-image` left in `out`.
pub fn measure(ctx: &BuildContext, out: &Path) -> Result<Vec<Figure>> {
    let name = Manifest::load(ctx)?.name;
    let megabytes = |file: String| -> Result<f64> {
        let size = out.join(&file).metadata().attempt(|| format!("there is no {file}"));
        Ok(size.map_err(|it| it.next("cargo xtask build-image"))?.len() as f64 / 1e6)
    };
    Ok(vec![
        Figure::new("compressed image", "MB", vec![megabytes(format!("{name}.img.gz"))?]).at_most(12.0),
        Figure::new("raw image", "MB", vec![megabytes(format!("{name}.img"))?]).at_most(64.0 * 1.048_576),
    ])
}
