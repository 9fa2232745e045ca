//! A stranger in the local network who floods the exchange with wrong REGISTERs, each with a password to check.

use super::Lan;
use std::sync::atomic::{AtomicU32, Ordering};

/// The stranger's port.
pub const PORT: u16 = 5070;

/// How many are still to be sent, and how many were answered.
#[derive(Debug, Default)]
pub struct Flood {
    left: AtomicU32,
    answered: AtomicU32,
}

impl Flood {
    /// Orders so many, in the place of what is left of an earlier order.
    pub fn order(&self, count: u32) {
        self.left.store(count, Ordering::Relaxed);
    }

    /// How many are still to be sent.
    #[must_use]
    pub fn left(&self) -> u32 {
        self.left.load(Ordering::Relaxed)
    }

    /// How many answers have come.
    #[must_use]
    pub fn answered(&self) -> u32 {
        self.answered.load(Ordering::Relaxed)
    }

    /// One was sent.
    pub fn sent(&self) {
        // The order may just have been changed.
        let _ = self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
    }

    /// One was answered.
    pub fn was_answered(&self) {
        self.answered.fetch_add(1, Ordering::Relaxed);
    }
}

/// The next REGISTER, by its number, with a wrong answer to the challenge, if there was one.
pub fn register(number: u32, challenge: Option<&str>) -> String {
    let from = format!("{}:{PORT}", Lan::PUBLIC);
    let authorization = challenge.map_or_else(String::new, |challenge| {
        let wrong = "0".repeat(32);
        format!(
            "Authorization: {challenge}, username=\"console\", uri=\"sip:box\", response=\"{wrong}\", \
             algorithm=MD5, qop=auth, nc=00000001, cnonce=\"a\"\r\n"
        )
    });
    format!(
        "REGISTER sip:box SIP/2.0\r\nVia: SIP/2.0/UDP {from};branch=z9hG4bK{number}\r\nMax-Forwards: 70\r\n\
         From: <sip:console@box>;tag=flood\r\nTo: <sip:console@box>\r\nCall-ID: flood\r\nCSeq: {number} REGISTER\r\n\
         Contact: <sip:console@{from}>\r\nExpires: 3600\r\n{authorization}Content-Length: 0\r\n\r\n"
    )
}

/// Realm and nonce of a challenge, as the exchange writes it.
pub fn challenge(answer: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(answer).ok()?;
    let (_, value) = text.split_once("WWW-Authenticate: ")?;
    value.split_once(", algorithm").map(|(challenge, _)| challenge.to_owned())
}
