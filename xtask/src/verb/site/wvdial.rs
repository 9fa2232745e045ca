//! Modem and operator from a `wvdial.conf`. The format is that of wvdial.conf(5):
//! sections `[Dialer NAME]`, of which `Defaults` applies to all, with `Key = value` lines.

use std::{collections::BTreeMap, path::Path};

use dialbox::site::{AtCommand, ProviderName, Speed};

use super::draft::Draft;
use crate::error::{Error, Result, printable};
use crate::text_file;

/// The settings of one dialer, by their names in lower case and without blanks: wvdial ignores case
/// and blanks.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Wvdial {
    /// The name after `Dialer` in the section's header.
    name: Option<String>,
    settings: BTreeMap<String, String>,
}

const DEFAULTS: &str = "defaults";

/// Settings that the box makes in any case.
const WITHOUT_LOSS: [&str; 7] =
    ["modemtype", "stupidmode", "newpppd", "isdn", "autoreconnect", "autodns", "checkdns"];

impl Wvdial {
    /// Reads a file.
    pub fn load(file: &Path) -> Result<Self> {
        let name = file.display().to_string();
        let text = text_file::read(file, &name)?;
        Self::parse(&text).map_err(|error| error.context(format!("cannot use {name}")))
    }

    /// Reads the text of a file.
    pub fn parse(text: &str) -> Result<Self> {
        let mut defaults = BTreeMap::new();
        let mut dialers: Vec<Self> = Vec::new();
        let mut here: Option<&mut BTreeMap<String, String>> = None;
        for line in text.lines().map(str::trim) {
            if let Some(section) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
                here = match dialer_name(section) {
                    None => None,
                    Some(name) if name.eq_ignore_ascii_case(DEFAULTS) => Some(&mut defaults),
                    Some(name) => {
                        dialers.push(Self { name: Some(name.to_owned()), ..Self::default() });
                        dialers.last_mut().map(|it| &mut it.settings)
                    }
                };
            } else if !line.starts_with([';', '#'])
                && let Some((key, value)) = line.split_once('=')
                && let Some(settings) = &mut here
            {
                let key = key.split_whitespace().collect::<String>().to_lowercase();
                settings.insert(key, unquoted(value.trim()).to_owned());
            }
        }
        if let [_, second, ..] = dialers.as_slice() {
            return Err(Error::new("it has several dialers")
                .fact(format!("one of them is [Dialer {}]", second.name.as_deref().unwrap_or_default()))
                .hint("leave only [Dialer Defaults] and the one you mean in a copy of it"));
        }
        let Self { name, settings } = dialers.pop().unwrap_or_default();
        defaults.extend(settings);
        if defaults.is_empty() {
            return Err(Error::new("it has no [Dialer …] with settings")
                .hint("give the wvdial.conf of a dial-up setup"));
        }
        Ok(Self { name, settings: defaults })
    }

    /// Fills in a draft; returns what could not be imported.
    pub fn fill(mut self, draft: &mut Draft) -> Vec<String> {
        let mut notes = Vec::new();
        if let Some(name) = self.name.take() {
            match name.parse::<ProviderName>() {
                Ok(name) => draft.set("operator", "name", name.as_str()),
                Err(_) => notes.push(format!("{name:?} cannot name a provider file; choose a `name`")),
            }
        }
        for (key, table, ours) in [("phone", "operator", "number"), ("modem", "modem", "port")] {
            if let Some(value) = self.take(key) {
                draft.set(table, ours, value);
            }
        }
        if let Some(baud) = self.take("baud") {
            let speed = baud.parse().ok().filter(|it| Speed::new(*it).is_some());
            match speed {
                Some(speed) => draft.set("modem", "speed", speed),
                None => {
                    notes.push(format!("Baud = {baud} is no speed of a serial line; the default is taken"))
                }
            }
        }
        self.account(draft);
        self.init(draft, &mut notes);
        let left: Vec<_> = self.settings.keys().filter(|key| !WITHOUT_LOSS.contains(&key.as_str())).collect();
        notes.extend(left.into_iter().map(|key| format!("`{key}` is not taken over")));
        notes.iter().map(|note| printable(note)).collect()
    }

    fn account(&mut self, draft: &mut Draft) {
        draft.unset("operator", "user");
        draft.unset("operator", "password");
        // wvdial requires both; for an operator without them users write blanks.
        let (user, password) = (self.take("username"), self.take("password"));
        if let Some(user) = user {
            draft.set("operator", "password", password.unwrap_or_default());
            draft.set("operator", "user", user);
        }
    }

    /// `Init`, `Init1` … `Init9` in order. The context and the PIN have keys of their own.
    fn init(&mut self, draft: &mut Draft, notes: &mut Vec<String>) {
        let keys = std::iter::once("init".to_owned()).chain((1..=9).map(|number| format!("init{number}")));
        let commands: Vec<String> = keys.filter_map(|key| self.take(&key)).collect();
        let mut init = Vec::new();
        for command in &commands {
            let plain: String = command.to_uppercase().split_whitespace().collect();
            if let Some(pin) = plain.strip_prefix("AT+CPIN=").filter(|pin| !pin.contains(';')) {
                draft.set("modem", "pin", unquoted(pin));
            } else if plain.contains("+CPIN") {
                notes.push("a PIN within a longer command is not taken over; give it as `pin`".to_owned());
            } else if plain.contains("+CGDCONT=") {
                match access_point(command) {
                    Some(apn) => draft.set("operator", "apn", apn),
                    None => notes.push(format!("no access point name found in {command:?}")),
                }
            } else if command.parse::<AtCommand>().is_ok() {
                init.push(command.clone());
            } else {
                notes.push(format!("{command:?} is not an AT command"));
            }
        }
        if !init.is_empty() {
            draft.set("modem", "init", init);
        }
    }

    /// A setting, unless it is blank.
    fn take(&mut self, key: &str) -> Option<String> {
        self.settings.remove(key).filter(|value| !value.trim().is_empty())
    }
}

/// The name in `Dialer NAME`.
fn dialer_name(section: &str) -> Option<&str> {
    let (dialer, name) = section.trim().split_once(char::is_whitespace)?;
    dialer.eq_ignore_ascii_case("dialer").then(|| name.trim())
}

fn unquoted(value: &str) -> &str {
    let within = |quote| value.strip_prefix(quote).and_then(|value: &str| value.strip_suffix(quote));
    within('"').or_else(|| within('\'')).unwrap_or(value)
}

/// The third parameter of `AT+CGDCONT=1,"IP","apn"` (TS 27.007 §10.1.1).
fn access_point(command: &str) -> Option<&str> {
    let parameters = command.split_once('=')?.1;
    let apn = unquoted(parameters.split(',').nth(2)?.trim());
    (!apn.is_empty()).then_some(apn)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verb::site::new::DIALER;
    use dialbox::site::{Role, Site};

    /// As `wvdialconf` writes it and users complete it.
    const FREE: &str = "; a comment\n[Dialer Defaults]\nInit1 = ATZ\nInit2 = ATQ0 V1 E1 S0=0 &C1 &D2 +FCLASS=0\n\
        Modem Type = Analog Modem\nBaud = 460800\nNew PPPD = yes\nModem = /dev/ttyUSB0\nISDN = 0\n\
        Stupid Mode = 1\nIdle Seconds = 300\n\n[Dialer free]\nInit3 = AT+CGDCONT=1,\"IP\",\"free\"\n\
        Phone = *99***1#\nUsername = free\nPassword = 'fr ee'\n[Other]\nPhone = 12\n";

    fn filled(text: &str) -> (Draft, Vec<String>) {
        let mut draft = Draft::from_example(DIALER);
        let notes = Wvdial::parse(text).unwrap_or_else(|error| panic!("{error}")).fill(&mut draft);
        (draft, notes)
    }

    #[test]
    fn a_usual_wvdial_conf_becomes_a_site() {
        let (draft, notes) = filled(FREE);
        let site = Site::parse(&draft.text()).unwrap_or_else(|error| panic!("{error}"));
        let rows: Vec<_> =
            site.summary().lines().filter(|it| it.contains("free")).map(str::to_owned).collect();
        assert_eq!(rows, ["operator  free (as free, with a password)", "dials     *99***1#, APN free"]);
        assert!(site.summary().contains("/dev/ttyUSB0 at 460800 bit/s"));
        assert_eq!(notes, ["`idleseconds` is not taken over"]);
        let Role::Dialer(dialer) = &site.role else { panic!() };
        let init: Vec<&str> = dialer.modem.init.iter().map(AtCommand::as_str).collect();
        assert_eq!(init, ["ATZ", "ATQ0 V1 E1 S0=0 &C1 &D2 +FCLASS=0"]);
        assert_eq!(dialer.operator.account.as_ref().unwrap().password.reveal(), "fr ee");
    }

    #[test]
    fn settings_without_an_equal_in_the_site_are_converted_or_reported() {
        let (draft, notes) = filled(
            "[Dialer Defaults]\nInit1 = AT+CPIN=\"1234\"\nInit2 = at+cgdcont=1,\"IP\",internet.example\n\
             Init3 = Z\nBaud = 7200000\nUsername = \" \"\nPassword = \" \"\nPhone = *99#\n[Dialer my operator]\n",
        );
        let site = Site::parse(&draft.text()).unwrap_or_else(|error| panic!("{error}"));
        let Role::Dialer(dialer) = &site.role else { panic!() };
        assert_eq!(dialer.modem.pin.as_ref().map(|pin| pin.reveal()), Some("1234"));
        assert_eq!(dialer.operator.apn.as_str(), "internet.example");
        assert_eq!((&dialer.operator.account, dialer.modem.speed), (&None, Speed::USUAL));
        assert_eq!(
            notes,
            [
                "\"my operator\" cannot name a provider file; choose a `name`",
                "Baud = 7200000 is no speed of a serial line; the default is taken",
                "\"Z\" is not an AT command",
            ]
        );
    }

    #[test]
    fn no_note_shows_a_pin_or_makes_the_terminal_do_anything() {
        for init in
            ["AT+CPIN=4321;+CGDCONT=1", "AT+CGDCONT=1,\"IP\";+CPIN=4321", "AT+CPIN = \"4321\";+CMGF=1"]
        {
            let (draft, notes) = filled(&format!("[Dialer Defaults]\nInit1 = {init}\n"));
            assert_eq!(
                notes,
                ["a PIN within a longer command is not taken over; give it as `pin`"],
                "{init}"
            );
            assert!(!draft.text().contains("4321"));
        }
        let (_, notes) = filled("[Dialer Defaults]\nBaud = 9\u{1b}[2J\nOther\u{9b} = 1\n");
        assert!(!notes.concat().contains(char::is_control), "{notes:?}");
    }

    #[test]
    fn a_file_without_exactly_one_dialer_is_refused() {
        for (text, why) in [
            ("", "it has no [Dialer …] with settings"),
            ("[Dialer Defaults]\n", "it has no [Dialer …] with settings"),
            ("Phone = 12\n", "it has no [Dialer …] with settings"),
            ("[Dialer a]\nPhone = 1\n[Dialer b]\nPhone = 2\n", "it has several dialers"),
        ] {
            let error = Wvdial::parse(text).unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
        }
    }
}
