//! The passwords, in pppd's files, which only root can read.

use super::{RenderedFile, quoted};
use crate::site::{Account, PasswordHash, Secret, Users};
use std::fmt::Write;

const PAP: &str = "/etc/ppp/pap-secrets";
const CHAP: &str = "/etc/ppp/chap-secrets";

/// The passwords of a box's callers.
pub(super) fn of_users(users: &Users) -> RenderedFile {
    let lines = match users {
        Users::Plain(users) => lines(users, Secret::reveal),
        Users::Hashed(users) => lines(users, PasswordHash::reveal),
    };
    RenderedFile::secret(PAP, &lines, "passwords for PAP")
}

/// The same for CHAP and MS-CHAP, which need the passwords themselves: `None` for hashes.
pub(super) fn for_chap(users: &Users) -> Option<RenderedFile> {
    match users {
        Users::Plain(users) => {
            Some(RenderedFile::secret(CHAP, &lines(users, Secret::reveal), "passwords for CHAP"))
        }
        Users::Hashed(_) => None,
    }
}

/// The box's password, for operators who ask by PAP and by CHAP.
pub(super) fn of_account(account: Option<&Account>) -> [RenderedFile; 2] {
    let lines = lines(account.map(std::slice::from_ref).unwrap_or_default(), Secret::reveal);
    [
        RenderedFile::secret(PAP, &lines, "passwords for PAP"),
        RenderedFile::secret(CHAP, &lines, "passwords for CHAP"),
    ]
}

/// Any server, and any address: a line gives its caller its only address.
fn lines<P>(accounts: &[Account<P>], reveal: fn(&P) -> &str) -> String {
    accounts.iter().fold("# client server secret addresses\n".to_owned(), |mut lines, account| {
        let name = quoted(account.name.as_str());
        let password = quoted(reveal(&account.password));
        // A String takes every write: `fmt::Write` for it has no error.
        let _ = writeln!(lines, "{name} * {password} *");
        lines
    })
}
