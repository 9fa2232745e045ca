//! `dialctl modem`: for the person at the bench. The services make way while it talks.

mod line;
mod pin;
mod probe;
mod terminal;

use crate::modem::link::Link;
use crate::modem::lock::Names;
use crate::modem::ports::{self, Candidate};
use crate::places::Places;
use crate::site::{FlowControl, Port, Role, Site, Speed};

/// Carries out `modem probe`, `modem pin-disable` or `modem terminal [PORT]`.
///
/// # Errors
/// What is wrong with the words, or why it could not be done.
pub fn run(places: &Places, words: &[&str]) -> Result<String, String> {
    let bench = Bench::new(places)?;
    match words {
        ["probe"] => Ok(probe::run(&bench)),
        ["pin-disable"] => pin::disable(&bench),
        ["terminal"] => terminal::run(&bench, None),
        ["terminal", port] => terminal::run(&bench, Some(port)),
        _ => Err(format!("modem {}: no such command", words.join(" "))),
    }
}

/// The modem of the site, as it lies on the bench.
struct Bench<'a> {
    places: &'a Places,
    site: Site,
    port: Port,
    speed: Speed,
    flow: FlowControl,
    /// The record that the service publishes, and the name of its link.
    name: &'static str,
}

impl<'a> Bench<'a> {
    fn new(places: &'a Places) -> Result<Self, String> {
        let file = places.site();
        let name = file.display().to_string();
        let text = std::fs::read_to_string(&file).map_err(|error| format!("{name}: {error}"))?;
        let site = Site::parse(&text).map_err(|error| error.in_file(name).to_string())?;
        let (port, speed, flow, name) = match &site.role {
            Role::Dialer(dialer) => {
                (dialer.modem.port.clone(), dialer.modem.speed, FlowControl::None, "modem")
            }
            Role::DialIn(dial_in) => {
                let line = dial_in.lines.first().ok_or("the site has no line")?;
                (line.port.clone(), line.speed, line.flow, "line1")
            }
        };
        Ok(Self { places, site, port, speed, flow, name })
    }

    fn candidates(&self) -> Vec<Candidate> {
        ports::candidates(self.places, &self.port)
    }

    /// The port that the service talks to, or else the likeliest one.
    fn talk(&self) -> Option<Candidate> {
        let published = self.places.published(self.name).unwrap_or_default();
        let candidates = self.candidates();
        let is_published = |it: &&Candidate| published.get("port") == Some(it.to_string().as_str());
        candidates.iter().find(is_published).or(candidates.first()).cloned()
    }

    fn names(&self, candidate: &Candidate) -> Names {
        let link = Link::new(self.places, self.name, &self.port);
        Names::of_port(self.places, &candidate.device, &link)
    }
}
