//! The site of one box: its template with values and secrets, validated.

use std::collections::HashMap;

use dialbox::site::{Proof, Role, Site, SiteError};

use super::{
    fleet::{Fleet, Member, NAME},
    secrets::{self, Secrets},
    template::{Filled, Hole, Origin, Position, Template},
};
use crate::error::{Error, Result};

/// A box's site.
#[derive(Debug)]
pub struct Made {
    /// The text for the card.
    pub text: String,
    /// The same, validated.
    pub site: Site,
    /// The holes that secrets which were made have filled.
    pub secrets: Vec<String>,
}

/// Makes the site of a box.
///
/// # Errors
/// A value is missing or wrong; with the file, line and column where it is.
pub fn make(fleet: &Fleet, member: &Member, secrets: &Secrets) -> Result<Made> {
    let template = fleet.template(member)?;
    if let Some((name, given)) = fleet.unused(member, &template) {
        return Err(Error::new(format!(
            "{}: {} has no hole {{{name}}}",
            fleet.place_of(given.at),
            template.name
        ))
        .hint("correct the name, or remove the line"));
    }
    let mut missing = None;
    let filled = template.fill(|hole| {
        let value = value(fleet, member, secrets, &hole.name);
        if value.is_none() {
            missing.get_or_insert_with(|| hole.clone());
        }
        value
    });
    if let Some(hole) = missing {
        return Err(no_value(fleet, member, &template, &hole));
    }
    match Site::parse_for_use(&filled.text) {
        Ok(site) => Ok(Made { text: filled.text, site, secrets: wanted_secrets(fleet, member, &template) }),
        Err(error) => Err(explain(fleet, member, &template, &filled, secrets, &error)),
    }
}

/// The holes of a box that get secrets, because nothing is given for them.
pub fn wanted_secrets(fleet: &Fleet, member: &Member, template: &Template) -> Vec<String> {
    let is_wanted =
        |hole: &&Hole| secrets::is_secret(&hole.name) && fleet.given(member, &hole.name).is_none();
    template.holes().filter(is_wanted).map(|hole| hole.name.clone()).collect()
}

fn value<'a>(fleet: &'a Fleet, member: &'a Member, secrets: &'a Secrets, hole: &str) -> Option<&'a str> {
    if hole == NAME {
        return Some(&member.name);
    }
    fleet.given(member, hole).map(|given| given.text.as_str()).or_else(|| secrets.get(&member.name, hole))
}

fn no_value(fleet: &Fleet, member: &Member, template: &Template, hole: &Hole) -> Error {
    let Position { line, column } = template.position(hole);
    let error =
        Error::new(format!("{}:{line}:{column}: there is no value for {{{}}}", template.name, hole.name));
    let error = error.fact(format!("in the site of {} ({})", member.name, fleet.place(member)));
    match fleet.file.is_dir() {
        true => error
            .hint(format!("write the value itself; only {{{NAME}}} and secrets are known here: {}", known())),
        false => error.hint(format!(
            "add `{} = …` to [box.{}] or to [common] of {}",
            hole.name,
            member.name,
            fleet.file.display()
        )),
    }
}

fn known() -> String {
    secrets::names().map(|name| format!("{{{name}}}")).collect::<Vec<_>>().join(", ")
}

/// An error of the filled template, at the place that must be corrected.
fn explain(
    fleet: &Fleet,
    member: &Member,
    template: &Template,
    filled: &Filled<'_>,
    secrets: &Secrets,
    error: &SiteError,
) -> Error {
    let (line, column) = error.place();
    let of_box = format!("in the site of {} ({})", member.name, fleet.place(member));
    let (place, fact) = match filled.origin(Position { line, column }) {
        Origin::Template(Position { line, column }) => {
            (format!("{}:{line}:{column}", template.name), format!("{}{of_box}", error.excerpt()))
        }
        Origin::Hole(hole) => {
            let Position { line, column } = template.position(hole);
            let fact = format!("{{{}}} of {}:{line}:{column} {of_box}", hole.name, template.name);
            let place = match fleet.given(member, &hole.name) {
                Some(given) => fleet.place_of(given.at),
                None if hole.name == NAME => fleet.place(member),
                None => format!("{}, {} of {}", secrets.file().display(), hole.name, member.name),
            };
            (place, fact)
        }
    };
    Error::new(format!("{place}: {}", error.reason())).fact(fact).hint(error.next())
}

/// What no two boxes may share, by the hash of a secret, the host name in lower case or the address in the VPN: the box
/// that has it.
#[derive(Debug, Default)]
pub struct Unique(HashMap<String, String>);

impl Unique {
    /// Enters a box. `place` tells where the box of a name is written.
    ///
    /// # Errors
    /// Another box has its host name, its address in the VPN or one of its secrets.
    pub fn enter(&mut self, name: &str, site: &Site, place: impl Fn(&str) -> String) -> Result<()> {
        let mut marks = vec![("host name", site.hostname.to_string().to_lowercase())];
        if let Role::Dialer(dialer) = &site.role {
            if let Some(Proof::Totp(code) | Proof::Hotp(code)) = dialer.sms.as_ref().map(|sms| &sms.proof) {
                marks.push(("secret for one-time codes", crate::task::digest(code.secret.reveal())));
            }
            if let Some(vpn) = &dialer.vpn {
                marks.push(("WireGuard key", crate::task::digest(vpn.private_key.reveal().as_bytes())));
                // A peer gives a network to one of its peers only (wg(8), AllowedIPs): the others get no answer.
                let address = format!("{} {}", vpn.public_key.as_str(), vpn.address.address());
                marks.push(("address at the same peer of the VPN", address));
            }
        }
        for (what, mark) in &marks {
            if let Some(other) = self.0.get(mark) {
                let shared = Error::new(format!("{}: {name} and {other} have the same {what}", place(name)))
                    .fact(format!("{other} is at {}", place(other)));
                return Err(shared.hint(format!(
                    "give {name} its own, or leave it to `provision` with {{name}} or a hole for a secret"
                )));
            }
        }
        self.0.extend(marks.into_iter().map(|(_, mark)| (mark, name.to_owned())));
        Ok(())
    }
}
