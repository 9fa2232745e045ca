//! What all boxes share.

use crate::emulator::Emulator;
use std::path::PathBuf;

/// Where the image is and how it is run.
#[derive(Debug, Clone)]
pub struct Bench {
    /// The finished image; never written to.
    pub image: PathBuf,
    /// What runs it.
    pub emulator: Emulator,
    /// A squashfs of what the image does not have and a caller needs, if there is one.
    pub caller_tools: Option<PathBuf>,
}
