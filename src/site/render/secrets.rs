//! The passwords, in pppd's files, which only root can read.

use super::{RenderedFile, quoted};
use crate::site::{Account, Offer, Offers, PasswordHash, Secret, Users};
use std::fmt::Write;

const PAP: &str = "/etc/ppp/pap-secrets";
const CHAP: &str = "/etc/ppp/chap-secrets";

/// The passwords of a box's callers, but of those who may not have PPP.
pub(super) fn of_users(users: &Users, offers: &Offers) -> RenderedFile {
    let lines = match users {
        Users::Plain(users) => lines(with_ppp(users, offers), Secret::reveal),
        Users::Hashed(users) => lines(with_ppp(users, offers), PasswordHash::reveal),
    };
    RenderedFile::secret(PAP, &lines, "passwords for PAP")
}

/// The same for CHAP and MS-CHAP, which need the passwords themselves: `None` for hashes.
pub(super) fn for_chap(users: &Users, offers: &Offers) -> Option<RenderedFile> {
    match users {
        Users::Plain(users) => {
            let lines = lines(with_ppp(users, offers), Secret::reveal);
            Some(RenderedFile::secret(CHAP, &lines, "passwords for CHAP"))
        }
        Users::Hashed(_) => None,
    }
}

/// The others get in at the login prompt only, where the service checks what they may have.
fn with_ppp<'a, P>(users: &'a [Account<P>], offers: &'a Offers) -> impl Iterator<Item = &'a Account<P>> {
    users.iter().filter(|user| offers.of(&user.name).contains(&Offer::Ppp))
}

/// The box's password, for operators who ask by PAP and by CHAP.
pub(super) fn of_account(account: Option<&Account>) -> [RenderedFile; 2] {
    let lines = lines(account, Secret::reveal);
    [
        RenderedFile::secret(PAP, &lines, "passwords for PAP"),
        RenderedFile::secret(CHAP, &lines, "passwords for CHAP"),
    ]
}

/// Any server, and any address: a line gives its caller its only address.
fn lines<'a, P: 'a>(accounts: impl IntoIterator<Item = &'a Account<P>>, reveal: fn(&P) -> &str) -> String {
    accounts.into_iter().fold("# client server secret addresses\n".to_owned(), |mut lines, account| {
        let name = quoted(account.name.as_str());
        let password = quoted(reveal(&account.password));
        // A String takes every write: `fmt::Write` for it has no error.
        let _ = writeln!(lines, "{name} * {password} *");
        lines
    })
}
