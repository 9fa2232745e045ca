//! The data budget of a month, and the traffic charged to it.
//!
//! The store holds a *claim*: the budget is charged for traffic in advance, at least [`LEASE`], and the exact count
//! replaces the claim when the link is closed in order. So a power cut loses no traffic that the claim covers, and
//! costs the unused part of the claim. At most every second reading of the counters needs a write.

use std::fmt;

use crate::clock::Month;
use crate::record::Record;
use crate::site::DataSize;

use super::{Connection, Interface, MonthTotal, pid};
use rustix::process::Pid;

/// The least claim in advance. A power cut costs at most this on a slow link, and twice the traffic between two
/// readings on a fast one.
pub const LEASE: u64 = 1_000_000;

/// The month, as far as known. The board has no battery: until the network has sent the time, the clock only shows a
/// time that has certainly passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Calendar {
    /// This month, or a later one.
    NotBefore(Month),
    /// This month.
    Known(Month),
}

impl Calendar {
    fn month(self) -> Month {
        let (Self::NotBefore(month) | Self::Known(month)) = self;
        month
    }
}

/// The data budget of a calendar month.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Budget {
    limit: Option<DataSize>,
    month: Option<Month>,
    /// Bytes of the month's closed links.
    closed: u64,
    open: Vec<Meter>,
}

/// One open link.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Meter {
    interface: Interface,
    pid: Pid,
    /// Its counter at the start of the month.
    base: u64,
    /// Its counter at the last reading.
    read: u64,
    /// Bytes since `base` that are charged in the record.
    claimed: u64,
}

impl Budget {
    /// The stored budget. Links that were open then are charged with their claim, unless they are still running.
    pub fn load(limit: Option<DataSize>, record: &Record, running: &[Connection]) -> Self {
        let mut budget = Self {
            limit,
            // A month of a wrong clock long ago would be charged for ever.
            month: record.get("month").and_then(Month::parse).filter(Month::is_plausible),
            closed: record.number("used").unwrap_or(0),
            open: Vec::new(),
        };
        for meter in record.iter().filter_map(|(key, value)| Meter::parse(key, value)) {
            if running.iter().any(|it| it.interface == meter.interface && it.pid == meter.pid) {
                budget.open.push(meter);
            } else {
                budget.closed = budget.closed.saturating_add(meter.claimed);
            }
        }
        budget
    }

    /// Charges traffic that only the second copy has: the state partition was lost, or the power failed between the two
    /// writes. It never reduces the charge. Returns whether the budget has changed.
    pub fn raise_to(&mut self, copied: MonthTotal) -> bool {
        if copied.month < self.month {
            return false;
        }
        let is_later = copied.month > self.month;
        if is_later {
            self.begin_at(0);
            self.month = copied.month;
        }
        let claimed = self.open.iter().fold(self.closed, |sum, meter| sum.saturating_add(meter.claimed));
        let missing = copied.bytes.saturating_sub(claimed);
        self.closed = self.closed.saturating_add(missing);
        is_later || missing > 0
    }

    /// The charge after a power cut, by a record of the budget: all links are closed then.
    pub fn after_a_cut(record: &Record) -> MonthTotal {
        let budget = Self::load(None, record, &[]);
        MonthTotal { month: budget.month, bytes: budget.closed }
    }

    /// The record to store: month, closed links, and the claims of the open ones.
    pub fn record(&self) -> Record {
        let record = Record::new().with_known("month", self.month).with("used", self.closed);
        self.open.iter().fold(record, |record, meter| {
            let Meter { interface, pid, base, claimed, .. } = meter;
            record.with(&format!("{OPEN}{interface}"), format_args!("{pid} {base} {claimed}"))
        })
    }

    /// Bytes used this month, as far as the counters were read.
    pub fn used(&self) -> u64 {
        self.open.iter().fold(self.closed, |sum, meter| sum.saturating_add(meter.spent()))
    }

    /// The same, as text.
    pub fn spent(&self) -> Spent {
        Spent { used: DataSize::from_bytes(self.used()), limit: self.limit, month: self.month }
    }

    /// The limit of a month; `None` if there is none.
    pub fn limit(&self) -> Option<DataSize> {
        self.limit
    }

    /// The charged month, once one is known.
    pub fn month(&self) -> Option<Month> {
        self.month
    }

    /// Whether nothing is left.
    pub fn is_exhausted(&self) -> bool {
        self.limit.is_some_and(|limit| self.used() >= limit.bytes())
    }

    /// Follows the calendar; returns whether the budget has changed.
    ///
    /// A later month than any before starts with nothing used. Nothing else reduces the charge: while the clock shows
    /// an earlier month, right or wrong, the latest one is still charged. So setting the clock forward and back does
    /// not reset a month.
    pub fn turn_to(&mut self, calendar: Calendar) -> bool {
        let month = calendar.month();
        if self.month.is_some_and(|charged| month <= charged) {
            return false;
        }
        if self.month.is_some() {
            self.begin_at(0);
        }
        self.month = Some(month);
        true
    }

    /// Sets the used traffic to the operator's count, and the month to that of a clock that is known to be right.
    pub fn set_used(&mut self, bytes: u64, calendar: Calendar) {
        if let Calendar::Known(month) = calendar {
            self.month = Some(month);
        }
        self.begin_at(bytes);
    }

    fn begin_at(&mut self, bytes: u64) {
        self.closed = bytes;
        for meter in &mut self.open {
            meter.base = meter.read;
            meter.claimed = LEASE;
        }
    }

    /// A link is up: its counter started at 0. Does nothing if it is open already.
    pub fn open(&mut self, interface: &Interface, pid: Pid) {
        if self.meter(pid).is_none() {
            self.open.push(Meter { interface: interface.clone(), pid, base: 0, read: 0, claimed: LEASE });
        }
    }

    /// A link's counter was read; returns whether the claim has grown and must be stored.
    pub fn count(&mut self, interface: &Interface, total: u64) -> bool {
        let Some(meter) = self.open.iter_mut().find(|meter| meter.interface == *interface) else {
            return false;
        };
        let step = total.saturating_sub(meter.read);
        meter.read = meter.read.max(total);
        // The claim must still cover the same amount again, or half a lease.
        let grows = meter.spent().saturating_add(step.max(LEASE / 2)) > meter.claimed;
        if grows {
            meter.claimed = meter.spent().saturating_add(step.saturating_mul(2).max(LEASE));
        }
        grows
    }

    /// A link is closed. Without its last counter the whole claim is charged. Returns whether it was open.
    pub fn close(&mut self, pid: Pid, total: Option<u64>) -> bool {
        let Some(at) = self.open.iter().position(|meter| meter.pid == pid) else {
            return false;
        };
        let mut meter = self.open.remove(at);
        let spent = match total {
            Some(total) => {
                meter.read = meter.read.max(total);
                meter.spent()
            }
            None => meter.claimed.max(meter.spent()),
        };
        self.closed = self.closed.saturating_add(spent);
        true
    }

    /// The interfaces whose counters are to be read.
    pub fn interfaces(&self) -> impl Iterator<Item = &Interface> {
        self.open.iter().map(|meter| &meter.interface)
    }

    /// The interface of an open link.
    pub fn interface(&self, pid: Pid) -> Option<&Interface> {
        self.meter(pid).map(|meter| &meter.interface)
    }

    /// Whether a link is open.
    pub fn is_open(&self, pid: Pid) -> bool {
        self.meter(pid).is_some()
    }

    fn meter(&self, pid: Pid) -> Option<&Meter> {
        self.open.iter().find(|meter| meter.pid == pid)
    }
}

#[cfg(test)]
impl Budget {
    /// The bytes of an open link since its interface exists.
    pub fn carried(&self, pid: Pid) -> u64 {
        self.meter(pid).map_or(0, |meter| meter.read)
    }
}

/// The traffic of a month, as text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spent {
    /// So far.
    pub used: DataSize,
    /// At most.
    pub limit: Option<DataSize>,
    /// The month, once one is known.
    pub month: Option<Month>,
}

impl fmt::Display for Spent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.used)?;
        self.limit.map_or(Ok(()), |limit| write!(f, " of {limit}"))?;
        f.write_str(" used")?;
        self.month.map_or(Ok(()), |month| write!(f, " in {month}"))
    }
}

/// The prefix of an open link's key.
const OPEN: &str = "open-";

impl Meter {
    fn parse(key: &str, value: &str) -> Option<Self> {
        let interface = Interface::new(key.strip_prefix(OPEN)?)?;
        let mut words = value.split(' ');
        let process = pid(words.next()?)?;
        let base = words.next()?.parse().ok()?;
        let claimed = words.next()?.parse().ok()?;
        Some(Self { interface, pid: process, base, read: base, claimed })
    }

    fn spent(&self) -> u64 {
        self.read.saturating_sub(self.base)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn budget(record: &Record) -> Budget {
        Budget::load(Some(DataSize::from_bytes(500)), record, &[])
    }

    fn month(text: &str) -> Month {
        Month::parse(text).unwrap()
    }

    /// The budget after a power cut at this moment.
    fn after_a_cut(before: &Budget) -> u64 {
        budget(&before.record()).used()
    }

    #[test]
    fn the_month_follows_the_calendar_and_the_charge_is_never_reduced() {
        use Calendar::{Known, NotBefore};
        for (remembered, calendar, charged, used) in [
            ("2026-07", NotBefore(month("2026-07")), "2026-07", 400),
            ("2026-07", NotBefore(month("2026-08")), "2026-08", 0),
            ("2026-07", Known(month("2026-08")), "2026-08", 0),
            ("2026-12", Known(month("2027-01")), "2027-01", 0),
            // A floor that was lost with the state partition, or an old card.
            ("2026-07", NotBefore(month("2026-01")), "2026-07", 400),
            // The network has sent a wrong time, earlier or now.
            ("2036-01", Known(month("2026-07")), "2036-01", 400),
            // It has sent one that no image accepts any more.
            ("2050-01", Known(month("2026-07")), "2026-07", 400),
        ] {
            let mut budget = budget(&Record::new().with("month", remembered).with("used", 400));
            budget.turn_to(calendar);
            assert_eq!(
                (budget.month(), budget.used()),
                (Some(month(charged)), used),
                "{remembered} {calendar:?}"
            );
        }
    }

    #[test]
    fn an_operator_s_count_is_for_the_month_of_a_clock_that_is_right() {
        use Calendar::{Known, NotBefore};
        for (calendar, charged) in
            [(Known(month("2026-07")), month("2026-07")), (NotBefore(month("2026-07")), month("2036-01"))]
        {
            let mut budget = budget(&Record::parse("month=2036-01\nused=400\n"));
            budget.set_used(30, calendar);
            assert_eq!((budget.month(), budget.used()), (Some(charged), 30), "{calendar:?}");
        }
    }

    #[test]
    fn a_budget_that_knows_no_month_keeps_what_was_used() {
        let mut budget = budget(&Record::parse("used=400\n"));
        assert!(budget.turn_to(Calendar::NotBefore(month("2026-07"))));
        assert_eq!(budget.used(), 400);
    }

    #[test]
    fn a_link_over_midnight_is_charged_to_both_months() {
        let (ppp0, process) = (Interface::new("ppp0").unwrap(), Pid::from_raw(7).unwrap());
        let mut budget = budget(&Record::new());
        budget.turn_to(Calendar::Known(month("2026-07")));
        budget.open(&ppp0, process);
        budget.count(&ppp0, 300);
        assert_eq!(budget.used(), 300);
        budget.turn_to(Calendar::Known(month("2026-08")));
        assert_eq!(budget.used(), 0);
        budget.close(process, Some(420));
        assert_eq!(budget.used(), 120);
    }

    #[test]
    fn without_a_limit_the_budget_is_never_used_up() {
        let budget = Budget::load(None, &Record::new().with("used", u64::MAX), &[]);
        assert!(!budget.is_exhausted());
    }

    #[test]
    fn a_slow_link_needs_no_write_until_its_lease_is_used() {
        let (ppp0, process) = (Interface::new("ppp0").unwrap(), Pid::from_raw(7).unwrap());
        let mut budget = budget(&Record::new());
        budget.open(&ppp0, process);
        let writes = (1..=1_000).filter(|turn| budget.count(&ppp0, turn * 3_000)).count();
        assert_eq!(writes, 5); // of 3 MB: at half a lease each
    }

    #[test]
    fn a_month_that_the_state_partition_has_lost_is_charged_from_the_second_copy() {
        for (stored, copied, changed, charged, used) in [
            // All of the state is lost.
            ("", (Some("2026-07"), 400), true, Some("2026-07"), 400),
            // An earlier state has come back.
            ("month=2026-06\nused=300\n", (Some("2026-07"), 40), true, Some("2026-07"), 40),
            ("month=2026-07\nused=300\n", (Some("2026-07"), 400), true, Some("2026-07"), 400),
            // Nothing is lost, or the power failed before the copy was written.
            ("month=2026-07\nused=400\n", (Some("2026-07"), 400), false, Some("2026-07"), 400),
            ("month=2026-07\nused=400\n", (Some("2026-07"), 300), false, Some("2026-07"), 400),
            ("month=2026-08\nused=40\n", (Some("2026-07"), 400), false, Some("2026-08"), 40),
            // No copy, or one without a month.
            ("month=2026-07\nused=400\n", (None, 900), false, Some("2026-07"), 400),
            ("used=300\n", (None, 400), true, None, 400),
            ("", (None, 0), false, None, 0),
        ] {
            let mut budget = budget(&Record::parse(stored));
            let (of, bytes) = copied;
            let copied = MonthTotal { month: of.map(month), bytes };
            assert_eq!(budget.raise_to(copied), changed, "{stored:?} {copied:?}");
            assert_eq!((budget.month(), budget.used()), (charged.map(month), used), "{stored:?} {copied:?}");
        }
    }

    #[test]
    fn a_link_that_has_stayed_up_is_not_charged_twice_by_the_second_copy() {
        let link = Connection {
            interface: Interface::new("ppp0").unwrap(),
            pid: Pid::from_raw(7).unwrap(),
            addresses: None,
        };
        let record = Record::parse("month=2026-07\nused=100\nopen-ppp0=7 0 1000000\n");
        let mut budget = Budget::load(None, &record, std::slice::from_ref(&link));
        assert!(!budget.raise_to(Budget::after_a_cut(&record)));
        budget.count(&link.interface, 400);
        assert_eq!(budget.used(), 500);
    }

    #[test]
    fn the_second_copy_is_read_as_it_was_written() {
        for total in [MonthTotal { month: Some(month("2026-07")), bytes: u64::MAX }, MonthTotal::default()] {
            assert_eq!(MonthTotal::from_copy(&total.add_to(Record::new())), total);
        }
        assert_eq!(MonthTotal::from_copy(&Record::parse("month=2070-01\nbytes=x\n")), MonthTotal::default());
    }

    proptest! {
        #[test]
        fn a_power_cut_loses_nothing_and_costs_the_claim(
            steps in proptest::collection::vec(prop_oneof![0..LEASE / 2, 0_u64..30_000_000], 1..40),
        ) {
            let (ppp0, process) = (Interface::new("ppp0").unwrap(), Pid::from_raw(7).unwrap());
            let mut budget = budget(&Record::new());
            budget.open(&ppp0, process);
            let (mut total, mut previous, mut fastest) = (0, 0, 0);
            let mut stored = after_a_cut(&budget);
            for step in steps {
                total += step;
                // Just before the next reading, unless the link has just become faster.
                if step <= previous.max(LEASE / 2) {
                    prop_assert!(stored >= total, "{stored} is stored, {total} were used");
                }
                if budget.count(&ppp0, total) {
                    stored = after_a_cut(&budget);
                }
                (previous, fastest) = (step, step.max(fastest));
                prop_assert!(stored >= total);
                prop_assert!(stored - total <= LEASE.max(2 * fastest));
            }
            budget.close(process, Some(total));
            prop_assert_eq!(budget.used(), total);
        }

        /// The clock is set forward and back, with reboots in between.
        #[test]
        fn no_order_of_months_reduces_the_charge_of_one_of_them(
            turns in proptest::collection::vec((0_i64..9, any::<bool>(), 0_u64..200, any::<bool>()), 1..40),
        ) {
            let mut budget = budget(&Record::new());
            let (mut latest, mut spent) = (None, 0);
            for (number, known, bytes, reboots) in turns {
                let month = month(&format!("2026-0{}", number + 1));
                budget.turn_to(if known { Calendar::Known(month) } else { Calendar::NotBefore(month) });
                if latest.is_some_and(|latest| month > latest) {
                    spent = 0;
                }
                latest = latest.max(Some(month));
                let (ppp0, process) = (Interface::new("ppp0").unwrap(), Pid::from_raw(7).unwrap());
                budget.open(&ppp0, process);
                budget.close(process, Some(bytes));
                spent += bytes;
                if reboots {
                    budget = Budget::load(budget.limit(), &budget.record(), &[]);
                }
                prop_assert_eq!((budget.month(), budget.used()), (latest, spent));
            }
        }

        #[test]
        fn what_was_remembered_is_read_back(used in any::<u64>(), claim in 0_u64..1 << 40) {
            let text = format!("month=2026-07\nused={used}\nopen-ppp0=7 5 {claim}\n");
            let record = Record::parse(&text);
            let ppp0 = Connection {
                interface: Interface::new("ppp0").unwrap(),
                pid: Pid::from_raw(7).unwrap(),
                addresses: None,
            };
            let running = Budget::load(None, &record, &[ppp0]);
            prop_assert_eq!(running.record(), record.clone());
            prop_assert_eq!(Budget::load(None, &record, &[]).used(), used.saturating_add(claim));
        }
    }
}
