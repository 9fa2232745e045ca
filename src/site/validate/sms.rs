//! `[sms]`: relations between its proof and its keys.

use super::check_distinct;
use crate::site::error::{Checked, problem};
use crate::site::raw;
use crate::site::sms::{Digits, OneTimeCode, Proof, Sms};
use std::ops::Range;
use toml::Spanned;

pub(super) fn sms(table: Range<usize>, raw: raw::Sms) -> Checked<Sms> {
    check_distinct("number", &raw.numbers)?;
    if raw.numbers.is_empty() {
        return problem(
            "`[sms]` has no number: nobody could command the box",
            "add a number, or remove `[sms]`",
            table,
        );
    }
    let numbers = raw.numbers.into_iter().map(Spanned::into_inner).collect();
    let kind = raw.proof.as_ref().map_or(raw::Proof::Totp, |proof| *proof.get_ref());
    let proof = match (kind, raw.secret, raw.digits) {
        (raw::Proof::SenderOnly, Some(unused), _) => {
            return problem(
                "`sender-only` uses no secret",
                "remove `secret`, or write proof = \"totp\"",
                unused.span(),
            );
        }
        (raw::Proof::SenderOnly, None, Some(unused)) => {
            return problem(
                "`sender-only` uses no code",
                "remove `digits`, or write proof = \"totp\"",
                unused.span(),
            );
        }
        (raw::Proof::SenderOnly, None, None) => Proof::SenderOnly,
        (_, None, _) => {
            let at = raw.proof.map_or(table, |proof| proof.span());
            return problem(
                "one-time codes need a `secret`",
                "add secret = \"…\"; `cargo xtask site new` makes one",
                at,
            );
        }
        (kind, Some(secret), digits) => {
            let digits = digits.map_or(Digits::Eight, Spanned::into_inner);
            let code = OneTimeCode { secret: secret.into_inner(), digits };
            if kind == raw::Proof::Hotp { Proof::Hotp(code) } else { Proof::Totp(code) }
        }
    };
    let may_set = raw.set.as_ref().map_or(proof != Proof::SenderOnly, |set| *set.get_ref());
    if let Some(set) = raw.set.filter(|_| may_set && proof == Proof::SenderOnly) {
        return problem(
            "a forged number could lead the VPN elsewhere",
            "write set = false, or proof = \"totp\" and a secret",
            set.span(),
        );
    }
    Ok(Sms { numbers, proof, may_set })
}
