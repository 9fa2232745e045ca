//! How large the image is.

use std::path::Path;

use super::Figure;
use crate::{
    context::BuildContext,
    error::{Context, Error, Result},
    manifest::Manifest,
};

/// Sizes of the files that `build-image` put into `out`.
pub fn measure(ctx: &BuildContext, out: &Path) -> Result<Vec<Figure>> {
    let name = Manifest::load(ctx)?.name;
    let megabytes = |file: String| -> Result<f64> {
        let size = out.join(&file).metadata().context(|| format!("there is no {file}"));
        Ok(size.map_err(|it| it.hint("cargo xtask build-image"))?.len() as f64 / 1e6)
    };
    Ok(vec![
        Figure::new("compressed image", "MB", vec![megabytes(format!("{name}.img.gz"))?]).at_most(12.0),
        Figure::new("sms-dialer", "kB", vec![program(out, &name, "/usr/sbin/sms-dialer")?]).at_most(900.0),
        Figure::new("raw image", "MB", vec![megabytes(format!("{name}.img"))?]).at_most(64.0 * 1.048_576),
    ])
}

/// Kilobytes of a program of the root, from `files.tsv`.
fn program(out: &Path, image: &str, path: &str) -> Result<f64> {
    let list = out.join(format!("{image}.files.tsv"));
    let text = std::fs::read_to_string(&list).context(|| format!("cannot read {}", list.display()));
    let text = text.map_err(|it| it.hint("cargo xtask build-image"))?;
    let bytes =
        text.lines().find_map(|line| line.strip_prefix(path)?.split('\t').nth(1)?.parse::<u32>().ok());
    bytes.map(|bytes| f64::from(bytes) / 1e3).ok_or_else(|| Error::new(format!("the image has no {path}")))
}
