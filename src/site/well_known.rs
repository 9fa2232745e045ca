//! Secrets that are published in this repository. This is the only list of them; `tests/site_files/` checks it
//! against the documentation.
//!
//! The builder refuses them. The box accepts them: a box that refused its site could not be reached, and the scenarios
//! write the examples onto the card.

use super::error::{Checked, problem};
use super::raw;
use super::{OtpSecret, PasswordHash, Secret, SecretKey};
use std::ops::Range;
use toml::Spanned;

/// Of the examples and the tests. `free` is allowed as the password of `[operator]`: the operator Free gives it to all
/// its customers.
const PASSWORDS: [&str; 2] = ["change-me", "free"];

/// The ASCII of `12345678901234567890`: the secret of the test vectors of RFC 4226 and RFC 6238.
const OTP_SECRETS: [&[u8]; 1] = [b"12345678901234567890"];

/// Of the tests.
const VPN_KEYS: [&str; 1] = ["aAtSHjdVOAl1GdMyUhhgyIHY14tpX+dhE3kdwY79QH4="];

/// Refuses a site with one of them. Every hash is compared with every known password.
pub(super) fn refuse(site: &raw::Site) -> Checked<()> {
    for user in site.user.iter().flatten().map(Spanned::get_ref) {
        if let Some(password) = user.password.as_ref().filter(|it| is_known_password(it.get_ref())) {
            return known("password", password.span());
        }
        if let Some(hash) = user.password_hash.as_ref().filter(|it| is_hash_of_known_password(it.get_ref())) {
            return known("password", hash.span());
        }
    }
    let exchange = site.exchange.iter().flat_map(|exchange| exchange.get_ref().account.iter().flatten());
    for account in exchange.map(Spanned::get_ref) {
        if is_known_password(account.password.get_ref()) {
            return known("password", account.password.span());
        }
    }
    if let Some(secret) = site.sms.as_ref().and_then(|it| it.get_ref().secret.as_ref())
        && is_known_otp_secret(secret.get_ref())
    {
        return known("secret", secret.span());
    }
    let vpn = site.vpn.as_ref().map(Spanned::get_ref);
    let keys = vpn.into_iter().flat_map(|it| [Some(&it.private_key), it.preshared_key.as_ref()]);
    match keys.flatten().find(|it| is_known_vpn_key(it.get_ref())) {
        Some(key) => known("key", key.span()),
        None => Ok(()),
    }
}

fn known(what: &str, at: Range<usize>) -> Checked<()> {
    let next = match what {
        "key" => "write what `wg genkey` prints",
        _ => "choose another one, or let `cargo xtask site new` make one",
    };
    problem(format!("this {what} is public: it stands in dialbox's own repository"), next, at)
}

fn is_known_password(password: &Secret) -> bool {
    PASSWORDS.contains(&password.reveal())
}

fn is_hash_of_known_password(hash: &PasswordHash) -> bool {
    PASSWORDS.iter().any(|it| hash.fits(it.as_bytes()))
}

fn is_known_otp_secret(secret: &OtpSecret) -> bool {
    OTP_SECRETS.contains(&secret.reveal())
}

fn is_known_vpn_key(key: &SecretKey) -> bool {
    VPN_KEYS.contains(&key.reveal())
}
