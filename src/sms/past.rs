//! What is known of the codes and messages that were accepted before, and how that is stored: on the
//! state partition, and shorter in the second copy.

use sha1::{Digest, Sha1};

use crate::record::Record;
use crate::site::{OneTimeCode, Proof};

/// What is known of the past.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Past {
    /// The builder has said so: no command was ever accepted.
    NewCard,
    /// Commands may have been accepted, and which codes they had is lost.
    Lost,
    /// Which codes were accepted.
    Known(Accepted),
}

/// The last code that was accepted, and the last messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// Of which secret.
    pub(super) secret: SecretMark,
    /// Its moving factor; `None` where the site asks for no code.
    pub(super) used: Option<u64>,
    /// The messages, oldest first.
    pub(super) handled: Vec<Fingerprint>,
}

/// Tells one message from another.
pub(super) type Fingerprint = u64;

/// Tells one secret from another without telling it: 32 bits of a hash of 128 or more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretMark(String);

/// The mark of a site without a secret.
const SENDER_ONLY: &str = "sender-only";

impl SecretMark {
    /// The mark of a site's secret.
    #[must_use]
    pub fn from_proof(proof: &Proof) -> Self {
        let (kind, OneTimeCode { secret, .. }) = match proof {
            Proof::Totp(code) => ("totp", code),
            Proof::Hotp(code) => ("hotp", code),
            Proof::SenderOnly => return Self(SENDER_ONLY.to_owned()),
        };
        let [a, b, c, d, ..] = <[u8; 20]>::from(Sha1::digest(secret.reveal()));
        Self(format!("{kind}-{:08x}", u32::from_be_bytes([a, b, c, d])))
    }
}

mod key {
    pub(super) const SECRET: &str = "secret";
    pub(super) const USED: &str = "used";
    pub(super) const HANDLED: &str = "handled";
    /// Instead of the others.
    pub(super) const CODES: &str = "codes";
}
const NEW: &str = "new";
const LOST: &str = "lost";

/// Messages that the second copy holds: it is read when the state partition is lost, and what the modem
/// has not deleted then has a used code, too.
const COPIED: usize = 8;

impl Past {
    /// As it lies on the state partition.
    #[must_use]
    pub fn to_record(&self) -> Record {
        self.to_record_with(usize::MAX)
    }

    /// As it lies in the second copy, which is small.
    #[must_use]
    pub fn to_copy(&self) -> Record {
        self.to_record_with(COPIED)
    }

    fn to_record_with(&self, messages: usize) -> Record {
        match self {
            Self::NewCard => Record::new().with(key::CODES, NEW),
            Self::Lost => Record::new().with(key::CODES, LOST),
            Self::Known(Accepted { secret, used, handled }) => {
                let newest = &handled[handled.len().saturating_sub(messages)..];
                let handled: Vec<String> = newest.iter().map(|it| format!("{it:016x}")).collect();
                Record::new()
                    .with(key::SECRET, &secret.0)
                    .with_known(key::USED, *used)
                    .with(key::HANDLED, handled.join(" "))
            }
        }
    }

    /// Reads it; `None` if it is not there or damaged. Of the messages what can be read counts.
    #[must_use]
    pub fn from_record(record: &Record) -> Option<Self> {
        let Some(secret) = record.get(key::SECRET) else {
            return match record.get(key::CODES)? {
                NEW => Some(Self::NewCard),
                LOST => Some(Self::Lost),
                _ => None,
            };
        };
        let used = record.number(key::USED);
        if used.is_none() && secret != SENDER_ONLY {
            return None;
        }
        let handled = record.get(key::HANDLED).unwrap_or_default().split(' ');
        let handled = handled.filter_map(|hex| u64::from_str_radix(hex, 16).ok()).collect();
        Some(Self::Known(Accepted { secret: SecretMark(secret.to_owned()), used, handled }))
    }

    /// What follows from what was stored and from the second copy.
    ///
    /// Whichever of the two was written last, nothing that either knows is forgotten: of two codes the
    /// later counts. That something was lost counts more than that a card is new.
    #[must_use]
    pub fn recall(proof: Option<&Proof>, stored: Option<Self>, copied: Option<Self>) -> Self {
        match (stored, copied) {
            (Some(Self::Known(stored)), Some(Self::Known(copied))) => Self::Known(stored.join(copied, proof)),
            (Some(Self::Known(known)), _) | (_, Some(Self::Known(known))) => Self::Known(known),
            (Some(Self::NewCard), None | Some(Self::NewCard)) | (None, Some(Self::NewCard)) => Self::NewCard,
            (Some(Self::Lost), _) | (_, Some(Self::Lost)) | (None, None) => Self::Lost,
        }
    }
}

impl Accepted {
    /// Of two secrets, that of the site counts: one of the two records could not be written when the
    /// secret was new.
    fn join(self, copied: Self, proof: Option<&Proof>) -> Self {
        if self.secret != copied.secret {
            let of_site = proof.map(SecretMark::from_proof);
            return if of_site.as_ref() == Some(&copied.secret) { copied } else { self };
        }
        let missing = copied.handled.into_iter().filter(|it| !self.handled.contains(it));
        let handled = self.handled.iter().copied().chain(missing).collect();
        Self { used: self.used.max(copied.used), handled, ..self }
    }
}

#[cfg(test)]
#[path = "past_tests.rs"]
mod tests;
