//! sipp, a program of Debian's that plays SIP telephones by a scenario, from packages that are unpacked in a directory.

use crate::error::{Error, Result};
use crate::unpacked;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// What the telephones do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scenario {
    /// Each registers its contact, after a challenge. For a measurement: from the first request to the 200.
    Register,
    /// The same with requests and responses of more than [`LONG`] bytes.
    RegisterLong,
    /// Each call is answered; the caller's SDP must have come unchanged.
    Answer,
    /// Each calls, after a challenge, and hangs up once it is answered. Its time is the one from the INVITE with the
    /// password to the 180.
    Call,
    /// The same, but talks for half a minute.
    Hold,
    /// Each registers as `ata0`, with a wrong password.
    Guess,
}

/// The accounts of a test on this machine: `ata0` with the password `key0`, and so on.
pub const ACCOUNTS: usize = 32;
/// A number that rings `ata1`, as any other does.
pub const DIALLED: &str = "5551234";

/// The network of this machine's exchange: the loopback interface.
pub const LOOPBACK: &str = "address = '127.0.0.1/8'\ninterface = 'lo'";
/// In call.xml.
const BEFORE_BYE: &str = "<send retrans=\"500\"><![CDATA[\nBYE";
/// Longer than any other message of these scenarios.
pub const LONG: usize = 700;

/// A site with all the accounts and the exchange at this port. `lan`: the keys of the network.
#[must_use]
pub fn site(lan: &str, port: u16) -> String {
    let accounts: String = (0..ACCOUNTS)
        .map(|at| format!("[[exchange.account]]\nname = 'ata{at}'\npassword = 'key{at}'\n"))
        .collect();
    format!(
        "role = 'dial-in'\nhostname = 'box'\n[lan]\n{lan}\n\
         [[line]]\nport = 'auto'\nlocal = '192.168.32.1'\nremote = '192.168.32.105'\n\
         [[user]]\nname = 'u'\npassword = 'p'\n[exchange]\nport = {port}\n{accounts}\
         [[exchange.route]]\npattern = '_X!'\nto = ['ata1']\n"
    )
}

/// sipp, and a directory for its files.
#[derive(Debug)]
pub struct Sipp {
    tools: PathBuf,
    dir: PathBuf,
}

impl Scenario {
    fn name(self) -> &'static str {
        match self {
            Self::Register => "register",
            Self::RegisterLong => "register-long",
            Self::Answer => "answer",
            Self::Call => "call",
            Self::Hold => "hold",
            Self::Guess => "guess",
        }
    }

    fn text(self) -> String {
        let text = match self {
            Self::Register | Self::RegisterLong => include_str!("register.xml"),
            Self::Answer => include_str!("answer.xml"),
            Self::Call | Self::Hold => include_str!("call.xml"),
            Self::Guess => include_str!("guess.xml"),
        };
        match self {
            // A response repeats the tag of From.
            Self::RegisterLong => text.replace("tag=[pid]", &format!("tag={}", "x".repeat(LONG))),
            Self::Hold => text.replace(BEFORE_BYE, &format!("<pause milliseconds=\"30000\"/>\n{BEFORE_BYE}")),
            _ => text.to_owned(),
        }
    }
}

impl Sipp {
    /// The program of the packages in `tools`, with its files in `dir`.
    #[must_use]
    pub fn new(tools: &Path, dir: &Path) -> Self {
        Self { tools: tools.to_owned(), dir: dir.to_owned() }
    }

    /// A command that plays a scenario with the exchange at a port of 127.0.0.1, from another one. It runs until it is
    /// killed, or as long as further arguments say.
    ///
    /// # Errors
    /// The program is missing, or its scenario cannot be written.
    pub fn command(&self, scenario: Scenario, exchange: u16, own: u16) -> Result<Command> {
        let found = unpacked::find(&self.tools, "usr/bin/sipp").map_err(Error::NoSipTool)?;
        let file = self.dir.join(scenario.name()).with_extension("xml");
        fs::write(&file, scenario.text()).map_err(|e| Error::io("write", &file, e))?;
        let mut command = Command::new(found.loader);
        command.args(found.first).current_dir(&self.dir).arg(format!("127.0.0.1:{exchange}")).arg("-sf");
        command.arg(file).args(["-i", "127.0.0.1", "-nostdin", "-p", &own.to_string()]);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).env("TERM", "xterm");
        Ok(command)
    }

    /// The same for the telephones of some accounts, each with the port of its contact, one after the other.
    ///
    /// # Errors
    /// As for [`command`](Self::command).
    pub fn by(&self, users: &[(usize, u16)], scenario: Scenario, exchange: u16, own: u16) -> Result<Command> {
        let mut lines = "SEQUENTIAL\n".to_owned();
        for (at, port) in users {
            let answer = format!("[authentication username=ata{at} password=key{at}]");
            // A String takes every write: `fmt::Write` for it has no error.
            let _ = writeln!(lines, "ata{at};{answer};{DIALLED};{port}");
        }
        let file = self.dir.join(format!("{}-{own}.csv", scenario.name()));
        fs::write(&file, lines).map_err(|e| Error::io("write", &file, e))?;
        let mut command = self.command(scenario, exchange, own)?;
        command.arg("-inf").arg(file);
        Ok(command)
    }

    /// Runs a command to its end.
    ///
    /// # Errors
    /// One of its calls has failed.
    pub fn finish(command: &mut Command) -> Result<Output> {
        let output = command.output().map_err(|e| Error::io("start", Path::new("sipp"), e))?;
        if output.status.success() {
            return Ok(output);
        }
        Err(Error::Unexpected(format!("sipp has failed:\n{}", String::from_utf8_lossy(&output.stdout))))
    }
}
