//! The limit on wrong passwords.

use std::collections::VecDeque;
use std::net::Ipv4Addr;
use std::time::Duration;

use crate::allowance::Allowance;

/// Wrong passwords at once, and the time for one more: 8640 a day at most.
const BURST: u32 = 10;
const EVERY: Duration = Duration::from_secs(10);
/// Pairs of address and account that are remembered; the longest unused one is dropped.
const REMEMBERED: usize = 256;

/// Wrong passwords by address and account: a flood from one address does not lock out another.
#[derive(Debug, Default)]
pub struct Guesses(VecDeque<(Ipv4Addr, Option<usize>, Allowance)>);

impl Guesses {
    /// Whether a password from this address for this account may be checked. `None` is an account that does not exist.
    pub fn may_try(&mut self, from: Ipv4Addr, account: Option<usize>, now: Duration) -> bool {
        let known = self.0.iter_mut().find(|(address, name, _)| (*address, *name) == (from, account));
        known.is_none_or(|(_, _, allowance)| allowance.any_left(now))
    }

    /// Counts a wrong one.
    pub fn wrong(&mut self, from: Ipv4Addr, account: Option<usize>, now: Duration) {
        let at = self.0.iter().position(|(address, name, _)| (*address, *name) == (from, account));
        let mut entry = at.and_then(|at| self.0.remove(at));
        if entry.is_none() && self.0.len() == REMEMBERED {
            self.0.pop_front();
        }
        let entry = entry.get_or_insert_with(|| (from, account, Allowance::full(BURST, EVERY)));
        entry.2.any_left(now);
        entry.2.spend();
        let (address, name, _) = *entry;
        let allowance = std::mem::replace(&mut entry.2, Allowance::full(0, EVERY));
        self.0.push_back((address, name, allowance));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn ten_wrong_passwords_lock_one_address_out_of_one_account() {
        let mut guesses = Guesses::default();
        let (thief, adapter) = (Ipv4Addr::new(192, 0, 2, 66), Ipv4Addr::new(192, 0, 2, 7));
        for _ in 0..10 {
            assert!(guesses.may_try(thief, Some(1), SECOND));
            guesses.wrong(thief, Some(1), SECOND);
        }
        assert!(!guesses.may_try(thief, Some(1), 10 * SECOND));
        assert!(guesses.may_try(adapter, Some(1), 10 * SECOND));
        assert!(guesses.may_try(thief, Some(2), 10 * SECOND));
        assert!(guesses.may_try(thief, Some(1), 12 * SECOND));
    }

    #[test]
    fn the_memory_is_bounded() {
        let mut guesses = Guesses::default();
        for address in 0..1000 {
            guesses.wrong(Ipv4Addr::from_bits(address), None, SECOND);
        }
        assert_eq!(guesses.0.len(), REMEMBERED);
    }
}
