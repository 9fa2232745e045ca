//! Where an emulator runs on this host.
//!
//! QEMU passes every event of its board from one thread to another, thousands of times a second with USB ports open,
//! and one of the two threads always waits. If they run on two cores, each event wakes one core and puts the other to
//! sleep, and a scenario costs half as much again (docs/testing.md has the figures).

use rustix::process::Pid;
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use std::sync::{Mutex, PoisonError};

/// The emulators on each core, by the core's number.
static RUNNING: Mutex<Vec<usize>> = Mutex::new(Vec::new());

/// The core that one more emulator runs on, until this is dropped.
#[derive(Debug)]
pub struct Core(usize);

impl Core {
    /// Binds a freshly started program, with the threads that it will start, to the core with the fewest emulators.
    /// `None` if the host does not allow it; the program then runs as any other.
    pub fn with_fewest(program: Pid) -> Option<Self> {
        let allowed = sched_getaffinity(None).ok()?;
        let mut running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
        running.resize(CpuSet::MAX_CPU, 0);
        let allowed: Vec<usize> = (0..running.len()).filter(|number| allowed.is_set(*number)).collect();
        // Several labs on one host must not all begin at its first core.
        let number = fewest(&running, &allowed, std::process::id() as usize)?;
        let mut only = CpuSet::new();
        only.set(number);
        sched_setaffinity(Some(program), &only).ok()?;
        batch(program);
        running[number] += 1;
        Some(Self(number))
    }
}

impl Drop for Core {
    fn drop(&mut self) {
        RUNNING.lock().unwrap_or_else(PoisonError::into_inner)[self.0] -= 1;
    }
}

/// The allowed core with the fewest emulators. Of several with equally many it is the first, counted from the one at
/// `first`.
fn fewest(running: &[usize], allowed: &[usize], first: usize) -> Option<usize> {
    let first = first.checked_rem(allowed.len())?;
    let (before, after) = allowed.split_at(first);
    after.iter().chain(before).copied().min_by_key(|number| running[*number])
}

/// A thread that wakes up does not interrupt the other one (sched(7), `SCHED_BATCH`).
fn batch(program: Pid) {
    let parameters = libc::sched_param { sched_priority: 0 };
    // SAFETY: the call reads `parameters`, which lives, and changes nothing of this process.
    // If it is refused, the program is only slower.
    unsafe {
        libc::sched_setscheduler(program.as_raw_nonzero().get(), libc::SCHED_BATCH, &raw const parameters)
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_allowed_core_with_the_fewest_emulators_is_chosen() {
        assert_eq!(fewest(&[2, 1, 1], &[0, 1, 2], 0), Some(1));
        assert_eq!(fewest(&[2, 0, 1], &[0, 2], 0), Some(2));
        assert_eq!(fewest(&[0, 0], &[], 0), None);
    }

    #[test]
    fn labs_of_different_processes_begin_at_different_cores() {
        assert_eq!([6, 7, 8].map(|process| fewest(&[0, 0], &[0, 1], process)), [Some(0), Some(1), Some(0)]);
        assert_eq!(fewest(&[0, 1, 1], &[0, 1, 2], 2), Some(0), "fewest comes first");
    }

    #[test]
    fn a_program_stays_on_its_core_and_the_next_one_gets_another() {
        let start = || std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let mut programs = [start(), start()];
        let cores = programs.each_ref().map(|program| Core::with_fewest(Pid::from_child(program)).unwrap());
        for (program, core) in programs.iter_mut().zip(&cores) {
            let allowed = sched_getaffinity(Some(Pid::from_child(program))).unwrap();
            assert!(allowed.count() == 1 && allowed.is_set(core.0));
            program.kill().unwrap();
            program.wait().unwrap();
        }
        assert!(cores[0].0 != cores[1].0 || sched_getaffinity(None).unwrap().count() == 1);
    }
}
