//! Who may call a box, and what each must know.

use super::error::{Checked, problem};
use super::hash::PasswordHash;
use super::secret::Secret;
use super::validate::check_distinct;
use super::{Account, UserName, raw};
use toml::Spanned;

/// Who may call: at least one, and all with the same kind of proof.
///
/// pppd knows two ways to look at a password (auth.c, `check_passwd`). By the usual one it takes a
/// hash for a password too: whoever has read the file could call. By `papcrypt` it takes hashes only.
#[derive(Clone, Debug, PartialEq)]
pub enum Users {
    /// Their passwords are known.
    Plain(Vec<Account>),
    /// Only hashes of their passwords are known.
    Hashed(Vec<Account<PasswordHash>>),
}

impl Users {
    /// Their names, in the order of the site.
    #[must_use]
    pub fn names(&self) -> Vec<&UserName> {
        match self {
            Self::Plain(users) => users.iter().map(|user| &user.name).collect(),
            Self::Hashed(users) => users.iter().map(|user| &user.name).collect(),
        }
    }

    pub(super) fn masked(&self) -> Self {
        fn masked<P>(users: &[Account<P>], mask: fn() -> P) -> Vec<Account<P>> {
            users.iter().map(|user| Account { name: user.name.clone(), password: mask() }).collect()
        }
        match self {
            Self::Plain(users) => Self::Plain(masked(users, Secret::masked)),
            Self::Hashed(users) => Self::Hashed(masked(users, PasswordHash::masked)),
        }
    }
}

pub(super) fn validate(raw: Vec<raw::User>) -> Checked<Users> {
    check_distinct("user", raw.iter().map(|user| &user.name))?;
    let (mut plain, mut hashed) = (Vec::new(), Vec::new());
    for raw::User { name, password, password_hash } in raw {
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

fn known(name: Spanned<UserName>, password: Spanned<Secret>) -> Checked<Account> {
    // pppd takes any password for it (auth.c, check_passwd: `secret[0] != 0 && …`).
    if password.get_ref().reveal().is_empty() {
        return problem("the password is empty: anybody could call", "choose a password", password.span());
    }
    Ok(Account { name: name.into_inner(), password: password.into_inner() })
}
