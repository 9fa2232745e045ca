//! SIGTERM to a process in pppd's place, by `dialctl hangup`, as something to poll(2).
//!
//! The process ends by itself, and so notes what was carried to the last byte, and the cause: a service that was
//! restarted during the call does not get its exit status.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{FromRawFd, OwnedFd};

/// From now on SIGTERM does not end the process, and this becomes readable instead.
///
/// # Errors
/// There are no more file descriptors.
pub(super) fn termination() -> io::Result<OwnedFd> {
    let mut signals = MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: sigemptyset(3) initializes the set, which the other three only read. The kernel gives a new descriptor, which
    // nobody else owns. The programs that this process starts get an empty mask (std's `Command`).
    unsafe {
        libc::sigemptyset(signals.as_mut_ptr());
        libc::sigaddset(signals.as_mut_ptr(), libc::SIGTERM);
        libc::sigprocmask(libc::SIG_BLOCK, signals.as_ptr(), std::ptr::null_mut());
        match libc::signalfd(-1, signals.as_ptr(), libc::SFD_CLOEXEC) {
            -1 => Err(io::Error::last_os_error()),
            descriptor => Ok(OwnedFd::from_raw_fd(descriptor)),
        }
    }
}
