//! Where messages are.

use serde::{Deserialize, Serialize};

/// Where messages lie: `<mem>` of TS 27.005 §3.1. The modem's own memory is the larger one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Storage {
    /// `ME`, in the modem.
    Modem,
    /// `SM`, on the SIM card.
    Card,
    /// `MT`, both.
    Both,
}

impl Storage {
    pub(super) const ALL: [Self; 3] = [Self::Modem, Self::Card, Self::Both];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Modem => "ME",
            Self::Card => "SM",
            Self::Both => "MT",
        }
    }

    pub(super) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|storage| storage.name() == name)
    }
}

/// Where a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Place {
    /// At this index of this storage.
    Stored(Storage, u16),
    /// Nowhere: the modem has passed it on without storing it.
    PassedOn,
}
