//! Limits the rate of commands.
//!
//! A modem may report something new in every answer, or give an answer that leads to the same command again. Without a
//! limit it would get thousands of commands a second.

use std::collections::VecDeque;
use std::time::Duration;

use super::step::Step;

/// The most commands within [`WINDOW`].
const MOST: usize = 10;
const WINDOW: Duration = Duration::from_secs(1);
/// The pause before the first repetition of a command.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The longest pause: it delays no regular command.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// A command that was not repeated for so many of its pauses starts with the first pause again.
const CALM: u32 = 4;

/// The times of the last commands and steps.
#[derive(Debug, Default)]
pub(super) struct Pace {
    recent: VecDeque<Duration>,
    begun: Vec<(Step, Begun)>,
}

#[derive(Debug, Clone, Copy)]
struct Begun {
    last: Duration,
    /// Not again before this has passed.
    pause: Duration,
}

impl Pace {
    /// When the next command of any kind may be sent, in time since boot.
    pub fn free_since(&self) -> Duration {
        let first = self.recent.front().filter(|_| self.recent.len() >= MOST);
        first.map_or(Duration::ZERO, |first| *first + WINDOW)
    }

    /// When this step may be taken again, in time since boot.
    pub fn ready_at(&self, step: &Step) -> Duration {
        let begun = self.begun.iter().find(|(it, _)| it == step);
        begun.map_or(Duration::ZERO, |(_, begun)| begun.last + begun.pause)
    }

    /// A command was sent.
    pub fn sent(&mut self, now: Duration) {
        self.recent.push_back(now);
        while self.recent.len() > MOST {
            self.recent.pop_front();
        }
    }

    /// A step is taken. If it is repeated soon, its next pause is longer.
    pub fn begin(&mut self, step: Option<Step>, now: Duration) {
        self.begun.retain(|(_, begun)| now < begun.last + CALM * LONGEST_PAUSE);
        let Some(step) = step.filter(|step| step.is_paced()) else { return };
        match self.begun.iter_mut().find(|(it, _)| *it == step) {
            Some((_, begun)) => {
                let is_calm = begun.last + CALM * begun.pause <= now;
                let pause = if is_calm { FIRST_PAUSE } else { LONGEST_PAUSE.min(2 * begun.pause) };
                *begun = Begun { last: now, pause };
            }
            None => self.begun.push((step, Begun { last: now, pause: FIRST_PAUSE })),
        }
    }

    /// A step has brought something new: it may be repeated at once.
    pub fn progress(&mut self, step: &Step) {
        self.begun.retain(|(it, _)| it != step);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// When a step is taken within a minute, always as soon as allowed.
    fn taken(pace: &mut Pace, step: Step) -> Vec<u64> {
        let mut taken = Vec::new();
        for second in 0..60 {
            let now = second * SECOND;
            if pace.ready_at(&step) <= now {
                pace.begin(Some(step), now);
                taken.push(u64::from(second));
            }
        }
        taken
    }

    #[test]
    fn the_pause_before_a_repetition_grows_to_ten_seconds() {
        let mut pace = Pace::default();
        assert_eq!(taken(&mut pace, Step::Clock), [0, 1, 3, 7, 15, 25, 35, 45, 55]);
        pace.begin(Some(Step::Clock), 100 * SECOND);
        assert_eq!(pace.ready_at(&Step::Clock), 101 * SECOND, "after a calm time as in the beginning");
    }

    #[test]
    fn a_step_that_has_brought_something_new_may_be_repeated_at_once() {
        let mut pace = Pace::default();
        pace.begin(Some(Step::Clock), SECOND);
        pace.progress(&Step::Clock);
        assert_eq!(pace.ready_at(&Step::Clock), Duration::ZERO);
    }

    proptest! {
        #[test]
        fn there_are_no_more_than_ten_commands_in_any_second(
            wishes in prop::collection::vec(0u64..300, 1..300)
        ) {
            let (mut pace, mut now, mut sent) = (Pace::default(), SECOND, Vec::new());
            for milliseconds in wishes {
                now += Duration::from_millis(milliseconds);
                if pace.free_since() <= now {
                    pace.sent(now);
                    sent.push(now);
                }
            }
            for (at, first) in sent.iter().enumerate() {
                let within = sent[at..].iter().take_while(|later| **later < *first + SECOND);
                prop_assert!(within.count() <= MOST);
            }
        }
    }
}
