//! The log of ended calls: who called whom, when, how long, and why it ended.

use std::fmt;
use std::io;

use crate::clock::Utc;
use crate::record::Record;
use crate::state::Store;

/// The number of calls in the log: some 40 kB.
const REMEMBERED: usize = 250;
/// The longest number and reason of a call in the log, in characters: both come from outside.
const LONGEST: usize = 80;
/// Its file in the [store](Store).
const FILE: &str = "exchange-calls";

/// A call that has ended, or never came about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EndedCall {
    /// When it began, in seconds since 1970, as far as the clock was known.
    pub at: i64,
    /// The calling account.
    pub caller: String,
    /// The number that was dialled.
    pub number: String,
    /// The account that answered, or rang last.
    pub callee: Option<String>,
    /// The codec of the answer.
    pub codec: Option<String>,
    /// How long it was up; 0 for one that was not answered.
    pub seconds: u64,
    /// Why it ended.
    pub why: String,
}

/// The calls in the log, oldest first, and the number of all of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ExchangeLog {
    /// Calls since the state partition was formatted.
    pub count: u64,
    /// The last ones.
    pub calls: Vec<EndedCall>,
}

impl ExchangeLog {
    /// The log of a store; empty if the store has none.
    pub fn load(store: &Store) -> Self {
        let text = store.read(FILE).unwrap_or_default();
        let count = text.lines().next().and_then(|line| Record::parse(line).number("count")).unwrap_or(0);
        Self { count, calls: text.lines().filter_map(EndedCall::parse).collect() }
    }

    /// Adds a call; forgets the oldest if there are too many.
    pub fn push(&mut self, mut call: EndedCall) {
        for text in [&mut call.number, &mut call.why] {
            let end = text.char_indices().nth(LONGEST).map_or(text.len(), |(end, _)| end);
            text.truncate(end);
            text.shrink_to_fit();
        }
        self.count = self.count.saturating_add(1);
        if self.calls.len() >= REMEMBERED {
            self.calls.remove(0);
        }
        self.calls.push(call);
    }

    /// Adds calls to the log of a store, which keeps the last ones and counts all.
    ///
    /// # Errors
    /// The store cannot be written.
    pub fn enter(store: &Store, added: &Self) -> io::Result<()> {
        let before = Self::load(store);
        let count = before.count.saturating_add(added.count);
        let kept = REMEMBERED.saturating_sub(added.calls.len());
        let surplus = before.calls.len().saturating_sub(kept);
        let lines = before.calls.iter().skip(surplus).chain(&added.calls).map(EndedCall::line);
        store.replace(FILE, &std::iter::once(format!("count={count}\n")).chain(lines).collect::<String>())
    }
}

impl EndedCall {
    /// One line: fields of a [`Record`], whose values hold no control characters, between tabs.
    fn line(&self) -> String {
        Record::new()
            .with("at", self.at)
            .with("caller", &self.caller)
            .with("number", &self.number)
            .with_known("callee", self.callee.as_ref())
            .with_known("codec", self.codec.as_ref())
            .with("seconds", self.seconds)
            .with("why", &self.why)
            .to_line()
    }

    /// Reads a line; `None` for one that is damaged or another kind.
    fn parse(line: &str) -> Option<Self> {
        let record = Record::from_line(line);
        let text = |key| record.get(key).map(str::to_owned);
        Some(Self {
            at: record.get("at")?.parse().ok()?,
            caller: text("caller")?,
            number: text("number")?,
            callee: text("callee"),
            codec: text("codec"),
            seconds: record.number("seconds")?,
            why: text("why")?,
        })
    }
}

impl fmt::Display for EndedCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let callee = self.callee.as_deref().unwrap_or("-");
        let codec = self.codec.as_deref().unwrap_or("-");
        let (minutes, seconds) = (self.seconds / 60, self.seconds % 60);
        write!(
            f,
            "{}  {:<12} {:<12} {callee:<12} {minutes:>4}:{seconds:02}  {codec:<6} {}",
            Utc(self.at),
            self.caller,
            self.number,
            self.why
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_is_bounded_and_counts_all_calls() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::new(dir.path());
        let call = EndedCall {
            at: 1_784_001_598,
            caller: "console".into(),
            number: "5551234".into(),
            callee: Some("modem1".into()),
            codec: Some("PCMU".into()),
            seconds: 754,
            why: "the caller hung up".into(),
        };
        let failed = EndedCall {
            callee: None,
            codec: None,
            seconds: 0,
            why: "forged\tcount=9".into(),
            ..call.clone()
        };
        let enter = |calls: Vec<EndedCall>| {
            let mut added = ExchangeLog::default();
            calls.into_iter().for_each(|call| added.push(call));
            assert!(added.calls.len() <= REMEMBERED);
            ExchangeLog::enter(&store, &added).unwrap();
        };
        enter(vec![call.clone()]);
        enter(vec![failed, call.clone()]);
        let log = ExchangeLog::load(&store);
        assert_eq!((log.count, log.calls.len(), log.calls[1].why.as_str()), (3, 3, "forged count=9"));
        insta::assert_snapshot!(call, @"2026-07-14 03:59:58 UTC  console      5551234      modem1         12:34  PCMU   the caller hung up");
        enter(vec![EndedCall { number: "é".repeat(10_000), ..call }; 300]);
        let log = ExchangeLog::load(&store);
        assert_eq!((log.count, log.calls.len()), (303, REMEMBERED));
        assert_eq!(log.calls[0].number, "é".repeat(LONGEST));
    }
}
