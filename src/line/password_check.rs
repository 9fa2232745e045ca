//! Authenticates a caller by name and password. A hash takes seconds on the board, so a thread beside the loop checks
//! it.

use std::io::{self, PipeReader, Read, Write, pipe};
use std::os::fd::{AsFd, BorrowedFd};
use std::thread;

use ctutils::Choice;
use rustix::io::ioctl_fionbio;

use super::login::{Credentials, Typed};
use crate::site::{Account, PasswordHash, UserName, Users};

/// The function that checks a password: [`PasswordCheck::run`], except in tests.
pub type Checker = fn(&PasswordCheck) -> bool;

/// The result of a name and a password.
#[derive(Debug)]
pub enum Authentication {
    /// They are this user's, or wrong.
    Done(Option<UserName>),
    /// A hash must be computed. If it matches, they are this user's, provided that the user exists.
    Pending(PasswordCheck, Option<UserName>),
}

/// Authenticates a name and a password, now or later.
pub fn authenticate(users: &Users, Credentials { name, password }: Credentials) -> Authentication {
    match users {
        Users::Plain(users) => {
            let fits = |user: &Account| name.is(user.name.as_str()) & password.is(user.password.reveal());
            Authentication::Done(the_one(users, fits).map(|user| user.name.clone()))
        }
        Users::Hashed(users) => {
            let known = the_one(users, |user| name.is(user.name.as_str()));
            // An unknown user costs the same rounds: the time must not reveal which users exist.
            match known.or(users.first()).map(|user| user.password.clone()) {
                Some(hash) => {
                    let user = known.map(|user| user.name.clone());
                    Authentication::Pending(PasswordCheck { hash, password }, user)
                }
                None => Authentication::Done(None),
            }
        }
    }
}

/// The user of this name. All users are compared in full: the time reveals nothing.
fn the_one<P>(users: &[Account<P>], is_meant: impl Fn(&Account<P>) -> Choice) -> Option<&Account<P>> {
    users.iter().fold(None, |found, user| if is_meant(user).to_bool() { Some(user) } else { found })
}

/// A password, and the hash to compare it with.
#[derive(Debug)]
pub struct PasswordCheck {
    hash: PasswordHash,
    password: Typed,
}

impl PasswordCheck {
    /// Whether it matches. Takes the time of all the rounds.
    pub fn run(&self) -> bool {
        self.hash.fits(self.password.bytes())
    }
}

/// A check under way, in a thread of its own. If this is dropped, the thread ends without effect.
#[derive(Debug)]
pub struct RunningCheck {
    /// The user if the password matches.
    user: Option<UserName>,
    /// One byte when the check is done; the end of the file if it never will be.
    done: PipeReader,
}

const FITS: u8 = 1;
const DOES_NOT: u8 = 0;

impl RunningCheck {
    /// Starts a check.
    ///
    /// # Errors
    /// There are no more file descriptors, or no memory for a thread.
    pub fn start(check: PasswordCheck, user: Option<UserName>, checker: Checker) -> io::Result<Self> {
        let (done, mut result) = pipe()?;
        ioctl_fionbio(&done, true)?;
        let run = move || {
            let fits = checker(&check);
            // Dropped before the result is sent: then no copy of the password is left.
            drop(check);
            // Fails if the check was dropped.
            let _ = result.write_all(&[if fits { FITS } else { DOES_NOT }]);
        };
        thread::Builder::new().name("password".to_owned()).spawn(run)?;
        Ok(Self { user, done })
    }

    /// Ready for reading when the check is done.
    pub fn fd(&self) -> BorrowedFd<'_> {
        self.done.as_fd()
    }

    /// The user, or `None` if the password is wrong; the outer `None` while the check runs.
    pub fn result(&mut self) -> Option<Option<UserName>> {
        Some(self.fits()?.then(|| self.user.take()).flatten())
    }

    fn fits(&mut self) -> Option<bool> {
        let mut byte = [DOES_NOT];
        match self.done.read(&mut byte) {
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {
                None
            }
            Ok(1) => Some(byte == [FITS]),
            Ok(_) | Err(_) => Some(false),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::event::{PollFd, PollFlags, poll};
    use std::sync::Mutex;

    // openssl passwd -5 -salt labsalt 'Xy7 Qz9'
    const HASH: &str = "$5$labsalt$3zd4Jd8tdbziZQKQ2gM37xodWpEZ9gWVb6xhgRUHld5";

    fn name(name: &str) -> UserName {
        name.parse().unwrap()
    }

    fn hashed() -> Users {
        Users::Hashed(vec![Account { name: name("guest"), password: HASH.parse().unwrap() }])
    }

    fn plain() -> Users {
        let account =
            |user, password: &str| Account { name: name(user), password: password.parse().unwrap() };
        Users::Plain(vec![account("guest", "Xy7 Qz9"), account("root", "~toor~")])
    }

    fn typed(name: &str, password: &str) -> Credentials {
        let [name, password] = [name, password].map(|text| Typed::from_bytes(text.as_bytes()));
        Credentials { name, password }
    }

    fn start(password: &str, checker: Checker) -> RunningCheck {
        match authenticate(&hashed(), typed("guest", password)) {
            Authentication::Pending(check, user) => RunningCheck::start(check, user, checker).unwrap(),
            Authentication::Done(_) => unreachable!("a hash takes its time"),
        }
    }

    #[test]
    fn a_user_needs_the_right_password() {
        let long = "x".repeat(255);
        let table = [
            ("guest", "Xy7 Qz9", Some("guest")),
            ("root", "~toor~", Some("root")),
            ("root", "Xy7 Qz9", None),
            ("guest", "", None),
            ("guest", "Xy7 Qz", None),
            ("", "", None),
            (&long, "Xy7 Qz9", None),
        ];
        for (who, password, user) in table {
            match authenticate(&plain(), typed(who, password)) {
                Authentication::Done(found) => assert_eq!(found, user.map(name), "{who} {password}"),
                Authentication::Pending(..) => unreachable!("no hash"),
            }
        }
    }

    #[test]
    fn with_a_hash_the_password_logs_in_and_the_hash_does_not() {
        let table = [
            ("guest", "Xy7 Qz9", true),
            ("guest", HASH, false),
            ("guest", "", false),
            ("nobody", "Xy7 Qz9", false),
        ];
        for (who, password, is_let_in) in table {
            match authenticate(&hashed(), typed(who, password)) {
                Authentication::Pending(check, user) => {
                    assert_eq!(user.is_some_and(|_| check.run()), is_let_in, "{who} {password}");
                }
                Authentication::Done(_) => panic!("{who} is known by the time it takes"),
            }
        }
    }

    #[test]
    fn a_too_long_name_is_no_user_s() {
        let long = "x".repeat(255);
        let users = Users::Plain(vec![Account { name: name(&long), password: "p".parse().unwrap() }]);
        for (who, is_let_in) in [(long.clone(), true), (long.clone() + "x", false), (long.repeat(3), false)] {
            match authenticate(&users, typed(&who, "p")) {
                Authentication::Done(found) => assert_eq!(found.is_some(), is_let_in),
                Authentication::Pending(..) => unreachable!("no hash"),
            }
        }
    }

    fn wait(running: &mut RunningCheck) -> Option<Option<UserName>> {
        poll(&mut [PollFd::from_borrowed_fd(running.fd(), PollFlags::IN)], None).unwrap();
        running.result()
    }

    #[test]
    fn a_result_is_available_when_the_check_is_done_and_not_before() {
        static SLOW: Mutex<()> = Mutex::new(());
        let held = SLOW.lock().unwrap();
        let mut running = start("wrong", |_| SLOW.lock().is_ok());
        assert_eq!(running.result(), None);
        drop(held);
        assert_eq!(wait(&mut running), Some(Some(name("guest"))));

        let mut running = start("wrong", PasswordCheck::run);
        assert_eq!(wait(&mut running), Some(None));
    }

    #[test]
    fn a_failed_check_logs_in_no_user() {
        let mut running = start("Xy7 Qz9", |_| panic!("no memory"));
        assert_eq!(wait(&mut running), Some(None));
    }
}
