//! What is done when a program could not read the running root.

use std::time::Duration;

use crate::watch::health;

/// So many times the card is healed and the box goes on. What the kernel has kept of a bad block goes away by itself:
/// dm-bufio forgets a block of the tree after five minutes (drivers/md/dm-bufio.c, DM_BUFIO_DEFAULT_AGE_SECS), squashfs a
/// block of metadata when it needs the room.
const ROUNDS: usize = 2;
/// From one answer to the next.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// Scrub both roots at once.
    Scrub,
    /// Reboot: the card is whole, but what runs still fails to read it.
    Reboot,
    /// Nothing: a reboot would not help, or has not.
    GoOn,
}

/// The errors of the running root so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Errors {
    rounds: usize,
    answered: Option<Duration>,
}

impl Errors {
    /// Decides about errors that were noticed at this time since boot. `can_help` is false if neither copy of a block
    /// was good; `failed_boots` is how many boots in a row followed a bad root or a stuck service. `None` while the last
    /// answer is younger than a minute.
    pub fn answer(&mut self, now: Duration, can_help: bool, failed_boots: usize) -> Option<Answer> {
        if self.answered.is_some_and(|answered| now < answered + PATIENCE) {
            return None;
        }
        self.answered = Some(now);
        self.rounds += 1;
        Some(if self.rounds <= ROUNDS {
            Answer::Scrub
        } else if can_help && health::may_reboot(failed_boots, now) {
            Answer::Reboot
        } else {
            Answer::GoOn
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A box whose programs fail to read once a minute, from the start on.
    fn answers(can_help: bool, failed_boots: usize, minutes: u32) -> Vec<Answer> {
        let mut errors = Errors::default();
        (1..=minutes).filter_map(|minute| errors.answer(PATIENCE * minute, can_help, failed_boots)).collect()
    }

    #[test]
    fn errors_that_go_on_after_two_scrubs_reboot_the_box() {
        assert_eq!(answers(true, 0, 3), [Answer::Scrub, Answer::Scrub, Answer::Reboot]);
        assert_eq!(answers(true, 2, 3)[2], Answer::Reboot);
    }

    #[test]
    fn reboots_that_do_not_help_come_once_an_hour() {
        let hour = answers(true, 3, 60);
        assert!(hour[2..59].iter().all(|answer| *answer == Answer::GoOn));
        assert_eq!(hour[59], Answer::Reboot);
    }

    #[test]
    fn a_box_with_a_block_that_is_bad_in_both_copies_is_not_rebooted() {
        assert!(!answers(false, 0, 120).contains(&Answer::Reboot));
    }

    #[test]
    fn many_errors_at_once_are_one() {
        let mut errors = Errors::default();
        let seconds = (10..40).filter_map(|second| errors.answer(Duration::from_secs(second), true, 0));
        assert_eq!(seconds.collect::<Vec<_>>(), [Answer::Scrub]);
    }
}
