//! Files that people write.

use std::path::Path;

use dialbox::site::encoding;

use crate::{
    error::{Error, Result},
    input_file,
};

/// The text of a file, which errors call `name`.
pub fn read(file: &Path, name: &str) -> Result<String> {
    let bytes = input_file::read(file, name)?;
    encoding::text(bytes).map_err(|error| {
        Error::caused_by(format!("cannot read {name}"), error)
            .hint("save it again as UTF-8, which editors offer where they ask for the file's name")
    })
}
