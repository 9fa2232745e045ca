//! The users who may call a box, and their passwords.

use super::hash::PasswordHash;
use super::secret::Secret;
use super::{Account, UserName};

/// The users who may call, all with the same kind of password. Without one, only guests may.
///
/// pppd checks a password in one of two ways (auth.c, `check_passwd`). By default it accepts the stored hash itself as
/// a password, so anybody who has read the file could call. With `papcrypt` it accepts hashes only.
#[derive(Clone, Debug, PartialEq)]
pub enum Users {
    /// With plain passwords.
    Plain(Vec<Account>),
    /// With hashes of passwords.
    Hashed(Vec<Account<PasswordHash>>),
}

impl Users {
    /// The names, in the order of the site.
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
