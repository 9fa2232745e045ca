//! The builder's description of the image, `/etc/dialbox/build`.

use crate::paths::Paths;
use crate::record::Record;

/// The build of the running image.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Build {
    /// Its version, as the builder has written it.
    pub version: Option<String>,
    /// Its date, in seconds since 1970: the clock is never set to an earlier time.
    pub epoch: Option<i64>,
}

impl Build {
    /// Reads `/etc/dialbox/build`; missing fields are unknown.
    pub fn load(paths: &Paths) -> Self {
        let text = std::fs::read_to_string(paths.path("/etc/dialbox/build"));
        let record = Record::parse(&text.unwrap_or_default());
        Self {
            version: record.get("version").map(str::to_owned),
            epoch: record.get("epoch").and_then(|epoch| epoch.parse().ok()),
        }
    }
}
