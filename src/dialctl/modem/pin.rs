//! `dialctl modem pin-disable`: turns off the SIM's PIN request. The rules of [the dialer](crate::modem::mobile) apply:
//! the last try of a card is never used.

use super::SiteModem;
use super::at_session::AtSession;
use crate::modem::at::request::Request;
use crate::modem::at::response::Final;
use crate::modem::mobile::{Memory, PinPolicy, PinWithheld, Quirks, Sim, Subject, card_number};
use crate::record::Record;
use crate::site::{Pin, Role};
use crate::state::Store;

/// Uses the site's PIN; prints the tries left and the result.
pub fn disable(site_modem: &SiteModem) -> Result<String, String> {
    let Role::Dialer(dialer) = &site_modem.site.role else {
        return Err("this box has no mobile modem".to_owned());
    };
    let candidate = site_modem.command_port().ok_or("no modem found")?;
    let store = Store::new(site_modem.paths.state());
    let boot = std::fs::read_to_string(site_modem.paths.path("/proc/sys/kernel/random/boot_id"));
    let boot = boot.unwrap_or_default().trim().to_owned();
    let pin_policy = PinPolicy::new(dialer.modem.pin.clone(), Memory::load(&store), boot);
    let line = AtSession::open(site_modem, &candidate).map_err(|error| format!("{candidate}: {error}"))?;
    Card { line, pin_policy, store }.disable()
}

/// The SIM card, and what is stored about it.
struct Card {
    line: AtSession,
    pin_policy: PinPolicy,
    store: Store,
}

/// `AT+CLCK="SC",2`: whether the SIM asks for its PIN (TS 27.007 §7.4).
const IS_ASKED: Request = Request::new("AT+CLCK=\"SC\",2", 10);

impl Card {
    fn disable(mut self) -> Result<String, String> {
        for request in ["AT", "ATE0V1", "AT+CMEE=1"] {
            self.send(Request::new(request, 2))?;
        }
        let (result, answer) = self.send(Request::new("AT+CPIN?", 10))?;
        match Sim::from_answer(&result, &answer) {
            Sim::Ready => {}
            sim if sim.wants_pin() => {
                let pin = self.pin(&[Subject::Pin, Subject::AskedFor])?;
                let request = Request::from_line(format!("AT+CPIN=\"{}\"", pin.reveal()), 20);
                self.give(request.shown_as("AT+CPIN=…"))?;
            }
            sim => return Err(format!("SIM {sim}")),
        }
        if self.send(IS_ASKED)?.1.iter().any(|line| line.replace(' ', "") == "+CLCK:0") {
            return Ok("the SIM does not ask for a PIN\n".to_owned());
        }
        let pin = self.pin(&[Subject::Pin])?;
        let request = Request::from_line(format!("AT+CLCK=\"SC\",0,\"{}\"", pin.reveal()), 20);
        self.give(request.shown_as("AT+CLCK=\"SC\",0,…"))?;
        Ok("the SIM does not ask for its PIN any more\n".to_owned())
    }

    /// The PIN, if it may be used; its use is stored first. Only counters of these subjects say how many tries are left.
    fn pin(&mut self, subjects: &[Subject]) -> Result<Pin, String> {
        let tries = self.tries(subjects)?;
        println!("tries left: {}", tries.map_or("unknown".to_owned(), |tries| tries.to_string()));
        let card = self.send(Request::new("AT+CCID", 5))?;
        let card = card_number(&card.1);
        if let Some(pin) = self.pin_policy.proven(tries, card.as_deref()) {
            return Ok(pin);
        }
        let (pin, record) = self.pin_policy.attempt(tries, card.as_deref()).map_err(|why| match why {
            PinWithheld::GivenThisBoot => "the PIN was given in this boot already; reboot first".to_owned(),
            other => format!("not given: SIM {other}"),
        })?;
        self.remember(&record)?;
        Ok(pin)
    }

    fn tries(&mut self, subjects: &[Subject]) -> Result<Option<u32>, String> {
        let (_, maker) = self.send(Request::new("AT+CGMI", 5))?;
        let counters = Quirks::of(maker.first().map(String::as_str)).pin_counters;
        for counter in counters.iter().filter(|counter| subjects.contains(&counter.subject)) {
            let (_, answer) = self.send(counter.request())?;
            if let Some(tries) = counter.tries(&answer) {
                return Ok(Some(tries));
            }
        }
        Ok(None)
    }

    fn give(&mut self, request: Request) -> Result<(), String> {
        let shown = request.line().to_string();
        let (result, _) = self.send(request)?;
        if let Some(record) = self.pin_policy.learn(&result) {
            self.remember(&record)?;
        }
        match result {
            Final::Ok => Ok(()),
            Final::Refused(why) => Err(format!("{shown}: {why}")),
            other => Err(format!("{shown}: {other:?}")),
        }
    }

    fn send(&mut self, request: Request) -> Result<(Final, Vec<String>), String> {
        let shown = request.line().to_string();
        let answered = self.line.send(request).map_err(|error| format!("{shown}: {error}"))?;
        answered.ok_or_else(|| format!("no answer to {shown}"))
    }

    fn remember(&self, record: &Record) -> Result<(), String> {
        let done = self.store.replace(Memory::FILE, &record.to_string());
        done.map_err(|error| format!("the PIN is not given unless it is remembered: {error}"))
    }
}
