//! The replies of the box, each of one message.

use std::fmt;
use std::net::Ipv4Addr;
use std::time::Duration;

use super::gsm7;
use super::trial_news::TrialNews;
use crate::calendar::Civil;
use crate::ppp::{LinkOutcome, Spent};
use crate::site::{DataSize, TimeSpan};

/// A reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// The outcome of a request about the link.
    Link(LinkOutcome),
    /// The link is being dialled, and the modem has no other port for commands.
    Dialling,
    /// The order was not carried out, because its code could not be stored.
    NotStored,
    /// The box restarts.
    Rebooting,
    /// The list of commands.
    Help,
    /// The status of the box.
    Status(Status),
    /// The month's traffic.
    Budget(Spent),
    /// News of a trial.
    Trial(TrialNews),
    /// Lines of `[gpio]`, or why they were neither read nor switched.
    Line(Result<String, String>),
}

/// The status of the box, for one message.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Status {
    /// The build's version.
    pub version: Option<String>,
    /// Time since boot.
    pub uptime: Duration,
    /// The number of boots, and the cause of the last one.
    pub boots: Option<(u64, String)>,
    /// Received signal in dBm.
    pub signal: Option<i32>,
    /// The network that the modem is registered with.
    pub operator: Option<String>,
    /// The link.
    pub link: Link,
    /// The month's traffic.
    pub used: DataSize,
    /// The month's limit.
    pub budget: Option<DataSize>,
    /// The card's copies, if they are known.
    pub card: Option<CardHealth>,
    /// The keys that a message has changed, or that are on trial.
    pub changed: Option<String>,
    /// The last error.
    pub error: Option<String>,
}

/// The last scrub of the card.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CardHealth {
    /// When it ended, in seconds since 1970.
    pub scrubbed: Option<i64>,
    /// Blocks that were healed so far.
    pub healed: u64,
    /// Blocks that cannot be healed.
    pub bad: u64,
}

/// `card 07-14, healed 3, bad 1`
impl fmt::Display for CardHealth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.scrubbed.map(Civil::from_unix) {
            Some(Civil { month, day, .. }) => write!(f, "card {month:02}-{day:02}")?,
            None => f.write_str("card not checked")?,
        }
        let count = |f: &mut fmt::Formatter, what, count| match count {
            0 => Ok(()),
            1..1000 => write!(f, ", {what} {count}"),
            _ => write!(f, ", {what} 999+"),
        };
        count(f, "healed", self.healed)?;
        count(f, "bad", self.bad)
    }
}

/// The state of the link.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Link {
    /// No link.
    #[default]
    Closed,
    /// It is being dialled.
    Opening,
    /// It is open.
    Up {
        /// The box's address on it, if it is known.
        local: Option<Ipv4Addr>,
        /// The time left; `None` if it was opened by hand.
        left: Option<Duration>,
    },
}

/// Septets of one message.
const ROOM: usize = 160;
/// The end of a text that was cut.
const CUT: &str = "..";
/// Replaces a character that the alphabet lacks.
const UNKNOWN: char = '?';

impl Reply {
    /// The reply in at most 160 characters of the 7 bit alphabet. Other characters are replaced by `?`; a longer text
    /// is cut and ends with `..`.
    #[must_use]
    pub fn text(&self) -> String {
        one_message(&self.to_string())
    }

    /// Whether a request was not carried out.
    #[must_use]
    pub fn is_failure(&self) -> bool {
        matches!(
            self,
            Self::NotStored
                | Self::Trial(TrialNews::None)
                | Self::Line(Err(_))
                | Self::Link(LinkOutcome::Failed(_) | LinkOutcome::Refused(_))
        )
    }
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Link(outcome) => outcome.fmt(f),
            Self::Dialling => f.write_str("dialling; I am silent while the link is up"),
            Self::NotStored => f.write_str("not done: the box cannot save its state"),
            Self::Rebooting => f.write_str("rebooting"),
            Self::Help => f.write_str(
                "connect [time], extend [time], disconnect, status, reboot, set KEY VALUE, confirm, \
                 set LINE on/off, get, help; then the code. Time: 90 (minutes), 2h",
            ),
            Self::Status(status) => status.fmt(f),
            Self::Budget(spent) => spent.fmt(f),
            Self::Trial(news) => news.fmt(f),
            Self::Line(Ok(text) | Err(text)) => f.write_str(text),
        }
    }
}

/// The space for texts in a status. The last error gets the rest: at least 17 characters, usually half of the message.
const VERSION: usize = 16;
const CAUSE: usize = 20;
const OPERATOR: usize = 12;
const CHANGED: usize = 24;

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let version = self.version.as_deref().map_or("unknown build".into(), |it| fit(it, VERSION));
        write!(f, "{version}\nup {}", TimeSpan::about(self.uptime))?;
        if let Some((number, cause)) = &self.boots {
            write!(f, ", boot {number}: {}", fit(cause, CAUSE))?;
        }
        match self.signal {
            Some(dbm) => write!(f, "\n{dbm} dBm ")?,
            None => f.write_str("\nno signal ")?,
        }
        f.write_str(&self.operator.as_deref().map_or("no network".into(), |it| fit(it, OPERATOR)))?;
        match self.link {
            Link::Closed => f.write_str("\nlink closed")?,
            Link::Opening => f.write_str("\nlink opening")?,
            Link::Up { local, left } => {
                f.write_str("\nlink ")?;
                match local {
                    Some(local) => local.fmt(f)?,
                    None => f.write_str("up")?,
                }
                left.map_or(Ok(()), |left| write!(f, ", {} left", TimeSpan::about(left)))?;
            }
        }
        write!(f, "\n{}", self.used)?;
        if let Some(budget) = self.budget {
            write!(f, " of {budget}")?;
        }
        if let Some(changed) = &self.changed {
            write!(f, "\n{}", fit(changed, CHANGED))?;
        }
        let error = self.error.as_ref().map_or(String::new(), |error| format!("\n{error}"));
        match self.card {
            // Room for an error is worth more than that all is well.
            Some(card) if card.bad > 0 || error.is_empty() => write!(f, "\n{card}{error}"),
            _ => f.write_str(&error),
        }
    }
}

/// The text in at most 160 characters of the 7 bit alphabet, as [`Reply::text`].
#[must_use]
pub fn one_message(text: &str) -> String {
    fit(text, ROOM)
}

/// The text in at most so many septets of the 7 bit alphabet, without control characters except line ends.
fn fit(text: &str, room: usize) -> String {
    let clean = |c: char| match c {
        '\n' => '\n',
        c if c.is_control() => ' ',
        // The errors of a site quote keys so.
        '`' => '\'',
        c if gsm7::width(c).is_none() => UNKNOWN,
        c => c,
    };
    let text: String = text.chars().map(clean).collect();
    let width = |c| gsm7::width(c).unwrap_or(1);
    if text.chars().map(width).sum::<usize>() <= room {
        return text;
    }
    let mut left = room.saturating_sub(CUT.len());
    let fits = |c: &char| {
        let enough = left.checked_sub(width(*c));
        left = enough.unwrap_or(0);
        enough.is_some()
    };
    text.chars().take_while(fits).chain(CUT.chars()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Month;
    use crate::ppp::{Addresses, DownReason, Exit, RequestRefusal};
    use proptest::prelude::*;

    fn status() -> Status {
        Status {
            version: Some("0.1.0 (3f1c9aa)".into()),
            uptime: Duration::from_secs(3_720),
            boots: Some((12, "daily".into())),
            signal: Some(-79),
            operator: Some("Free".into()),
            link: Link::Up {
                local: Some(Ipv4Addr::new(10, 64, 3, 7)),
                left: Some(Duration::from_secs(5_400)),
            },
            used: DataSize::from_bytes(12_340_000),
            budget: Some(DataSize::from_bytes(500_000_000)),
            card: Some(CardHealth { scrubbed: Some(1_784_001_598), healed: 3, bad: 1 }),
            changed: Some("set apn, password".into()),
            error: Some("no carrier".into()),
        }
    }

    #[test]
    fn a_status_fits_on_a_screen() {
        insta::assert_snapshot!(Reply::Status(status()).text(), @"
        0.1.0 (3f1c9aa)
        up 1h2m, boot 12: daily
        -79 dBm Free
        link 10.64.3.7, 1h30m left
        12.3MB of 500MB
        set apn, password
        card 07-14, healed 3, bad 1
        no carrier
        ");
        insta::assert_snapshot!(Reply::Status(Status::default()).text(), @"
        unknown build
        up 1s
        no signal no network
        link closed
        0kB
        ");
    }

    #[test]
    fn a_card_without_bad_blocks_makes_room_for_an_error() {
        let card = |scrubbed, healed, bad| Some(CardHealth { scrubbed, healed, bad });
        let last = |card, error: Option<&str>| {
            let text =
                Reply::Status(Status { card, error: error.map(str::to_owned), ..Status::default() }).text();
            text.split_once("0kB").unwrap().1.trim().replace('\n', " | ")
        };
        let day = Some(1_784_001_598);
        assert_eq!(last(card(day, 0, 0), None), "card 07-14");
        assert_eq!(last(card(day, 2, 0), None), "card 07-14, healed 2");
        assert_eq!(last(card(None, 0, 0), None), "card not checked");
        assert_eq!(last(card(day, 2, 0), Some("no carrier")), "no carrier");
        assert_eq!(
            last(card(day, 4000, 2), Some("no carrier")),
            "card 07-14, healed 999+, bad 2 | no carrier"
        );
        assert_eq!(last(None, Some("no carrier")), "no carrier");
    }

    #[test]
    fn the_longest_status_still_says_what_went_wrong() {
        let status = Status {
            version: Some("10.10.10-rc.1 (0123456789abcdef)".into()),
            uptime: Duration::from_secs(31 * 86_400 - 1),
            boots: Some((99_999, "stuck sms-dialer and watchdogd".into())),
            signal: Some(-113),
            operator: Some("Český operátor".into()),
            link: Link::Up {
                local: Some(Ipv4Addr::new(100, 100, 100, 100)),
                left: Some(Duration::from_secs(31 * 86_400 - 1)),
            },
            used: DataSize::from_bytes(123_456_000_000),
            budget: Some(DataSize::from_bytes(500_000_000_000)),
            card: Some(CardHealth { scrubbed: Some(1_784_001_598), healed: 99_999, bad: 0 }),
            changed: None,
            error: Some("the modem at 1-1.2 {hso} does not answer".into()),
        };
        let text = Reply::Status(status).text();
        assert_eq!(gsm7::encode(&text).map(|septets| septets.len()), Some(160), "{text}");
        insta::assert_snapshot!(text, @"
        10.10.10-rc.1 ..
        up 30d23h59m, boot 99999: stuck sms-dialer a..
        -113 dBm ?esk? oper..
        link 100.100.100.100, 30d23h59m left
        123.4GB of 500GB
        the modem at 1-1.2..
        ");
    }

    #[test]
    fn the_texts_of_all_replies() {
        let addresses =
            Some(Addresses { local: Ipv4Addr::new(10, 64, 3, 7), remote: Ipv4Addr::new(10, 64, 64, 64) });
        let left = Some(TimeSpan::minutes(120));
        let not_started =
            |why: String| Reply::Link(LinkOutcome::Failed(DownReason::Exit(Exit::NotStarted(why))));
        let answers = [
            Reply::Link(LinkOutcome::Up { addresses, left }),
            Reply::Link(LinkOutcome::Failed(DownReason::Exit(Exit::AuthRefused))),
            not_started("日本語".repeat(100)),
            Reply::Link(LinkOutcome::Closed(DownReason::Asked)),
            Reply::Link(LinkOutcome::Refused(RequestRefusal::NotConnected)),
            Reply::Dialling,
            Reply::NotStored,
            Reply::Rebooting,
            Reply::Help,
            Reply::Budget(Spent {
                used: DataSize::from_bytes(1_200_001),
                limit: Some(DataSize::from_bytes(500_000_000)),
                month: Month::parse("2026-07"),
            }),
        ];
        let texts: Vec<String> = answers.iter().map(Reply::text).collect();
        insta::assert_snapshot!(texts.join("\n"), @"
        connected as 10.64.3.7, for 2h
        not connected: the operator refuses user or password
        not connected: pppd did not start: ???????????????????????????????????????????????????????????????????????????????????????????????????????????????????????????..
        disconnected: as asked
        there is no link
        dialling; I am silent while the link is up
        not done: the box cannot save its state
        rebooting
        connect [time], extend [time], disconnect, status, reboot, set KEY VALUE, confirm, set LINE on/off, get, help; then the code. Time: 90 (minutes), 2h
        1.2MB of 500MB used in 2026-07
        ");
    }

    proptest! {
        #[test]
        fn every_reply_fits_into_one_message(
            words in any::<(String, String, String, String)>(), numbers in any::<(u64, u64, i32)>(), seconds: u32,
        ) {
            let (version, cause, operator, error) = words;
            let (used, budget, dbm) = numbers;
            let time = Duration::from_secs(seconds.into());
            let local = Some(Ipv4Addr::from(seconds));
            let size = DataSize::from_bytes(used);
            let status = Status {
                version: Some(version),
                uptime: time,
                boots: Some((used, cause)),
                signal: Some(dbm),
                operator: Some(operator),
                link: Link::Up { local, left: Some(time) },
                used: size,
                budget: Some(DataSize::from_bytes(budget)),
                card: Some(CardHealth { scrubbed: Some(seconds.into()), healed: used, bad: budget }),
                changed: Some(error.clone()),
                error: Some(error.clone()),
            };
            let failed = LinkOutcome::Failed(DownReason::Exit(Exit::NotStarted(error)));
            for reply in [Reply::Status(status), Reply::Link(failed)] {
                let septets = gsm7::encode(&reply.text());
                prop_assert!(septets.is_some_and(|septets| septets.len() <= ROOM));
            }
        }
    }
}
