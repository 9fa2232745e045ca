//! The exchange beside kamailio, on this machine: the same telephones, the same calls, one server after the other.

use super::Programs;
use super::messages;
use super::server::{Kind, Server};
use crate::baresip::free_port;
use crate::error::{Error, Result};
use crate::sipp::{ACCOUNTS, Scenario, Sipp};
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// Calls of a run, one after the other, each of some 5 ms.
const CALLS: u32 = 500;
/// Registrations of a run, with and without a flood.
const REGISTRATIONS: u32 = 200;
/// REGISTERs a second of the flood, each with a wrong password.
const FLOOD: u32 = 2000;

/// A running sipp; it ends with this value.
#[derive(Debug)]
pub struct Running(Child);

/// Prints a line for each run of each server.
pub fn run(programs: &Programs, runs: u32) -> Result<()> {
    println!(
        "KiB resident after {ACCOUNTS} registrations and {CALLS} calls; ms of processor time a call; \
         ms from INVITE to 180, ms of a registration, the same beside {FLOOD} wrong ones a second"
    );
    for _ in 0..runs {
        for (kind, name) in [(Kind::Ours, "ours"), (Kind::Kamailio, "kamailio")] {
            println!("{name:8} {}", one(kind, programs)?);
        }
    }
    Ok(())
}

fn one(kind: Kind, programs: &Programs) -> Result<String> {
    let server = Server::start(kind, programs)?;
    let sipp = Sipp::new(&programs.sip_tools, server.dir());
    let [called, caller] = [free_port()?, free_port()?];
    let users: Vec<(usize, u16)> =
        (0..ACCOUNTS).map(|at| (at, if at == 0 { caller } else { called })).collect();
    // It retransmits until the server has started.
    let mut all = sipp.by(&users, Scenario::Register, server.port, free_port()?)?;
    all.args(["-m", &ACCOUNTS.to_string(), "-r", "100"]);
    Sipp::finish(&mut all)?;
    let answers = sipp.command(Scenario::Answer, server.port, called)?;
    let answers = Running::start(answers)?;
    let before = server.used()?;
    let call = sipp.by(&[(0, caller)], Scenario::Call, server.port, caller)?;
    let ringing = median(times(server.dir(), call, CALLS)?)?;
    let after = server.used()?;
    drop(answers);
    let register = || sipp.by(&users[2..3], Scenario::Register, server.port, free_port()?);
    let quiet = median(times(server.dir(), register()?, REGISTRATIONS)?)?;
    let mut flood = sipp.command(Scenario::Guess, server.port, free_port()?)?;
    flood.args(["-r", &FLOOD.to_string(), "-m", "100000000", "-l", "100000"]);
    let flood = Running::start(flood)?;
    let flooded = median(times(server.dir(), register()?, REGISTRATIONS)?)?;
    drop(flood);
    let cpu = (after.cpu_ms - before.cpu_ms) / f64::from(CALLS);
    Ok(format!("{:6} {cpu:6.3} {ringing:6.3} {quiet:6.3} {flooded:6.3}", after.kib))
}

/// The times of a scenario, in ms, played so many times in a row.
fn times(dir: &Path, mut command: Command, times: u32) -> Result<Vec<f64>> {
    let file = dir.join("messages.log");
    command.args(["-m", &times.to_string(), "-r", "100", "-l", "1", "-aa", "-trace_msg", "-message_file"]);
    Sipp::finish(command.arg(&file).args(["-message_overwrite", "true"]))?;
    let text = fs::read(&file).map_err(|e| Error::io("read", &file, e))?;
    Ok(messages::times(&String::from_utf8_lossy(&text)))
}

fn median(mut values: Vec<f64>) -> Result<f64> {
    values.sort_by(f64::total_cmp);
    let middle = values.get(values.len() / 2).copied();
    middle.ok_or_else(|| Error::Unexpected("sipp has measured nothing".to_owned()))
}

impl Running {
    /// Starts it.
    pub fn start(mut command: Command) -> Result<Self> {
        command.stdout(Stdio::null());
        command.spawn().map(Self).map_err(|e| Error::io("start", Path::new("sipp"), e))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}
