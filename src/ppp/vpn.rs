//! The VPN over a link, as the rendered scripts of pppd make it (`site::render::vpn`).

use std::fs;
use std::io;
use std::process::{Child, Command, Stdio};

use super::{Interface, counters};
use crate::names::{VPN, VPN_UP, run_file};
use crate::paths::Paths;

/// The bytes from the far side since the interface exists; `None` if it does not.
pub fn received(paths: &Paths) -> Option<u64> {
    counters::read(paths, &Interface::new(VPN)?).map(|carried| carried.received)
}

/// Leaves the endpoint for the scripts of this and of the next links, until the next boot.
///
/// # Errors
/// The file cannot be written.
pub fn use_endpoint(paths: &Paths, endpoint: &str) -> io::Result<()> {
    let file = paths.run_file(run_file::VPN_ENDPOINT);
    let new = file.with_extension("new");
    fs::write(&new, format!("{endpoint}\n"))?;
    fs::rename(new, file)
}

/// From now on the site's own endpoint is in use.
pub fn use_own_endpoint(paths: &Paths) {
    paths.withdraw(run_file::VPN_ENDPOINT);
}

/// Starts the script that makes the interface again, with its keys, its endpoint and its routes.
///
/// # Errors
/// It is missing, or cannot be executed.
pub fn renew(paths: &Paths, link: &Interface) -> io::Result<Child> {
    let mut command = Command::new(paths.path(VPN_UP));
    command.env("PPP_IFACE", link.as_str());
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()
}
