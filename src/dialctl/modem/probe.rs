//! `dialctl modem probe`: every port, and what answers there.

use std::io;

use super::SiteModem;
use super::at_session::AtSession;
use crate::modem::at::request::Request;
use crate::modem::mobile::{Sim, dbm};
use crate::modem::ports::{self, Candidate};

const HEAD: [&str; 4] = ["PORT", "WHERE", "ANSWER", "MODEM"];

/// A table of the ports and their purposes.
pub fn run(site_modem: &SiteModem) -> String {
    let candidates = site_modem.candidates();
    if candidates.is_empty() {
        return format!("no port at {}; is the modem plugged in?\n", site_modem.port);
    }
    let probed: Vec<_> =
        candidates.iter().map(|candidate| (candidate, probe(site_modem, candidate))).collect();
    let row = |(candidate, found): &(&Candidate, io::Result<Option<Found>>)| {
        let shown = candidate.to_string();
        let (port, place) = shown.split_once(' ').unwrap_or((&shown, ""));
        let (answer, modem) = match found {
            Ok(Some(found)) => ("OK".to_owned(), found.modem.clone()),
            Ok(None) => ("silent".to_owned(), String::new()),
            Err(error) => (error.to_string(), String::new()),
        };
        [port.to_owned(), place.trim_matches(['(', ')']).to_owned(), answer, modem]
    };
    let rows: Vec<_> = probed.iter().map(row).collect();
    let answering: Vec<_> = probed.iter().filter(|(_, found)| matches!(found, Ok(Some(_)))).collect();
    let ports: Vec<_> = answering.iter().map(|(candidate, _)| (*candidate).clone()).collect();
    let mut text = table(&rows);
    if let Some(ports) = ports::choose(&candidates, &ports, None) {
        let (command, data) = (ports.command.device.display(), ports.data.device.display());
        text += &format!("\ncommands and messages: {command}\ndata: {data}\n");
    }
    if let Some((_, Ok(Some(found)))) = answering.first() {
        text += &format!("SIM {}, signal {}\n", found.sim, found.signal);
    }
    text
}

/// The answer at a port.
struct Found {
    modem: String,
    sim: String,
    signal: String,
}

fn probe(site_modem: &SiteModem, candidate: &Candidate) -> io::Result<Option<Found>> {
    let mut line = AtSession::open(site_modem, candidate)?;
    // A modem that was just plugged in may swallow the first command, one in silent mode the second.
    let attention = ["AT", "ATQ0V1", "AT"].map(|command| Request::new(command, 1));
    let mut answers = false;
    for request in attention {
        answers = answers || line.answer(request)?.is_some();
    }
    if !answers {
        return Ok(None);
    }
    line.send(Request::new("ATE0", 2))?;
    line.send(Request::new("AT+CMEE=1", 2))?;
    let mut words = Vec::new();
    for command in ["AT+CGMI", "AT+CGMM", "AT+CGMR"] {
        words.extend(line.answer(Request::new(command, 5))?.and_then(|answer| answer.into_iter().next()));
    }
    let sim = line.send(Request::new("AT+CPIN?", 10))?;
    let sim =
        sim.map_or("silent".to_owned(), |(result, answer)| Sim::from_answer(&result, &answer).to_string());
    let signal = line.answer(Request::new("AT+CSQ", 5))?.and_then(|answer| dbm(&answer));
    let signal = signal.map_or("unknown".to_owned(), |dbm| format!("{dbm} dBm"));
    Ok(Some(Found { modem: words.join(", "), sim, signal }))
}

/// Columns as wide as their widest word.
fn table(rows: &[[String; 4]]) -> String {
    let head = HEAD.map(str::to_owned);
    let all = || std::iter::once(&head).chain(rows);
    let width = |column: usize| all().map(|row| row[column].len()).max().unwrap_or(0);
    let widths: [usize; 4] = std::array::from_fn(width);
    all().fold(String::new(), |text, row| {
        let line = row
            .iter()
            .zip(widths)
            .fold(String::new(), |line, (word, width)| format!("{line}{word:width$}  "));
        text + line.trim_end() + "\n"
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_have_the_width_of_their_content() {
        let row = |words: [&str; 4]| words.map(str::to_owned);
        let rows = [
            row(["/dev/ttyHS3", "hso at 1-1.1:1.2, Modem", "OK", "Option N.V., GTM378"]),
            row(["/dev/ttyHS0", "hso at 1-1.1:1.0, Control", "locked by process 412", ""]),
        ];
        insta::assert_snapshot!(table(&rows), @"
        PORT         WHERE                      ANSWER                 MODEM
        /dev/ttyHS3  hso at 1-1.1:1.2, Modem    OK                     Option N.V., GTM378
        /dev/ttyHS0  hso at 1-1.1:1.0, Control  locked by process 412
        ");
    }
}
