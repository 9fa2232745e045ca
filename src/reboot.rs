//! An orderly reboot, with a cause for the next boot's ledger entry.

use std::io;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::boot::attempts;
use crate::build::Build;
use crate::clock::{self, Plausible};
use crate::paths::Paths;
use crate::ppp::KILL_AFTER;
use crate::state::{Cause, Ledger, Store};

/// How long a stop of the box waits for its link to be closed: by then a pppd that does not end was killed, and its
/// traffic is stored.
pub const LINK_TIMEOUT: Duration = Duration::from_secs(KILL_AFTER.as_secs() + 5);

/// Saves what must survive the reboot: its cause, the time, and whether the boot was good. One that cannot be saved does
/// not keep the others from it.
///
/// # Errors
/// The first one.
pub fn save(paths: &Paths, cause: &Cause) -> io::Result<()> {
    let store = Store::new(paths.state());
    let noted = Ledger::note_cause(&store, cause);
    let saved = clock::save(&store, Plausible::since_build(Build::load(paths).epoch));
    let settled = match cause {
        Cause::Stuck(_) | Cause::NoProcess | Cause::RootDamaged => attempts::fails(paths),
        Cause::Unknown | Cause::Daily | Cause::Modem | Cause::Requested => attempts::settle(paths),
    };
    noted.and(saved).and(settled)
}

/// Asks init for a reboot. Only the real box is rebooted; with another root directory this fails.
pub fn request(paths: &Paths) -> io::Result<()> {
    if !paths.is_the_box() {
        return Err(io::Error::other("not the box: nothing to reboot"));
    }
    // busybox's init reboots on SIGTERM (init/init.c).
    Ok(kill_process(Pid::INIT, Signal::TERM)?)
}
