//! A SIM card as a modem sees it: 3GPP TS 27.007 §8.3, the counters as TS 51.011 §9.3 has them.

use super::refusal::Cme;

/// Tries of a PIN and of a PUK on a fresh card.
const TRIES: (u8, u8) = (3, 10);

/// A SIM card, or an empty holder. A wrong PIN costs a try, and only the right one restores it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SimCard {
    inserted: bool,
    pin: String,
    puk: String,
    /// Whether the card asks for its PIN after power-on.
    asks: bool,
    pin_tries: u8,
    puk_tries: u8,
    open: bool,
}

impl SimCard {
    /// No card.
    pub fn absent() -> Self {
        Self { inserted: false, ..Self::open() }
    }

    /// A card without a PIN request.
    pub fn open() -> Self {
        Self { asks: false, open: true, ..Self::locked("0000") }
    }

    /// A card that waits for this PIN. Its PUK is 12345678.
    pub fn locked(pin: &str) -> Self {
        let (pin_tries, puk_tries) = TRIES;
        let puk = "12345678".to_owned();
        Self { inserted: true, pin: pin.to_owned(), puk, asks: true, pin_tries, puk_tries, open: false }
    }

    /// The same with this many PIN tries left; with 0 it is blocked.
    pub fn with_tries(self, pin_tries: u8) -> Self {
        Self { pin_tries, ..self }
    }

    /// Tries left of the PIN, and of the PUK.
    pub fn tries(&self) -> (u8, u8) {
        (self.pin_tries, self.puk_tries)
    }

    /// Whether it asks for its PIN after power-on (`+CLCK="SC",2`).
    pub fn asks(&self) -> bool {
        self.asks
    }

    /// The answer to `+CPIN?`.
    pub fn state(&self) -> Result<&'static str, Cme> {
        match self {
            Self { inserted: false, .. } => Err(Cme::SimNotInserted),
            Self { puk_tries: 0, .. } => Err(Cme::SimFailure),
            Self { pin_tries: 0, .. } => Ok("SIM PUK"),
            Self { open: true, .. } => Ok("READY"),
            _ => Ok("SIM PIN"),
        }
    }

    /// Whether it can be used, or why not.
    pub fn usable(&self) -> Result<(), Cme> {
        match self.state()? {
            "READY" => Ok(()),
            "SIM PUK" => Err(Cme::SimPukRequired),
            _ => Err(Cme::SimPinRequired),
        }
    }

    /// The power was off: the PIN must be entered again.
    pub fn switch_on(&mut self) {
        self.open = !self.asks;
    }

    /// `+CPIN="…"`
    pub fn enter(&mut self, given: &str) -> Result<(), Cme> {
        match self.state()? {
            "SIM PIN" => self.verify(given).map(|()| self.open = true),
            "SIM PUK" => Err(Cme::SimPukRequired),
            _ => Err(Cme::NotAllowed),
        }
    }

    /// `+CPIN="<puk>","<new pin>"`
    pub fn unblock(&mut self, puk: &str, new: &str) -> Result<(), Cme> {
        if self.state()? != "SIM PUK" {
            return Err(Cme::NotAllowed);
        }
        if self.puk != puk {
            self.puk_tries -= 1;
            return Err(if self.puk_tries == 0 { Cme::SimFailure } else { Cme::IncorrectPassword });
        }
        (self.pin_tries, self.puk_tries) = TRIES;
        new.clone_into(&mut self.pin);
        self.open = true;
        Ok(())
    }

    /// `+CLCK="SC",0|1,"…"`: sets whether the card asks for its PIN.
    pub fn ask(&mut self, ask: bool, pin: &str) -> Result<(), Cme> {
        self.usable()?;
        self.verify(pin)?;
        self.asks = ask;
        Ok(())
    }

    /// `+CPWD="SC","…","…"`; TS 51.011 §9.3: only while the card asks for it.
    pub fn change(&mut self, old: &str, new: &str) -> Result<(), Cme> {
        self.usable()?;
        if !self.asks {
            return Err(Cme::NotAllowed);
        }
        self.verify(old)?;
        new.clone_into(&mut self.pin);
        Ok(())
    }

    fn verify(&mut self, given: &str) -> Result<(), Cme> {
        if self.pin == given {
            self.pin_tries = TRIES.0;
            return Ok(());
        }
        self.pin_tries = self.pin_tries.saturating_sub(1);
        if self.pin_tries > 0 {
            return Err(Cme::IncorrectPassword);
        }
        self.open = false;
        Err(Cme::SimPukRequired)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_pin_costs_a_try_and_the_third_one_blocks_the_card() {
        let mut sim = SimCard::locked("0321");
        assert_eq!(sim.enter("321"), Err(Cme::IncorrectPassword));
        assert_eq!(sim.tries(), (2, 10));
        sim.switch_on();
        assert_eq!(sim.tries(), (2, 10), "switching it off and on gives no try back");
        assert_eq!(sim.enter("1111"), Err(Cme::IncorrectPassword));
        assert_eq!(sim.enter("1111"), Err(Cme::SimPukRequired));
        assert_eq!(sim.state(), Ok("SIM PUK"));
        assert_eq!(sim.enter("0321"), Err(Cme::SimPukRequired));
    }

    #[test]
    fn the_right_pin_unlocks_the_card_and_restores_the_tries() {
        let mut sim = SimCard::locked("0321").with_tries(1);
        assert_eq!(sim.state(), Ok("SIM PIN"));
        assert_eq!(sim.enter("0321"), Ok(()));
        assert_eq!(sim.tries(), (3, 10));
        assert_eq!(sim.state(), Ok("READY"));
        assert_eq!(sim.enter("0321"), Err(Cme::NotAllowed));
        assert_eq!(SimCard::absent().enter("0321"), Err(Cme::SimNotInserted));
    }

    #[test]
    fn the_puk_has_ten_tries_and_then_the_card_is_blocked_for_good() {
        let mut sim = SimCard::locked("0321").with_tries(0);
        assert_eq!(sim.unblock("12345678", "7777"), Ok(()));
        assert_eq!(sim.state(), Ok("READY"));
        let mut sim = SimCard::locked("0321").with_tries(0);
        for _ in 0..9 {
            assert_eq!(sim.unblock("0", "7777"), Err(Cme::IncorrectPassword));
        }
        assert_eq!(sim.unblock("0", "7777"), Err(Cme::SimFailure));
        assert_eq!(sim.unblock("12345678", "7777"), Err(Cme::SimFailure));
        assert_eq!(sim.state(), Err(Cme::SimFailure));
    }

    #[test]
    fn disabling_the_pin_request_needs_the_pin_and_a_wrong_one_costs_a_try() {
        let mut sim = SimCard::locked("0321");
        assert_eq!(sim.ask(false, "0321"), Err(Cme::SimPinRequired));
        assert_eq!(sim.enter("0321"), Ok(()));
        assert_eq!(sim.ask(false, "1111"), Err(Cme::IncorrectPassword));
        assert_eq!(sim.tries(), (2, 10));
        assert_eq!(sim.change("0321", "4444"), Ok(()));
        assert_eq!(sim.ask(false, "4444"), Ok(()));
        sim.switch_on();
        assert_eq!(sim.state(), Ok("READY"));
        assert_eq!(sim.change("4444", "5555"), Err(Cme::NotAllowed));
    }
}
