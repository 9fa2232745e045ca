//! Arguments that several verbs have: where packages and layers come from.

use std::path::PathBuf;

use clap::Args;

/// The source of packages.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Packages")]
pub struct Sources {
    /// Debian mirror (default: $DIALBOX_MIRROR, then this machine's apt sources)
    #[arg(long, value_name = "URL")]
    pub mirror: Option<String>,
    /// Keep downloaded packages here; may be filled beforehand
    #[arg(long, value_name = "DIR")]
    pub downloads: Option<PathBuf>,
    /// Use the downloaded packages only
    #[arg(long)]
    pub offline: bool,
}

/// What is added to the image.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Layers")]
pub struct Layers {
    /// A directory that adds to the image (may be given several times, the lowest first); docs/layers.md
    #[arg(long, value_name = "DIR")]
    pub layer: Vec<PathBuf>,
}
