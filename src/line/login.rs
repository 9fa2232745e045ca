//! A login prompt for callers who do not start with PPP: a person at a terminal, or a script.
//!
//! ```text
//!                 CR, a letter, 4 s of silence        a line              fits
//! CONNECT ─▶ Listening ───────────────────▶ Name ─────────────▶ Password ─────▶ Menu ─────▶ what the user gets
//!                │                           ▲ └ an empty one ┐     │ does not     (if there is a choice)
//!                │                           └────────────────┴─────┴─ three times ─▶ refused
//!                └───────────── a PPP frame, at any moment ───────────────────▶ PPP, unknown: PAP
//! ```

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::site::{Hostname, Offer, Prompt, Prompts, UserName};
pub use menu::Admitted;
pub use typed::Typed;

mod menu;
mod typed;

/// A PPP client sends its first frame at once, and repeats it after the Restart timer of RFC 1661 §4.6, 3 s: one lost
/// frame does no harm.
const LISTEN: Duration = Duration::from_secs(4);
/// The time limit of the whole dialogue, as of `login` on most systems.
const PATIENCE: Duration = Duration::from_secs(60);
/// Passwords that may be tried in one call.
const TRIES: u8 = 3;
/// The number of lines that are read in one call: each is answered by a prompt that is longer than the line.
const LINES: u8 = 20;

const BACKSPACE: u8 = 0x08;
const DELETE: u8 = 0x7f;
const CR: u8 = b'\r';
const LF: u8 = b'\n';
/// The character of the escape sequence (S2 = 43).
const ESCAPE: u8 = b'+';
/// The flag of PPP's frames (RFC 1662 §3.1).
const FLAG: u8 = b'~';
/// Telnet's commands about options (RFC 854): the option follows.
const IAC: u8 = 0xff;
const WILL: u8 = 0xfb;
const DONT: u8 = 0xfe;
/// A modem's result code when the carrier is lost (V.250 §5.7.1); it arrives at the open port.
const NO_CARRIER: &str = "NO CARRIER";

/// What comes of the dialogue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LoginResult {
    /// The caller began PPP by itself: pppd authenticates it.
    Ppp,
    /// This begins, for a user who has logged in and may get it.
    Admitted(UserName, Offer),
    /// The caller is refused.
    Refused(LoginRefusal),
}

/// Why a caller is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoginRefusal {
    /// Three wrong names or passwords.
    Wrong,
    /// No login within the time or the number of lines.
    NoLogin,
    /// The modem has lost the carrier.
    HungUp,
}

impl fmt::Display for LoginRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Wrong => "name or password wrong",
            Self::NoLogin => "the caller did not log in",
            Self::HungUp => "the caller hung up",
        })
    }
}

/// What to send to the caller, and the next action.
#[derive(Debug, Default)]
pub struct LoginOutput {
    /// Printable ASCII, CR, LF and backspaces; perhaps nothing.
    pub text: String,
    /// The result; `None` while the dialogue continues.
    pub result: Option<LoginResult>,
    /// A name and a password to check; [`Login::checked`] takes the result. This module knows no password, and does not
    /// wait.
    pub check: Option<Credentials>,
}

/// Who a caller claims to be, and the proof. `Debug` shows neither.
#[derive(Debug, Default)]
pub struct Credentials {
    /// A name, perhaps of no user.
    pub name: Typed,
    /// A password.
    pub password: Typed,
}

/// The words of the prompts.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PromptWords {
    name: String,
    password: String,
}

impl PromptWords {
    /// Those of the site, on the box of this name.
    pub fn new(prompts: &Prompts, hostname: &Hostname) -> Self {
        let words = |prompt: &Option<Prompt>| prompt.as_ref().map(ToString::to_string);
        Self {
            name: words(&prompts.name).unwrap_or_else(|| format!("{hostname} login: ")),
            password: words(&prompts.password).unwrap_or_else(|| "Password: ".to_owned()),
        }
    }
}

/// The dialogue with one caller: bytes and the time since boot go in, [`LoginOutput`] comes out. It is over once an
/// output has a result.
#[derive(Debug)]
pub struct Login {
    prompts: PromptWords,
    stage: Stage,
    line: Typed,
    /// What was typed while a password was being checked.
    ahead: Typed,
    /// The last two bytes.
    before: [u8; 2],
    tries: u8,
    lines: u8,
    ends: Duration,
}

#[derive(Debug)]
enum Stage {
    /// Nothing was said yet; until then it may still be PPP.
    Listening { until: Duration },
    /// The name is being typed.
    Name,
    /// The password of this name is being typed.
    Password { name: Typed },
    /// The password is being checked.
    Checking,
    /// The user chooses.
    Menu(Admitted),
}

impl Login {
    /// A caller was connected at this time since boot.
    pub fn new(prompts: PromptWords, now: Duration) -> Self {
        Self {
            prompts,
            stage: Stage::Listening { until: now + LISTEN },
            line: Typed::default(),
            ahead: Typed::default(),
            before: [0; 2],
            tries: 0,
            lines: 0,
            ends: now + PATIENCE,
        }
    }

    /// Processes bytes from the caller.
    ///
    /// pppd does not get the bytes of a PPP frame among them. It flushes the line when it starts in any case (its
    /// sys-linux.c, `set_up_tty`), and the caller repeats its first Configure-Request after 3 s (RFC 1661 §4.6).
    pub fn receive(&mut self, bytes: &[u8], now: Duration) -> LoginOutput {
        let mut output = self.tick(now);
        self.take_all(bytes, &mut output);
        output
    }

    /// The checked password is this user's, or wrong. Then processes what the caller has typed meanwhile.
    pub fn checked(&mut self, user: Option<Admitted>, now: Duration) -> LoginOutput {
        let mut output = self.tick(now);
        if output.result.is_none()
            && let Stage::Checking = self.stage
        {
            self.stage = Stage::Name;
            self.judge(user, &mut output);
            self.end_if_too_many(&mut output);
            let ahead = std::mem::take(&mut self.ahead);
            self.take_all(ahead.bytes(), &mut output);
        }
        output
    }

    fn take_all(&mut self, bytes: &[u8], output: &mut LoginOutput) {
        for byte in bytes {
            if output.result.is_some() {
                break;
            }
            if let Stage::Checking = self.stage {
                // More than anybody types ahead is discarded.
                self.ahead.push(*byte);
                continue;
            }
            self.take(*byte, output);
            self.before = [self.before[1], *byte];
        }
    }

    /// Checks the caller's time limit.
    pub fn tick(&mut self, now: Duration) -> LoginOutput {
        let mut output = LoginOutput::default();
        if self.ends <= now {
            output.result = Some(LoginResult::Refused(LoginRefusal::NoLogin));
        } else if matches!(self.stage, Stage::Listening { until } if until <= now) {
            self.prompt(&mut output);
        }
        output
    }

    /// When to tick, in time since boot.
    pub fn deadline(&self) -> Duration {
        match self.stage {
            Stage::Listening { until } => until,
            Stage::Name | Stage::Password { .. } | Stage::Checking | Stage::Menu(_) => self.ends,
        }
    }

    fn take(&mut self, byte: u8, output: &mut LoginOutput) {
        if begins_ppp(self.before, byte) {
            output.result = Some(match &self.stage {
                Stage::Menu(admitted) if admitted.offers.contains(&Offer::Ppp) => {
                    LoginResult::Admitted(admitted.user.clone(), Offer::Ppp)
                }
                _ => LoginResult::Ppp,
            });
            return;
        }
        // A WiFi modem or a telnet client that negotiates without being asked (RFC 854): the option may be printable.
        if let [IAC, WILL..=DONT] = self.before {
            return;
        }
        match (&self.stage, byte) {
            // The first byte of a frame, or the last one of noise; a name that begins with it can wait.
            (Stage::Listening { .. }, FLAG) => {}
            // The last byte of the modem's CONNECT, if it was read apart. A person's key is CR.
            (Stage::Listening { .. }, LF) if self.before == [0; 2] => {}
            (Stage::Listening { .. }, CR | LF) => self.prompt(output),
            (Stage::Listening { .. }, b' '..=b'~') => {
                self.prompt(output);
                self.edit(byte, output);
            }
            (Stage::Listening { .. }, _) => {}
            (_, LF) if self.before[1] == CR => {}
            (_, CR | LF) => self.end_of_line(output),
            (_, _) => self.edit(byte, output),
        }
    }

    fn prompt(&mut self, output: &mut LoginOutput) {
        self.stage = Stage::Name;
        output.text += &format!("\r\n{}", self.prompts.name);
    }

    /// A `+` is not echoed as `+`: three of them with silence around, or before a command with a modem that requires no
    /// silence, would make our own modem leave the call.
    ///
    /// Any other byte is noise. So is one with a parity bit: a caller who sends parity could not use PPP.
    fn edit(&mut self, byte: u8, output: &mut LoginOutput) {
        let echo = match byte {
            BACKSPACE | DELETE => self.line.erase().then(|| "\x08 \x08".to_owned()),
            ESCAPE => self.line.push(byte).then(|| "*".to_owned()),
            b' '..=b'~' => self.line.push(byte).then(|| char::from(byte).to_string()),
            _ => None,
        };
        if let Stage::Name | Stage::Menu(_) = self.stage {
            output.text.extend(echo);
        }
    }

    fn end_of_line(&mut self, output: &mut LoginOutput) {
        let line = std::mem::take(&mut self.line);
        self.lines += 1;
        if line.is(NO_CARRIER).to_bool() {
            output.result = Some(LoginResult::Refused(LoginRefusal::HungUp));
            return;
        }
        match std::mem::replace(&mut self.stage, Stage::Name) {
            Stage::Password { name } => {
                self.stage = Stage::Checking;
                output.check = Some(Credentials { name, password: line });
            }
            Stage::Name | Stage::Listening { .. } if line.is_empty() => self.prompt(output),
            Stage::Name | Stage::Listening { .. } => {
                self.stage = Stage::Password { name: line };
                output.text += &format!("\r\n{}", self.prompts.password);
            }
            Stage::Menu(admitted) => match admitted.choice(line.bytes()).cloned() {
                Some(offer) => self.admit(admitted.user, offer, output),
                None => self.offer(admitted, output),
            },
            // Typed ahead until it is over.
            Stage::Checking => self.stage = Stage::Checking,
        }
        self.end_if_too_many(output);
    }

    fn end_if_too_many(&self, output: &mut LoginOutput) {
        let is_judged = !matches!(self.stage, Stage::Checking);
        if output.result.is_none() && is_judged && self.lines >= LINES {
            output.result = Some(LoginResult::Refused(LoginRefusal::NoLogin));
        }
    }

    /// A user has logged in, or the name or the password was wrong.
    fn judge(&mut self, user: Option<Admitted>, output: &mut LoginOutput) {
        if let Some(admitted) = user {
            return self.offer(admitted, output);
        }
        output.text += "\r\nLogin incorrect\r\n";
        self.tries += 1;
        if self.tries >= TRIES {
            output.result = Some(LoginResult::Refused(LoginRefusal::Wrong));
        } else {
            self.prompt(output);
        }
    }

    /// Lets the user choose, or begins with the only thing that there is.
    fn offer(&mut self, admitted: Admitted, output: &mut LoginOutput) {
        match (admitted.menu(), admitted.offers.first()) {
            (Some(menu), _) => {
                output.text += &menu;
                self.stage = Stage::Menu(admitted);
            }
            (None, Some(offer)) => self.admit(admitted.user.clone(), offer.clone(), output),
            // The site has no such user.
            (None, None) => output.result = Some(LoginResult::Refused(LoginRefusal::NoLogin)),
        }
    }

    fn admit(&mut self, user: UserName, offer: Offer, output: &mut LoginOutput) {
        output.text += &menu::beginning(&offer);
        output.result = Some(LoginResult::Admitted(user, offer));
    }
}

/// Whether a PPP frame starts: flag and address, perhaps without the flag, which a new connection may lose, or without
/// address and control (RFC 1662 §3.1, §4.2; mgetty checks the same). All forms have bytes beyond ASCII, which a person
/// does not type.
pub(super) fn begins_ppp(before: [u8; 2], byte: u8) -> bool {
    matches!(
        (before, byte),
        ([_, FLAG], 0xff) | ([FLAG, 0xc0], 0x21) | ([_, 0xff], 0x03) | ([0xff, 0x7d], b'#')
    )
}

#[cfg(test)]
mod tests;
