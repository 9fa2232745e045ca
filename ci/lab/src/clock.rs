//! The clock for the lab's deadlines is that of the boxes: a busy host then makes a test slow but does not fail it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

/// A box whose clock does not advance for this long, by the host's clock, has hung.
const HUNG: Duration = Duration::from_secs(180);

/// A box's own time since power-on, read from its emulator from time to time.
#[derive(Debug, Clone, Default)]
pub struct BoxClock(Arc<AtomicU64>);

impl BoxClock {
    /// Records the value of the Pi's system timer, in microseconds; its 32 bits wrap after 71 minutes.
    pub fn note(&self, timer: u32) {
        let before = self.0.load(Ordering::Relaxed);
        // Truncated to the timer's 32 bits.
        let passed = timer.wrapping_sub(before as u32);
        self.0.store(before + u64::from(passed), Ordering::Relaxed);
    }
}

/// A clock, and its value when the time that is counted was 0.
type Followed = (Weak<AtomicU64>, i128);

/// The clocks of all running boxes, and the processor time of the host that the ended ones have used.
#[derive(Debug, Clone, Default)]
pub struct Clocks {
    running: Arc<Mutex<Vec<Weak<AtomicU64>>>>,
    /// Those that are kept [in step](Self::lead).
    in_step: Arc<Mutex<Vec<Followed>>>,
    /// In microseconds.
    processor_time: Arc<AtomicU64>,
}

impl Clocks {
    /// Adds one, for as long as its emulator runs.
    pub fn add(&self, clock: &BoxClock) {
        let mut clocks = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        clocks.retain(|clock| clock.strong_count() > 0);
        clocks.push(Arc::downgrade(&clock.0));
    }

    /// How far a box is ahead of the slowest one, since both are on. At the first call for a box it is the slowest one's time.
    pub fn lead(&self, clock: &BoxClock) -> Duration {
        let mut boxes = self.in_step.lock().unwrap_or_else(PoisonError::into_inner);
        boxes.retain(|(clock, _)| clock.strong_count() > 0);
        let slowest = boxes
            .iter()
            .filter_map(|(clock, start)| Some(i128::from(clock.upgrade()?.load(Ordering::Relaxed)) - start))
            .min();
        let now = i128::from(clock.0.load(Ordering::Relaxed));
        let known = boxes.iter().find(|(it, _)| std::ptr::eq(it.as_ptr(), Arc::as_ptr(&clock.0)));
        let Some((_, start)) = known else {
            boxes.push((Arc::downgrade(&clock.0), now - slowest.unwrap_or(0)));
            return Duration::ZERO;
        };
        let ahead = now - start - slowest.unwrap_or(0);
        Duration::from_micros(u64::try_from(ahead).unwrap_or(0))
    }

    /// Adds the processor time of a box that has ended.
    pub fn add_processor_time(&self, time: Duration) {
        let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        self.processor_time.fetch_add(micros, Ordering::Relaxed);
    }

    /// The processor time of all boxes that have ended.
    pub fn processor_time(&self) -> Duration {
        Duration::from_micros(self.processor_time.load(Ordering::Relaxed))
    }

    /// Starts a stopwatch.
    pub fn stopwatch(&self) -> Stopwatch {
        let now = Instant::now();
        let mut watch = Stopwatch {
            clocks: self.clone(),
            followed: Vec::new(),
            elapsed: Duration::ZERO,
            moved: now,
            read: now,
        };
        watch.elapsed();
        watch
    }

    fn all(&self) -> Vec<Arc<AtomicU64>> {
        let clocks = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        clocks.iter().filter_map(Weak::upgrade).collect()
    }
}

/// Measures a duration by the clock of the slowest box; by the host's while no box is on.
#[derive(Debug)]
pub struct Stopwatch {
    clocks: Clocks,
    followed: Vec<Followed>,
    elapsed: Duration,
    moved: Instant,
    read: Instant,
}

impl Stopwatch {
    /// The time since the start, or the last [reset](Self::reset).
    pub fn elapsed(&mut self) -> Duration {
        let host = std::mem::replace(&mut self.read, Instant::now()).elapsed();
        let shown = self.clocks.all().iter().map(|clock| self.since_start(clock)).min();
        let elapsed = match shown {
            Some(shown) => shown,
            None => self.elapsed + host,
        };
        if elapsed > self.elapsed {
            (self.elapsed, self.moved) = (elapsed, self.read);
        } else if self.moved.elapsed() > HUNG {
            return Duration::MAX;
        }
        self.elapsed
    }

    /// Starts again.
    pub fn reset(&mut self) {
        *self = self.clocks.stopwatch();
    }

    /// Adds the boxes that were switched on since, with the time that the others show.
    fn since_start(&mut self, clock: &Arc<AtomicU64>) -> Duration {
        let now = i128::from(clock.load(Ordering::Relaxed));
        let known = self.followed.iter().find(|(it, _)| std::ptr::eq(it.as_ptr(), Arc::as_ptr(clock)));
        let start = known.map(|(_, start)| *start).unwrap_or_else(|| {
            let start = now - self.elapsed.as_micros() as i128;
            self.followed.push((Arc::downgrade(clock), start));
            start
        });
        Duration::from_micros(u64::try_from(now - start).unwrap_or(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn the_slowest_box_counts_and_one_that_is_off_does_not() {
        let clocks = Clocks::default();
        let (fast, slow) = (BoxClock::default(), BoxClock::default());
        clocks.add(&fast);
        clocks.add(&slow);
        let mut watch = clocks.stopwatch();
        assert_eq!(watch.elapsed(), seconds(0));
        fast.note(9_000_000);
        slow.note(2_000_000);
        assert_eq!(watch.elapsed(), seconds(2));
        drop(slow);
        assert_eq!(watch.elapsed(), seconds(9));
        watch.reset();
        assert_eq!(watch.elapsed(), seconds(0));
    }

    #[test]
    fn a_box_added_later_starts_with_the_elapsed_time() {
        let clocks = Clocks::default();
        let first = BoxClock::default();
        clocks.add(&first);
        let mut watch = clocks.stopwatch();
        first.note(5_000_000);
        assert_eq!(watch.elapsed(), seconds(5));
        let late = BoxClock::default();
        clocks.add(&late);
        first.note(7_000_000);
        late.note(1_000_000);
        assert_eq!(watch.elapsed(), seconds(5), "it was seen only now");
        late.note(2_000_000);
        assert_eq!(watch.elapsed(), seconds(6));
    }

    #[test]
    fn a_boxs_lead_is_counted_since_it_was_switched_on() {
        let clocks = Clocks::default();
        let (first, second) = (BoxClock::default(), BoxClock::default());
        first.note(5_000_000);
        assert_eq!(clocks.lead(&first), seconds(0), "it is alone");
        first.note(9_000_000);
        assert_eq!(clocks.lead(&first), seconds(0), "it is alone");
        second.note(30_000_000);
        assert_eq!([&second, &first].map(|it| clocks.lead(it)), [seconds(0); 2]);
        second.note(33_000_000);
        first.note(10_000_000);
        assert_eq!([&second, &first].map(|it| clocks.lead(it)), [seconds(2), seconds(0)]);
        first.note(13_000_000);
        assert_eq!([&second, &first].map(|it| clocks.lead(it)), [seconds(0), seconds(1)]);
        drop(second);
        assert_eq!(clocks.lead(&first), seconds(0));
    }

    #[test]
    fn the_clock_continues_when_the_timer_wraps() {
        let (clocks, clock) = (Clocks::default(), BoxClock::default());
        clocks.add(&clock);
        clock.note(u32::MAX - 999_999);
        let mut watch = clocks.stopwatch();
        clock.note(2_000_000);
        assert_eq!(watch.elapsed(), seconds(3));
    }

    #[test]
    fn the_processor_time_of_all_boxes_is_added_up() {
        let clocks = Clocks::default();
        clocks.add_processor_time(Duration::from_millis(1500));
        clocks.clone().add_processor_time(Duration::from_millis(20));
        assert_eq!(clocks.processor_time(), Duration::from_millis(1520));
    }

    #[test]
    fn without_boxes_the_hosts_clock_is_used() {
        let mut watch = Clocks::default().stopwatch();
        std::thread::sleep(Duration::from_millis(20));
        assert!(watch.elapsed() >= Duration::from_millis(20));
    }
}
