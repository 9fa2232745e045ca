//! `dialctl modem`: tests a modem by hand. The services release the port for it.

mod at_session;
mod pin;
mod probe;
mod terminal;

use crate::modem::dev_symlink::DevSymlink;
use crate::modem::lock::Names;
use crate::modem::ports::{self, Candidate};
use crate::names::{LineName, record};
use crate::paths::Paths;
use crate::published::{DriverStatus, ModemStatus, Published};
use crate::site::{FlowControl, Port, Role, Site, Speed};

/// Executes `modem probe`, `modem pin-disable` or `modem terminal [PORT]`.
///
/// # Errors
/// The arguments are invalid, or the command failed.
pub fn run(paths: &Paths, words: &[&str]) -> Result<String, String> {
    let site_modem = SiteModem::new(paths)?;
    match words {
        ["probe"] => Ok(probe::run(&site_modem)),
        ["pin-disable"] => pin::disable(&site_modem),
        ["terminal"] => terminal::run(&site_modem, None),
        ["terminal", port] => terminal::run(&site_modem, Some(port)),
        _ => Err(format!("modem {}: no such command", words.join(" "))),
    }
}

/// The modem of the site.
struct SiteModem<'a> {
    paths: &'a Paths,
    site: Site,
    port: Port,
    speed: Speed,
    flow: FlowControl,
    /// The published record of the service, and the name of its symlink.
    name: String,
}

impl<'a> SiteModem<'a> {
    fn new(paths: &'a Paths) -> Result<Self, String> {
        let file = paths.site();
        let name = file.display().to_string();
        let text = std::fs::read_to_string(&file).map_err(|error| format!("{name}: {error}"))?;
        let site = Site::parse(&text).map_err(|error| error.in_file(name).to_string())?;
        let (port, speed, flow, name) = match &site.role {
            Role::Dialer(dialer) => {
                (dialer.modem.port.clone(), dialer.modem.speed, FlowControl::None, record::MODEM.to_owned())
            }
            Role::DialIn(dial_in) => {
                let line = dial_in.lines.first().ok_or("the site has no line")?;
                (line.port.clone(), line.speed, line.flow, LineName(1).to_string())
            }
        };
        Ok(Self { paths, site, port, speed, flow, name })
    }

    fn candidates(&self) -> Vec<Candidate> {
        ports::candidates(self.paths, &self.port)
    }

    /// The port that the service uses for commands, or else the likeliest one.
    fn command_port(&self) -> Option<Candidate> {
        let published = self.paths.published(&self.name);
        let status = published.as_ref().and_then(DriverStatus::<ModemStatus>::from_record);
        let command = status.as_ref().and_then(DriverStatus::ports).map(|ports| ports.command.as_str());
        let candidates = self.candidates();
        let is_published = |it: &&Candidate| command == Some(it.to_string().as_str());
        candidates.iter().find(is_published).or(candidates.first()).cloned()
    }

    fn names(&self, candidate: &Candidate) -> Names {
        let link = DevSymlink::new(self.paths, &self.name, &self.port);
        Names::for_port(self.paths, &candidate.device, &link)
    }
}
