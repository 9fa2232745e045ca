//! The site that the image was built with, and the expected status of a box with it. The other scenarios write their
//! own site onto the card, so they work with every image.

use crate::bench::Bench;
use crate::card::{Card, SITE};
use crate::error::{Error, Result};
use crate::machine::Machine;
use crate::modem::Modem;
use crate::stage::{Stage, analogue, stick};
use dialbox::site::{Port, Role, Site};

/// The image's own site.
pub struct OwnSite {
    /// The text, as on the FAT partition.
    pub text: String,
    /// The parsed site.
    pub site: Site,
    /// What the status says of it: `baked`, or `provisioned` if it lies beside the root.
    pub original: &'static str,
}

/// A box with the image's own site, and the modem that belongs to it.
pub fn own_box(stage: &Stage) -> Result<(OwnSite, Machine<'_>)> {
    let own = OwnSite::of(stage.bench())?;
    let machine = stage.with_own_site(own.role().0, own.modem())?;
    Ok((own, machine))
}

impl OwnSite {
    /// Reads it from the image.
    pub fn of(bench: &Bench) -> Result<Self> {
        let text = Card::at(bench.image.clone()).read_text(SITE)?;
        let site = Site::parse(&text).map_err(|e| Error::Image(format!("its {SITE}: {e}")))?;
        let provisioned = Card::at(bench.image.clone()).provisioned()?;
        let original = if provisioned.is_some() { "provisioned" } else { "baked" };
        Ok(Self { text, site, original })
    }

    /// The name of the role, and of its service.
    pub fn role(&self) -> (&'static str, &'static str) {
        match self.site.role {
            Role::Dialer(_) => ("dialer", "sms-dialer"),
            Role::DialIn(_) => ("dial-in", "dial-in"),
        }
    }

    /// The modem that belongs to it.
    pub fn modem(&self) -> Modem {
        match self.site.role {
            Role::Dialer(_) => stick(),
            Role::DialIn(_) => analogue(),
        }
    }

    /// The first lines of the status of a box without faults.
    pub fn up(&self) -> Vec<String> {
        let mut up = vec![format!("{} up", self.role().1), "watchdogd up".to_owned()];
        match &self.site.role {
            _ if self.left_out().is_some() => {}
            Role::Dialer(_) => up.push("Option N.V.".to_owned()),
            Role::DialIn(_) => up.push("ready, no calls".to_owned()),
        }
        up
    }

    /// What is not tested with this site, and why.
    pub fn left_out(&self) -> Option<String> {
        let ports: Vec<&Port> = match &self.site.role {
            Role::Dialer(dialer) => vec![&dialer.modem.port],
            Role::DialIn(dial_in) => dial_in.lines.iter().map(|line| &line.port).collect(),
        };
        ports.iter().any(|port| **port != Port::Auto).then(|| {
            "whether a modem is found: the image's site names its port, and the lab's modems are at other ports".to_owned()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own(text: &str) -> OwnSite {
        OwnSite { text: text.to_owned(), site: Site::parse(text).unwrap(), original: "baked" }
    }

    #[test]
    fn what_is_expected_comes_from_the_site() {
        let dialer = own(include_str!("../../../image/sites/dialer.toml"));
        assert_eq!(dialer.up(), ["sms-dialer up", "watchdogd up", "Option N.V."]);
        assert_eq!(dialer.left_out(), None);
        let dial_in = own(include_str!("../../../image/sites/dial-in.toml"));
        assert_eq!(dial_in.up(), ["dial-in up", "watchdogd up", "ready, no calls"]);
        assert_eq!(dial_in.left_out(), None);
    }

    #[test]
    fn a_modem_at_a_port_of_its_own_is_left_out() {
        let text = "role = \"dialer\"\nhostname = \"cabin\"\n[modem]\nport = \"1-1.8\"\n\
                    [operator]\nname = \"sfr\"\napn = \"websfr\"\n";
        assert_eq!(own(text).up(), ["sms-dialer up", "watchdogd up"]);
        assert!(own(text).left_out().unwrap().contains("a modem is found"));
    }
}
