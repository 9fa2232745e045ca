//! The image and the emulator that all boxes use.

use crate::emulator::Emulator;
use std::path::PathBuf;

/// The image, and what runs it.
#[derive(Debug, Clone)]
pub struct Bench {
    /// The finished image; never written to.
    pub image: PathBuf,
    /// What runs it.
    pub emulator: Emulator,
    /// A squashfs with the programs that a calling box needs and the image does not have, if there is one.
    pub caller_tools: Option<PathBuf>,
    /// Unpacked Debian packages with `veritysetup` and all it needs, if there are any.
    pub verity_tools: Option<PathBuf>,
    /// Unpacked Debian packages with `baresip` and all it needs, if there are any.
    pub sip_tools: Option<PathBuf>,
}
