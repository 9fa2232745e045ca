//! The codes and messages that were accepted, and their records: on the state partition, and shorter in the second
//! copy.

use sha1::{Digest, Sha1};

use crate::record::Record;
use crate::site::{OneTimeCode, Proof};
use crate::state::new_card::{CODES, NEW};

/// The past of the gate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Past {
    /// A new card, as the builder has marked it: no command was ever accepted.
    NewCard,
    /// Commands may have been accepted, but their codes are not known.
    Lost,
    /// Which codes were accepted.
    Known(Accepted),
}

/// The last accepted code, and the last messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// The secret of the code.
    pub(super) secret: SecretMark,
    /// Its moving factor; `None` where the site asks for no code.
    pub(super) used: Option<u64>,
    /// The messages, oldest first.
    pub(super) handled: Vec<Fingerprint>,
}

/// Identifies a message.
pub(super) type Fingerprint = u64;

/// Identifies a secret without revealing it: 32 bits of a hash of a secret of 128 bits or more.
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
}
const LOST: &str = "lost";

/// Messages in the second copy. A few are enough: it is used when the state partition is lost, and messages that the
/// modem has not deleted then also have a used code.
const COPIED: usize = 8;

impl Past {
    /// The record for the state partition.
    #[must_use]
    pub fn to_record(&self) -> Record {
        self.to_record_with(usize::MAX)
    }

    /// The record for the second copy, which is small.
    #[must_use]
    pub fn to_copy(&self) -> Record {
        self.to_record_with(COPIED)
    }

    fn to_record_with(&self, messages: usize) -> Record {
        match self {
            Self::NewCard => Record::new().with(CODES, NEW),
            Self::Lost => Record::new().with(CODES, LOST),
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

    /// Parses it; `None` if it is missing or damaged. Messages that cannot be parsed are skipped.
    #[must_use]
    pub fn from_record(record: &Record) -> Option<Self> {
        let Some(secret) = record.get(key::SECRET) else {
            return match record.get(CODES)? {
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

    /// Merges the stored past with the second copy.
    ///
    /// The result has all information of both, whichever was written last: the later of two codes counts. A lost past
    /// counts more than a new card.
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
    /// Of two secrets, the site's counts: one of the records could not be written when the secret was changed.
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
