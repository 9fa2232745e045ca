//! Warns of a weak proof in a site.

use super::attempts::chance_per_day;
use crate::site::{Proof, Sms};

/// The chance of guessing a code that causes a warning: once in two hundred days.
const WORTH_A_WORD: f64 = 0.005;

/// The warning, if there is one.
#[must_use]
pub fn caution(sms: &Sms) -> Option<String> {
    if sms.proof == Proof::SenderOnly {
        return Some(
            "anyone who forges a sender's number controls this box: proof = \"sender-only\"".to_owned(),
        );
    }
    let chance = chance_per_day(&sms.proof).filter(|chance| *chance > WORTH_A_WORD)?;
    Some(format!(
        "a day of forged messages guesses a code of 6 digits with a chance of {:.0} %: better write digits = 8",
        chance * 100.0
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::site::{Digits, OneTimeCode};

    #[test]
    fn only_a_weak_proof_causes_a_warning() {
        let code = |digits| OneTimeCode { secret: "A".repeat(32).parse().unwrap(), digits };
        let said = |proof| caution(&Sms { numbers: Vec::new(), proof, may_set: false }).unwrap_or_default();
        assert_eq!(said(Proof::Totp(code(Digits::Eight))), "");
        assert_eq!(said(Proof::Hotp(code(Digits::Eight))), "");
        assert!(said(Proof::Totp(code(Digits::Six))).contains("a chance of 5 %"));
        assert!(said(Proof::Hotp(code(Digits::Six))).contains("a chance of 9 %"));
        assert!(said(Proof::SenderOnly).contains("sender-only"));
    }
}
