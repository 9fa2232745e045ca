//! Checks a password beside the loop of all lines: computing a hash takes seconds on the board.

use std::io::{self, PipeReader, Read, Write, pipe};
use std::os::fd::{AsFd, BorrowedFd};
use std::thread;

use rustix::io::ioctl_fionbio;

use super::login::PasswordCheck;

/// The function that checks a password: [`PasswordCheck::run`], except in tests.
pub type Checker = fn(&PasswordCheck) -> bool;

/// A running check, in its own thread. If dropped, it finishes without effect.
#[derive(Debug)]
pub struct RunningCheck {
    /// One byte when the check is done; end of file if it has failed.
    done: PipeReader,
}

const FITS: u8 = 1;
const DOES_NOT: u8 = 0;

impl RunningCheck {
    /// Starts a check.
    ///
    /// # Errors
    /// File descriptors or memory for a thread are lacking.
    pub fn start(check: PasswordCheck, checker: Checker) -> io::Result<Self> {
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
        Ok(Self { done })
    }

    /// Ready for reading when the check is done.
    pub fn fd(&self) -> BorrowedFd<'_> {
        self.done.as_fd()
    }

    /// Whether the password matches; `None` while the check runs.
    pub fn result(&mut self) -> Option<bool> {
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
    use crate::line::login::{Login, LoginConfig};
    use crate::site::{Account, Users};
    use rustix::event::{PollFd, PollFlags, poll};
    use std::sync::Mutex;
    use std::time::Duration;

    /// A password that does not match its hash.
    fn check() -> PasswordCheck {
        let hash = "$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5";
        let user = Account { name: "guest".parse().unwrap(), password: hash.parse().unwrap() };
        let (hostname, users) = ("box".parse().unwrap(), Users::Hashed(vec![user]));
        let mut login = Login::new(LoginConfig { hostname: &hostname, users: &users }, Duration::ZERO);
        login.receive(b"\rguest\rHello world\r", Duration::ZERO).check.unwrap()
    }

    fn wait(running: &mut RunningCheck) -> Option<bool> {
        poll(&mut [PollFd::from_borrowed_fd(running.fd(), PollFlags::IN)], None).unwrap();
        running.result()
    }

    #[test]
    fn a_result_is_available_when_the_check_is_done_and_not_before() {
        static SLOW: Mutex<()> = Mutex::new(());
        let held = SLOW.lock().unwrap();
        let mut running = RunningCheck::start(check(), |_| SLOW.lock().is_ok()).unwrap();
        assert_eq!(running.result(), None);
        drop(held);
        assert_eq!(wait(&mut running), Some(true));

        let mut running = RunningCheck::start(check(), PasswordCheck::run).unwrap();
        assert_eq!(wait(&mut running), Some(false));
    }

    #[test]
    fn a_failed_check_refuses_the_caller() {
        let mut running = RunningCheck::start(check(), |_| panic!("no memory")).unwrap();
        assert_eq!(wait(&mut running), Some(false));
    }
}
