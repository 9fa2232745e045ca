//! Who may call a box, and what each must know.

use super::hash::PasswordHash;
use super::secret::Secret;
use super::{Account, UserName};

/// Who may call: at least one, and all with the same kind of proof.
///
/// pppd knows two ways to look at a password (auth.c, `check_passwd`). By the usual one it takes a
/// hash for a password too: anybody who has read the file could call. By `papcrypt` it takes hashes only.
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
