//! `dialctl modem terminal [PORT]`: picocom at the modem's port, when the services release it.

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use super::SiteModem;
use super::at_session::wait_for;
use crate::modem::ports;
use crate::site::{FlowControl, Port};

/// Replaces this process by picocom, which runs under the lock taken here: the process ID stays the same, and the lock
/// is stale when picocom ends.
pub fn run(site_modem: &SiteModem, port: Option<&str>) -> Result<String, String> {
    let candidate = match port {
        None => site_modem.command_port().ok_or("no modem found")?,
        Some(port) => {
            let mut all =
                ports::candidates(site_modem.paths, &Port::Auto).into_iter().chain(site_modem.candidates());
            let found = all.find(|candidate| candidate.device == Path::new(port));
            found.ok_or_else(|| format!("{port} is no modem's port; `dialctl modem probe` lists them"))?
        }
    };
    let device = candidate.device.display().to_string();
    let lock = wait_for(site_modem.paths, &site_modem.names(&candidate))
        .map_err(|error| format!("{device}: {error}"))?;
    let flow = match site_modem.flow {
        FlowControl::RtsCts => "h",
        FlowControl::None => "n",
    };
    let speed = site_modem.speed.to_string();
    println!("{candidate}: leave with Ctrl-A Ctrl-X");
    // Local echo: the dialer has turned the modem's off.
    let options = ["--nolock", "--echo", "-b", &speed, "-f", flow, &device];
    let error = Command::new("picocom").args(options).exec();
    drop(lock);
    Err(format!("picocom: {error}"))
}
