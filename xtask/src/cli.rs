//! The command line, all of it.

mod inputs;
mod inspect;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub use inputs::{Damages, Layers, Shared, Sources, Supplies};
pub use inspect::{Bundle, Diff, FetchSources, Report};

/// Builds, checks and boots the dialbox image.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", version, max_term_width = 100)]
#[command(after_help = "Examples:
  cargo xtask build-image                     the image of the example dialer, in out/
  cargo xtask build-image --site cabin.toml   the image of your own site
  cargo xtask test                            boots that image under QEMU and tries it")]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub verb: Verb,
}

/// One verb, one file in `verb/`.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Build the SD image
    BuildImage(BuildImage),
    /// Pack everything that a build without a network needs into one file
    Bundle(Bundle),
    /// Choose the exact packages for the recipes
    Lock(Lock),
    /// Write, check or show a site
    #[command(subcommand)]
    Site(Site),
    /// Write the image onto a card and read it back
    Flash(Flash),
    /// Make the cards of many boxes from one image
    Provision(Provision),
    /// Boot the image in QEMU, with its console on this terminal
    Qemu(Qemu),
    /// Boot a dialer and its operator in QEMU, and command the dialer by text message
    Demo(Demo),
    /// Run the host's tests, then the image under QEMU
    Test(Test),
    /// Measure times and sizes, as docs/benchmarks.md quotes them
    Bench(Bench),
    /// Show what is in an image and what it costs
    Report(Report),
    /// Show what differs between two images, and why
    Diff(Diff),
    /// Fetch the source packages of all that is in the image
    Sources(FetchSources),
    /// Check the house rules in the sources
    Tidy(Tidy),
}

/// Arguments of `tidy`.
#[derive(Debug, Args)]
pub struct Tidy {
    /// Show which module uses which of its siblings, lowest first, instead of checking
    #[arg(long)]
    pub imports: bool,
}

/// `cargo xtask build-image`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  cargo xtask build-image
  cargo xtask build-image --site cabin.toml --out /tmp/cabin
  cargo xtask build-image --layer ../garden   with what that directory adds (docs/layers.md)
  cargo xtask build-image --cache http://cache.example:8080     what others have compiled already
  cargo xtask build-image --locked            that of image/packages.lock, or none
  cargo xtask build-image --explain           why each phase ran or did not
  cargo xtask build-image --offline --downloads ~/debs")]
pub struct BuildImage {
    /// The site to bake in (default: the example, image/sites/dialer.toml)
    #[arg(long, value_name = "FILE")]
    pub site: Option<PathBuf>,
    /// Where the image goes
    #[arg(long, value_name = "DIR", default_value = "out")]
    pub out: PathBuf,
    /// The directory from which Raspberry Pi Imager is to fetch the image (default: file://, where it is written)
    #[arg(long, value_name = "URL")]
    pub imager_url: Option<String>,
    /// Refuse to build another image than the locked one, when a locked package has left the mirror
    #[arg(long)]
    pub locked: bool,
    /// Say for each phase why it ran
    #[arg(long)]
    pub explain: bool,
    /// Layers
    #[command(flatten)]
    pub layers: Layers,
    /// Shared cache
    #[command(flatten)]
    pub shared: Shared,
    /// Packages and crates
    #[command(flatten)]
    pub supplies: Supplies,
}

/// `cargo xtask lock`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  cargo xtask lock                            after a change of a recipe
  cargo xtask lock --layer ../garden          the lock of that layer alone, which lies in it
  cargo xtask lock --check                    does the lock match the recipes? (offline)")]
pub struct Lock {
    /// Change nothing; fail if the lock does not match the recipes
    #[arg(long)]
    pub check: bool,
    /// Accept signed indices that are older than those of the lock or than a year, and older versions
    #[arg(long, conflicts_with = "check")]
    pub allow_older: bool,
    /// Layers
    #[command(flatten)]
    pub layers: Layers,
    /// Packages
    #[command(flatten)]
    pub sources: Sources,
}

/// `cargo xtask site …`
#[derive(Debug, Subcommand)]
pub enum Site {
    /// Write a site.toml to start from
    New(NewSite),
    /// Check a site.toml and summarize it
    #[command(after_help = "Example:\n  cargo xtask site check cabin.toml")]
    Check {
        /// The file to check
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    /// Show the secret for one-time codes as a QR code
    #[command(
        after_help = "Example:\n  cargo xtask site qr cabin.toml                scan it with an authenticator app"
    )]
    Qr {
        /// The site
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    /// Show the files that the box renders from a site.toml
    #[command(after_help = "Examples:
  cargo xtask site show cabin.toml
  cargo xtask site show cabin.toml /etc/ppp/peers/free")]
    Show {
        /// Show passwords too
        #[arg(long)]
        secrets: bool,
        /// The site
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// Only this file of the box
        #[arg(value_name = "PATH")]
        path: Option<String>,
    },
}

/// `cargo xtask site new`
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:
  cargo xtask site new --number +33612345678 cabin.toml
  cargo xtask site new --from-wvdial /etc/wvdial.conf cabin.toml
  cargo xtask site new --country fr --operator \"Free Mobile\" cabin.toml
  cargo xtask site new --role dial-in bbs.toml")]
pub struct NewSite {
    /// Which example to start from
    #[arg(long, value_enum, default_value_t = Role::Dialer)]
    pub role: Role,
    /// The number whose text messages the dialer obeys (may be given several times)
    #[arg(long, value_name = "+NUMBER", value_parser = international)]
    pub number: Vec<String>,
    /// Take modem and operator from a wvdial.conf
    #[arg(long, value_name = "FILE", conflicts_with_all = ["role", "country"])]
    pub from_wvdial: Option<PathBuf>,
    /// Look up the operator in a list of all countries; without --operator, list the operators
    #[arg(long, value_name = "CODE", conflicts_with = "role")]
    pub country: Option<String>,
    /// The operator's name
    #[arg(long, value_name = "NAME", requires = "country", conflicts_with_all = ["role", "from_wvdial"])]
    pub operator: Option<String>,
    /// Overwrite FILE
    #[arg(long)]
    pub force: bool,
    /// The file to write
    #[arg(value_name = "FILE", default_value = "site.toml")]
    pub file: PathBuf,
    /// Packages
    #[command(flatten)]
    pub sources: Sources,
}

/// A number as `[sms]` takes it: refused here, the error is about what was typed and not about a file to come.
fn international(text: &str) -> Result<String, String> {
    let number = text.parse::<dialbox::site::PhoneNumber>();
    number.map(|number| number.to_string()).map_err(|invalid| invalid.to_string())
}

/// What a box is for.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Role {
    /// Opens a mobile data link on command
    Dialer,
    /// Answers calls and gives the callers a network
    DialIn,
}

/// `cargo xtask flash`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  cargo xtask flash                           the cards that can be written
  cargo xtask flash /dev/sdb                  asks, writes, reads back
  cargo xtask flash --site cabin.toml /dev/sdb
  cargo xtask flash --blocks cards/cabin-17.blocks /dev/sdb
  cargo xtask flash --yes /dev/sdb            for scripts
  cargo xtask flash --check /dev/sdb          does the card still hold the image?
  cargo xtask flash --check --own-hashes /dev/sdb   is it whole, whichever image it was made from?")]
pub struct Flash {
    /// The image, also compressed (.gz); its .bmap is used if it lies beside it
    #[arg(long, value_name = "FILE", default_value = "out/dialbox-rpi1.img")]
    pub image: PathBuf,
    /// Build the image of this site first, in out/
    #[arg(long, value_name = "FILE", conflicts_with_all = ["image", "check", "blocks"])]
    pub site: Option<PathBuf>,
    /// With --site: a directory that adds to that image (may be given several times, the lowest first); docs/layers.md
    #[arg(long, value_name = "DIR", requires = "site", conflicts_with_all = ["image", "check", "blocks"])]
    pub layer: Vec<PathBuf>,
    /// The blocks of one card, which `provision --fat-only` has made from the image
    #[arg(long, value_name = "FILE")]
    pub blocks: Option<PathBuf>,
    /// Do not ask
    #[arg(long, requires = "device")]
    pub yes: bool,
    /// Say what would be written, and write nothing
    #[arg(long, requires = "device")]
    pub dry_run: bool,
    /// Compare the card with the image, and write nothing
    #[arg(long, requires = "device", conflicts_with_all = ["yes", "dry_run"])]
    pub check: bool,
    /// With --check: without the image, by the hashes that the card itself has
    #[arg(long, requires = "check", conflicts_with_all = ["image", "blocks", "yes", "dry_run"])]
    pub own_hashes: bool,
    /// The card, or a file in its place; without it, the cards are listed
    #[arg(value_name = "DEVICE")]
    pub device: Option<PathBuf>,
    /// Packages
    #[command(flatten)]
    pub sources: Sources,
}

/// `cargo xtask provision`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  cargo xtask provision --sites sites.toml --dry-run
  cargo xtask provision --sites sites.toml --out cards             an image for each box, and sheet.html
  cargo xtask provision --sites sites.toml --out cards --fat-only  only the blocks that differ
  cargo xtask flash --blocks cards/cabin-17.blocks /dev/sdb        writes one of these
  cargo xtask provision --sites sites.toml --flash /dev/sdb        asks for one card after the other

docs/provision.md describes sites.toml.")]
pub struct Provision {
    /// The boxes: a sites.toml, or a directory with a site.toml for each box
    #[arg(long, value_name = "FILE|DIR")]
    pub sites: PathBuf,
    /// Where the cards' files go; with --flash only sheet.html and the list of the cards that are written
    #[arg(long, value_name = "DIR", default_value = "cards")]
    pub out: PathBuf,
    /// The image that all cards are made from; its .bmap lies beside it
    #[arg(long, value_name = "FILE", default_value = "out/dialbox-rpi1.img")]
    pub image: PathBuf,
    /// Write for each box only the blocks that differ from the image: those of the FAT and beside root A
    #[arg(long)]
    pub fat_only: bool,
    /// Only this box (may be given several times)
    #[arg(long, value_name = "NAME")]
    pub only: Vec<String>,
    /// The file of the secrets that are made (default: beside the sites)
    #[arg(long, value_name = "FILE")]
    pub secrets: Option<PathBuf>,
    /// Write the cards themselves, one after the other, in this reader
    #[arg(long, value_name = "DEVICE", conflicts_with_all = ["fat_only", "dry_run"])]
    pub flash: Option<PathBuf>,
    /// With --flash: write also the cards that were written by an earlier run
    #[arg(long, requires = "flash", conflicts_with_all = ["fat_only", "dry_run"])]
    pub again: bool,
    /// With --flash: do not ask to confirm the first card
    #[arg(long, requires = "flash", conflicts_with_all = ["fat_only", "dry_run"])]
    pub yes: bool,
    /// Check all sites and write nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Print a line of JSON for each box, without secrets
    #[arg(long)]
    pub json: bool,
}

/// `cargo xtask qemu`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  cargo xtask qemu                            leave with Ctrl-A x
  cargo xtask qemu --image /tmp/cabin/dialbox-rpi1.img")]
pub struct Qemu {
    /// The image; it is not written to
    #[arg(long, value_name = "FILE", default_value = "out/dialbox-rpi1.img")]
    pub image: PathBuf,
    /// Packages and crates
    #[command(flatten)]
    pub supplies: Supplies,
}

/// `cargo xtask demo`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  cargo xtask demo                            no hardware; leave with `quit`
  printf 'status\\nconnect\\ndisconnect\\n' | cargo xtask demo")]
pub struct Demo {
    /// The image; it is not written to
    #[arg(long, value_name = "FILE", default_value = "out/dialbox-rpi1.img")]
    pub image: PathBuf,
    /// Packages and crates
    #[command(flatten)]
    pub supplies: Supplies,
}

/// `cargo xtask test`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  cargo xtask test
  cargo xtask test --only watchdog            the scenarios whose name contains it
  cargo xtask test --list")]
pub struct Test {
    /// The image; it is not written to
    #[arg(long, value_name = "FILE", default_value = "out/dialbox-rpi1.img")]
    pub image: PathBuf,
    /// Only the scenarios whose name contains this, and not the host's tests (may be given several times)
    #[arg(long, value_name = "NAME")]
    pub only: Vec<String>,
    /// List the scenarios
    #[arg(long)]
    pub list: bool,
    /// Packages and crates
    #[command(flatten)]
    pub supplies: Supplies,
}

/// `cargo xtask bench`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  cargo xtask bench                           builds, sizes, the boot and the dialer
  cargo xtask bench dialer --runs 1
  cargo xtask bench cache                     a build beside one with a shared cache, which nginx serves
  cargo xtask bench power --cuts 10000 --boots 300
  cargo xtask bench power --only message:17 --seed 1
  cargo xtask bench rot --patterns 1000 --boots 20
  cargo xtask bench wear")]
pub struct Bench {
    /// What to measure; `cache`, `exchange`, `power`, `rot`, `provision` and `wear` are not among `all`
    #[arg(
        value_parser = [
            "all", "build", "cache", "size", "boot", "dialer", "dial-in", "exchange", "power", "rot", "provision", "wear"
        ],
        default_value = "all"
    )]
    pub what: String,
    /// How many times each
    #[arg(long, value_name = "N", default_value_t = 3)]
    pub runs: u32,
    /// What `power` and `rot` do
    #[command(flatten)]
    pub damages: Damages,
    /// How many minutes the box of `wear` idles
    #[arg(long, value_name = "N", default_value_t = 60)]
    pub minutes: u32,
    /// Packages
    #[command(flatten)]
    pub sources: Sources,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        use clap::CommandFactory;
        Cli::command().debug_assert();
    }
}
