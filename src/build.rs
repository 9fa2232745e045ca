//! What the builder says about itself in `/etc/dialbox/build`.

use crate::paths::Paths;
use crate::record::Record;

/// The build that is running.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Build {
    /// Its version, as the builder writes it.
    pub version: Option<String>,
    /// When it was made, in seconds since 1970: the clock is never before this.
    pub epoch: Option<i64>,
}

impl Build {
    /// Reads `/etc/dialbox/build`; what is not there is unknown.
    pub fn load(paths: &Paths) -> Self {
        let text = std::fs::read_to_string(paths.path("/etc/dialbox/build"));
        let record = Record::parse(&text.unwrap_or_default());
        Self {
            version: record.get("version").map(str::to_owned),
            epoch: record.get("epoch").and_then(|epoch| epoch.parse().ok()),
        }
    }
}
