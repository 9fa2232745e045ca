//! The passwords, in the files pppd wants them in and only root can read.

use super::{RenderedFile, quoted};
use crate::site::Account;
use std::fmt::Write;

pub(super) fn pap(accounts: &[Account]) -> RenderedFile {
    RenderedFile::secret("/etc/ppp/pap-secrets", &lines(accounts), "passwords for PAP")
}

pub(super) fn chap(accounts: &[Account]) -> RenderedFile {
    RenderedFile::secret("/etc/ppp/chap-secrets", &lines(accounts), "passwords for CHAP")
}

/// Any server, and any address: a line gives its caller the one address it has.
fn lines(accounts: &[Account]) -> String {
    accounts.iter().fold("# client server secret addresses\n".to_owned(), |mut lines, account| {
        let name = quoted(account.name.as_str());
        let password = quoted(account.password.reveal());
        // A String takes every write: `fmt::Write` for it has no error.
        let _ = writeln!(lines, "{name} * {password} *");
        lines
    })
}
