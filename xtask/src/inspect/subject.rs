//! What `report` and `diff` are asked about: an image, or a directory with one and the files that describe it.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use super::card::Card;
use crate::{
    error::{Context, Error, Result},
    flash::source::whole_image,
    image::inventory::list::{self, Listed},
    text_file,
};

/// An image, taken apart, with what is known of its files.
#[derive(Debug)]
pub struct Subject {
    /// The image's file.
    pub image: PathBuf,
    /// Its bytes, unpacked.
    pub bytes: Vec<u8>,
    /// Its parts.
    pub card: Card,
    /// Where its files came from; empty if there is no list beside it.
    pub listed: BTreeMap<String, Listed>,
}

impl Subject {
    /// Reads it.
    pub fn read(path: &Path) -> Result<Self> {
        let image = match path.is_dir() {
            true => only_image(path)?,
            false => path.to_owned(),
        };
        let bytes = whole_image(&image)?;
        let cannot = || format!("cannot look into {}", image.display());
        let card = Card::read(&bytes).map_err(|it| it.context(cannot()))?;
        let list = beside(&image, "files.tsv");
        let listed = match list.exists() {
            true => {
                let text = text_file::read(&list, &list.display().to_string())?;
                list::read(&text).map_err(|it| it.context(format!("cannot read {}", list.display())))?
            }
            false => BTreeMap::new(),
        };
        Ok(Self { image, bytes, card, listed })
    }
}

/// A file beside an image: `out/dialbox-rpi1.files.tsv`.
fn beside(image: &Path, ending: &str) -> PathBuf {
    let name = image.file_name().unwrap_or_default().to_string_lossy();
    let stem = name.trim_end_matches(".gz").trim_end_matches(".img");
    image.with_file_name(format!("{stem}.{ending}"))
}

/// The image of a directory: the one that ends in `.img`, else in `.img.gz`.
fn only_image(directory: &Path) -> Result<PathBuf> {
    let entries = fs::read_dir(directory).context(|| format!("cannot read {}", directory.display()))?;
    let names: Vec<PathBuf> = entries.flatten().map(|it| it.path()).collect();
    for ending in [".img", ".img.gz"] {
        let ends = |it: &&PathBuf| it.to_string_lossy().ends_with(ending);
        let found: Vec<&PathBuf> = names.iter().filter(ends).collect();
        match found[..] {
            [] => {}
            [image] => return Ok(image.clone()),
            _ => {
                let error = Error::new(format!("{} holds several images", directory.display()));
                return Err(error.hint("name one of them instead of the directory"));
            }
        }
    }
    Err(Error::new(format!("{} holds no image", directory.display())).hint("cargo xtask build-image"))
}
