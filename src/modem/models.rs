//! The files of modem models on the box.

use std::fs;
use std::io::ErrorKind;

use crate::log::{Level, Log};
use crate::paths::Paths;
use crate::site::{MODELS, MobileModel, UsbId};

/// The models of the devices with these ids. A file that is invalid, in an image that was changed by hand, is logged
/// and left out: its modem is searched for as one that is not known.
pub fn of(ids: &[UsbId], paths: &Paths, log: &Log) -> Vec<MobileModel> {
    if ids.is_empty() {
        return Vec::new();
    }
    let entries = fs::read_dir(paths.path(MODELS)).into_iter().flatten().flatten();
    let mut files: Vec<_> = entries.map(|entry| entry.path()).collect();
    files.retain(|file| file.extension().is_some_and(|it| it == "toml"));
    files.sort();
    let models = files.iter().filter_map(|file| {
        let text = match fs::read_to_string(file) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return None,
            Err(error) => {
                log.log(Level::Warning, &format!("{}: {error}", file.display()));
                return None;
            }
        };
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        MobileModel::parse(&text)
            .inspect_err(|error| log.log(Level::Warning, &error.clone().in_file(name).headline()))
            .ok()
    });
    models.filter(|model| model.usb.iter().any(|id| ids.contains(id))).collect()
}
