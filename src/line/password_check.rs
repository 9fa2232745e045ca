//! Checks a password beside the loop of all lines: a hash takes seconds on the board.

use std::io::{self, PipeReader, Read, Write, pipe};
use std::os::fd::{AsFd, BorrowedFd};
use std::thread;

use rustix::io::ioctl_fionbio;

use super::login::PasswordCheck;

/// What checks a password: [`PasswordCheck::run`], but for tests.
pub type Checker = fn(&PasswordCheck) -> bool;

/// A check under way, in a thread of its own. Dropped, it comes to its end unheard.
#[derive(Debug)]
pub struct RunningCheck {
    /// One byte when the check is done; the end of the file if it never will be.
    done: PipeReader,
}

const FITS: u8 = 1;
const DOES_NOT: u8 = 0;

impl RunningCheck {
    /// Begins a check.
    ///
    /// # Errors
    /// There are no more file descriptors, or no memory for a thread.
    pub fn start(check: PasswordCheck, checker: Checker) -> io::Result<Self> {
        let (done, mut result) = pipe()?;
        ioctl_fionbio(&done, true)?;
        let run = move || {
            let fits = checker(&check);
            // Not after the result: then nothing of the password is left.
            drop(check);
            // Fails if nobody waits for it any more.
            let _ = result.write_all(&[if fits { FITS } else { DOES_NOT }]);
        };
        thread::Builder::new().name("password".to_owned()).spawn(run)?;
        Ok(Self { done })
    }

    /// Ready to be read when the check is done.
    pub fn fd(&self) -> BorrowedFd<'_> {
        self.done.as_fd()
    }

    /// Whether the password fits; `None` while that is not known.
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

    /// A password that does not fit its hash.
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
    fn a_result_is_there_when_the_check_is_done_and_not_before() {
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
    fn a_check_that_fails_lets_nobody_in() {
        let mut running = RunningCheck::start(check(), |_| panic!("no memory")).unwrap();
        assert_eq!(wait(&mut running), Some(false));
    }
}
