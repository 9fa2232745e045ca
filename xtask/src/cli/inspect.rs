//! The verbs that tell what an image is made of.

use std::path::PathBuf;

use clap::Args;

use super::{Layers, Sources};

/// `cargo xtask report`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  cargo xtask report                          sizes by recipe and package
  cargo xtask report --html /tmp/image.html   all files, as a page with a treemap
  cargo xtask report --json | jq '.files[0]'")]
pub struct Report {
    /// The image, or the directory with it and its lists
    #[arg(long, value_name = "PATH", default_value = "out")]
    pub image: PathBuf,
    /// Write a page for a browser: one file, without scripts
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// `cargo xtask diff`
#[derive(Debug, Args)]
#[command(after_help = "Exit status: 0 if they are equal, 1 if they differ, 2 after an error.

Examples:
  cargo xtask diff /tmp/last-year out         two directories as build-image makes them
  cargo xtask diff old.img.gz out/dialbox-rpi1.img
  cargo xtask diff --json /tmp/last-year out | jq .image.components")]
pub struct Diff {
    /// An image (.img or .img.gz), or a directory with one
    #[arg(value_name = "A")]
    pub one: PathBuf,
    /// Another one
    #[arg(value_name = "B")]
    pub other: PathBuf,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// `cargo xtask sources`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  cargo xtask sources --dry-run --out /tmp/sources
  cargo xtask sources --out /tmp/sources      may be interrupted, and run again")]
pub struct FetchSources {
    /// Where they go, a directory for each
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// List them, and fetch nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Layers
    #[command(flatten)]
    pub layers: Layers,
    /// Packages
    #[command(flatten)]
    pub sources: Sources,
}

/// `cargo xtask bundle`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  cargo xtask bundle --out dialbox.bundle
  cargo xtask build-image --offline --bundle dialbox.bundle    on a machine without a network; docs/bundle.md")]
pub struct Bundle {
    /// The file to write
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// Layers
    #[command(flatten)]
    pub layers: Layers,
    /// Packages
    #[command(flatten)]
    pub sources: Sources,
}
