//! The loop of a service that does nothing but attend a modem.

use std::io;
use std::time::Duration;

use rustix::event::{Timespec, poll};

use super::attendant::Attendant;
use super::seat::Seat;
use crate::clock;
use crate::watch::heartbeat::Heart;

/// Attends a modem for ever; what is reported goes to `hear`, with the seat to act on it.
pub fn serve<A: Attendant>(
    seat: &mut Seat<A>,
    heart: &mut Heart,
    mut hear: impl FnMut(&mut A, A::Report),
) -> io::Error {
    loop {
        let now = clock::since_boot();
        heart.beat(now);
        for report in seat.turn(now) {
            hear(seat.attendant_mut(), report);
        }
        let until_wake = seat.wake().map(|wake| wake.saturating_sub(clock::since_boot()));
        let timeout = until_wake.map_or(heart.interval(), |wake| wake.min(heart.interval()));
        if let Err(error) = wait(seat, timeout) {
            return error;
        }
    }
}

/// Until something is ready or the time is over.
fn wait<A: Attendant>(seat: &Seat<A>, timeout: Duration) -> io::Result<()> {
    match poll(&mut seat.fds(), Timespec::try_from(timeout).ok().as_ref()) {
        Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
