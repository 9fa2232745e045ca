//! A SIM card as a modem sees it: 3GPP TS 27.007 §8.3.

/// What is in the modem's SIM holder. A wrong PIN costs a try, as on a real card.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sim {
    /// No card.
    Absent,
    /// No PIN is asked for, or it was given.
    Ready,
    /// The card waits for its PIN.
    Locked {
        /// The right one.
        pin: String,
        /// Tries left, 3 at most.
        tries: u8,
    },
    /// Three wrong PINs: only the PUK helps now.
    Blocked,
}

/// `+CME ERROR` codes: 3GPP TS 27.007 §9.2.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// 3
    NotAllowed,
    /// 10
    NotInserted,
    /// 12
    PukRequired,
    /// 16
    IncorrectPassword,
}

impl Refusal {
    /// The number, as `+CMEE=1` shows it.
    pub fn code(self) -> u16 {
        match self {
            Self::NotAllowed => 3,
            Self::NotInserted => 10,
            Self::PukRequired => 12,
            Self::IncorrectPassword => 16,
        }
    }

    /// The words, as `+CMEE=2` shows them.
    pub fn words(self) -> &'static str {
        match self {
            Self::NotAllowed => "operation not allowed",
            Self::NotInserted => "SIM not inserted",
            Self::PukRequired => "SIM PUK required",
            Self::IncorrectPassword => "incorrect password",
        }
    }
}

impl Sim {
    /// What `+CPIN?` says.
    pub fn state(&self) -> Result<&'static str, Refusal> {
        match self {
            Self::Absent => Err(Refusal::NotInserted),
            Self::Ready => Ok("READY"),
            Self::Locked { .. } => Ok("SIM PIN"),
            Self::Blocked => Ok("SIM PUK"),
        }
    }

    /// What `+CPIN="…"` does.
    pub fn enter(&mut self, given: &str) -> Result<(), Refusal> {
        match self {
            Self::Absent => Err(Refusal::NotInserted),
            Self::Ready => Err(Refusal::NotAllowed),
            Self::Blocked => Err(Refusal::PukRequired),
            Self::Locked { pin, .. } if pin == given => {
                *self = Self::Ready;
                Ok(())
            }
            Self::Locked { tries, .. } if *tries > 1 => {
                *tries -= 1;
                Err(Refusal::IncorrectPassword)
            }
            Self::Locked { .. } => {
                *self = Self::Blocked;
                Err(Refusal::PukRequired)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn locked(tries: u8) -> Sim {
        Sim::Locked { pin: "0321".into(), tries }
    }

    #[test]
    fn a_wrong_pin_costs_a_try_and_the_third_one_blocks_the_card() {
        let mut sim = locked(3);
        assert_eq!(sim.enter("321"), Err(Refusal::IncorrectPassword));
        assert_eq!(sim, locked(2));
        assert_eq!(sim.enter("1111"), Err(Refusal::IncorrectPassword));
        assert_eq!(sim.enter("1111"), Err(Refusal::PukRequired));
        assert_eq!(sim.state(), Ok("SIM PUK"));
        assert_eq!(sim.enter("0321"), Err(Refusal::PukRequired));
    }

    #[test]
    fn the_right_pin_opens_the_card_once() {
        let mut sim = locked(1);
        assert_eq!(sim.state(), Ok("SIM PIN"));
        assert_eq!(sim.enter("0321"), Ok(()));
        assert_eq!(sim.state(), Ok("READY"));
        assert_eq!(sim.enter("0321"), Err(Refusal::NotAllowed));
        assert_eq!(Sim::Absent.state(), Err(Refusal::NotInserted));
    }
}
