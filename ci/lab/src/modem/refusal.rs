//! Error codes: the numbers and texts of 3GPP TS 27.007 §9.2 and TS 27.005 §3.2.5.

/// `+CME ERROR`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cme {
    /// 3
    NotAllowed,
    /// 4
    NotSupported,
    /// 10
    SimNotInserted,
    /// 11
    SimPinRequired,
    /// 12
    SimPukRequired,
    /// 13
    SimFailure,
    /// 14
    SimBusy,
    /// 16
    IncorrectPassword,
    /// 30
    NoNetworkService,
}

/// `+CMS ERROR`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cms {
    /// 38: a cause of the network (TS 24.011 annex E-2)
    NetworkOutOfOrder,
    /// 302
    NotAllowed,
    /// 303
    NotSupported,
    /// 304
    InvalidPduParameter,
    /// 310
    SimNotInserted,
    /// 311
    SimPinRequired,
    /// 313
    SimFailure,
    /// 314
    SimBusy,
    /// 316
    SimPukRequired,
    /// 321
    InvalidIndex,
    /// 322
    MemoryFull,
    /// 331
    NoNetworkService,
    /// 340
    NothingToAcknowledge,
    /// 500
    Unknown,
}

impl Cme {
    /// The number, as `+CMEE=1` shows it, and the text of `+CMEE=2`.
    pub fn code(self) -> (u16, &'static str) {
        match self {
            Self::NotAllowed => (3, "operation not allowed"),
            Self::NotSupported => (4, "operation not supported"),
            Self::SimNotInserted => (10, "SIM not inserted"),
            Self::SimPinRequired => (11, "SIM PIN required"),
            Self::SimPukRequired => (12, "SIM PUK required"),
            Self::SimFailure => (13, "SIM failure"),
            Self::SimBusy => (14, "SIM busy"),
            Self::IncorrectPassword => (16, "incorrect password"),
            Self::NoNetworkService => (30, "no network service"),
        }
    }
}

impl Cms {
    /// The number, and the text of `+CMEE=2`.
    pub fn code(self) -> (u16, &'static str) {
        match self {
            Self::NetworkOutOfOrder => (38, "network out of order"),
            Self::NotAllowed => (302, "operation not allowed"),
            Self::NotSupported => (303, "operation not supported"),
            Self::InvalidPduParameter => (304, "invalid PDU mode parameter"),
            Self::SimNotInserted => (310, "SIM not inserted"),
            Self::SimPinRequired => (311, "SIM PIN required"),
            Self::SimFailure => (313, "SIM failure"),
            Self::SimBusy => (314, "SIM busy"),
            Self::SimPukRequired => (316, "SIM PUK required"),
            Self::InvalidIndex => (321, "invalid memory index"),
            Self::MemoryFull => (322, "memory full"),
            Self::NoNetworkService => (331, "no network service"),
            Self::NothingToAcknowledge => (340, "no +CNMA acknowledgement expected"),
            Self::Unknown => (500, "unknown error"),
        }
    }
}

/// Why the SIM cannot be used, as an error of the message commands.
impl From<Cme> for Cms {
    fn from(cme: Cme) -> Self {
        match cme {
            Cme::NotAllowed | Cme::IncorrectPassword => Self::NotAllowed,
            Cme::NotSupported => Self::NotSupported,
            Cme::SimNotInserted => Self::SimNotInserted,
            Cme::SimPinRequired => Self::SimPinRequired,
            Cme::SimPukRequired => Self::SimPukRequired,
            Cme::SimFailure => Self::SimFailure,
            Cme::SimBusy => Self::SimBusy,
            Cme::NoNetworkService => Self::NoNetworkService,
        }
    }
}
