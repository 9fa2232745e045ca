//! Groups of arguments: where packages, layers and outputs of tasks come from, and what `bench power` and `bench rot` do.

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

/// The source of packages and crates for those who boot an image.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Packages")]
pub struct Supplies {
    /// Take packages and crates from this file, which `bundle` has made, and use no network
    #[arg(long, value_name = "FILE", conflicts_with_all = ["downloads", "mirror"])]
    pub bundle: Option<PathBuf>,
    /// Packages
    #[command(flatten)]
    pub sources: Sources,
}

/// What is added to the image.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Layers")]
pub struct Layers {
    /// A directory that adds to the image (may be given several times, the lowest first); docs/layers.md
    #[arg(long, value_name = "DIR")]
    pub layer: Vec<PathBuf>,
}

/// Outputs of slow tasks on a server, for several machines.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Shared cache")]
pub struct Shared {
    /// The server (default: $DIALBOX_CACHE, else none); docs/shared-cache.md
    #[arg(long, value_name = "URL")]
    pub cache: Option<String>,
    /// Also store there what was made here
    #[arg(long)]
    pub cache_push: bool,
}

/// Of `cargo xtask bench power` and `bench rot`; `lab power` and `lab rot` have the defaults.
#[derive(Debug, Args)]
pub struct Damages {
    /// `power`: cuts, in all stories together
    #[arg(long, value_name = "N")]
    pub cuts: Option<u64>,
    /// `rot`: patterns
    #[arg(long, value_name = "N")]
    pub patterns: Option<u64>,
    /// `power`, `rot`: how many of them are booted
    #[arg(long, value_name = "M")]
    pub boots: Option<u64>,
    /// `power`, `rot`: what they are made from
    #[arg(long, value_name = "S")]
    pub seed: Option<u64>,
    /// `power`: only this story
    #[arg(long, value_name = "NAME")]
    pub story: Option<String>,
    /// `power`: only this cut, which is booted
    #[arg(long, value_name = "STORY:INDEX")]
    pub only: Option<String>,
    /// `power`: record the stories again
    #[arg(long)]
    pub record: bool,
    /// `power`: print a line of JSON for each story
    #[arg(long)]
    pub json: bool,
}
