//! All writes to a card, as QEMU records them: the files, and how they are read.

pub mod log;
pub mod trace;

use std::path::{Path, PathBuf};

/// Where QEMU puts the writes of a boot, and its trace of the card.
#[derive(Debug, Clone)]
pub struct Files {
    /// The [log] of all writes.
    pub writes: PathBuf,
    /// The [trace], which shows the requests.
    pub trace: PathBuf,
}

impl Files {
    /// Those of the boot with this number, from 0.
    pub fn of_boot(dir: &Path, boot: usize) -> Self {
        Self { writes: dir.join(format!("writes-{boot}")), trace: dir.join(format!("trace-{boot}")) }
    }
}
