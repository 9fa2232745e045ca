//! `[[user]]`: relations between users and passwords.

use super::{check_distinct, not_empty};
use crate::site::error::{Checked, problem};
use crate::site::raw;
use crate::site::secret::Secret;
use crate::site::user::Users;
use crate::site::{Account, PppAuth, UserName};
use toml::Spanned;

pub(super) fn users(raw: Vec<raw::User>) -> Checked<Users> {
    check_distinct("user", raw.iter().map(|user| &user.name))?;
    let (mut plain, mut hashed) = (Vec::new(), Vec::new());
    for raw::User { name, password, password_hash, .. } in raw {
        let at = match (password, password_hash) {
            (Some(password), None) => {
                let at = password.span();
                plain.push(known(name, password)?);
                at
            }
            (None, Some(hash)) => {
                let at = hash.span();
                hashed.push(Account { name: name.into_inner(), password: hash.into_inner() });
                at
            }
            (Some(_), Some(hash)) => {
                return problem("a password and a hash for one user", "remove one of the two", hash.span());
            }
            (None, None) => {
                return problem(
                    "this user has no password",
                    "add password = \"…\" or password-hash = \"…\"",
                    name.span(),
                );
            }
        };
        if !plain.is_empty() && !hashed.is_empty() {
            return problem(
                "some users have a `password`, others a `password-hash`",
                "write the same key for all of them: pppd would take a hash for a password",
                at,
            );
        }
    }
    Ok(if hashed.is_empty() { Users::Plain(plain) } else { Users::Hashed(hashed) })
}

/// CHAP and MS-CHAP compute with the password itself (RFC 1994 §2.2, RFC 2759 §8), which a hash does not give.
pub(super) fn authentication(
    raw: Option<Spanned<Vec<Spanned<PppAuth>>>>,
    users: &Users,
) -> Checked<Vec<PppAuth>> {
    let Some(raw) = raw else { return Ok(vec![PppAuth::Pap]) };
    not_empty(&raw, "nobody could prove a name", "write \"pap\", \"chap\" or \"mschap-v2\"")?;
    check_distinct("protocol", raw.get_ref())?;
    let other = raw.get_ref().iter().find(|protocol| *protocol.get_ref() != PppAuth::Pap);
    if let (Some(other), Users::Hashed(_)) = (other, users) {
        return problem(
            "this protocol needs the passwords themselves, not their hashes",
            "remove it, or write `password` for every [[user]]",
            other.span(),
        );
    }
    let mut protocols: Vec<_> = raw.into_inner().into_iter().map(Spanned::into_inner).collect();
    protocols.sort_unstable();
    Ok(protocols)
}

fn known(name: Spanned<UserName>, password: Spanned<Secret>) -> Checked<Account> {
    // pppd accepts any password for it (auth.c, check_passwd: `secret[0] != 0 && …`).
    if password.get_ref().reveal().is_empty() {
        return problem("the password is empty: anybody could call", "choose a password", password.span());
    }
    Ok(Account { name: name.into_inner(), password: password.into_inner() })
}
