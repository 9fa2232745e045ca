//! Files that people write.

use std::{fs, path::Path};

use dialbox::site::encoding;

use crate::error::{Context, Error, Result};

/// The text of a file, which errors call `name`.
pub fn read(file: &Path, name: &str) -> Result<String> {
    let bytes = fs::read(file).context(|| format!("cannot read {name}"))?;
    encoding::text(bytes).map_err(|error| {
        Error::caused_by(format!("cannot read {name}"), error)
            .hint("save it again as UTF-8, which editors offer where they ask for the file's name")
    })
}
