//! The Pi's system timer, the only one that Linux has there (BCM2835 ARM Peripherals §12.1;
//! drivers/clocksource/bcm2835_timer.c), read and set from outside.
//!
//! Linux sets its next interrupt in two steps: it reads the counter, and writes a little more than that to the
//! comparator. If the host is busy for those few microseconds, that time has passed, and QEMU takes it for one 71
//! minutes ahead (hw/timer/bcm2835_systmr.c, `triggers_delay_us`). Linux then gets no tick any more, and the box hangs.
//! A real timer has the same race, but a Pi is never that late.

use crate::debugger::Debugger;
use crate::error::Result;

/// The first register, CS. CLO, CHI and the comparators C0 to C3 follow.
pub const BASE: u32 = 0x2000_3000;
/// How many registers there are.
pub const REGISTERS: usize = 7;
/// The lower word of the counter, CLO, in microseconds.
const COUNTER: u32 = BASE + 0x04;
/// The comparator that Linux uses, C3 (`DEFAULT_TIMER`).
const COMPARATOR: u32 = BASE + 0x18;
/// Its bit in CS: an interrupt that Linux has not handled yet.
const MATCHED: u32 = 1 << 3;
/// A comparator that lies this long in the past, in microseconds, without an interrupt. Linux sets it for each tick
/// anew, every 4 ms.
const LATE: u32 = 100_000;

/// The registers at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SystemTimer {
    status: u32,
    counter: u32,
    comparator: u32,
}

impl SystemTimer {
    /// From all registers, in their order.
    pub fn new([status, counter, .., comparator]: [u32; REGISTERS]) -> Self {
        Self { status, counter, comparator }
    }

    /// Microseconds since power-on; they wrap after 71 minutes.
    pub fn micros(self) -> u32 {
        self.counter
    }

    /// Whether Linux waits for a tick that will not come.
    pub fn is_lost(self) -> bool {
        // Linux has not used a comparator of 0 yet.
        let late = self.counter.wrapping_sub(self.comparator);
        self.comparator != 0 && self.status & MATCHED == 0 && (LATE..1 << 31).contains(&late)
    }
}

/// Has the timer send its interrupt in a millisecond. One that comes too often does no harm.
pub fn rearm(board: &mut Debugger) -> Result<()> {
    let soon = board.read(COUNTER)?.wrapping_add(1000);
    board.write(COMPARATOR, soon)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comparator_in_the_past_without_an_interrupt_is_lost() {
        let timer = |status, counter, comparator| {
            SystemTimer::new([status, counter, 0, 0, 0, 0, comparator]).is_lost()
        };
        for (status, counter, comparator, is_lost, why) in [
            (0, 5_000_000, 5_004_000, false, "the next tick is ahead"),
            (0, 5_000_000, 4_999_000, false, "Linux is about to set it"),
            (MATCHED, 5_000_000, 4_000_000, false, "Linux handles the interrupt soon"),
            (0, 5_000_000, 4_000_000, true, "it has passed"),
            (1, 5_000_000, 4_000_000, true, "another comparator has matched"),
            (0, 5_000_000, 0, false, "Linux has not started"),
            (0, 1000, u32::MAX - 1000, false, "2 ms ago, before the counter wrapped"),
            (0, 1_000_000, u32::MAX - 1000, true, "a second ago, before the counter wrapped"),
            (0, u32::MAX - 1000, 3000, false, "4 ms ahead, after the counter wraps"),
        ] {
            assert_eq!(timer(status, counter, comparator), is_lost, "{why}");
        }
    }
}
