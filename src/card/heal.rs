//! What becomes of a block that is on the card twice.

/// One of the two places of a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Root A, or a file of the boot partition.
    A,
    /// Root B, or the boot copy behind it.
    B,
}

/// What to do about a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remedy {
    /// Both places hold what they should.
    Nothing,
    /// This place is rewritten from the other one.
    Rewrite(Side),
    /// Neither place holds it: nothing can be done.
    Lost,
}

/// Decides by whether each place could be read and holds what the hash says.
pub const fn decide(a_is_good: bool, b_is_good: bool) -> Remedy {
    match (a_is_good, b_is_good) {
        (true, true) => Remedy::Nothing,
        (false, true) => Remedy::Rewrite(Side::A),
        (true, false) => Remedy::Rewrite(Side::B),
        (false, false) => Remedy::Lost,
    }
}

/// What a pass over some blocks has found and done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Blocks that were looked at.
    pub checked: u64,
    /// Blocks of the first place that were rewritten and read back.
    pub healed_a: u64,
    /// Likewise of the second.
    pub healed_b: u64,
    /// Blocks of which neither place holds what it should.
    pub lost: u64,
    /// Blocks that could not be rewritten, or did not read back right.
    pub stuck_a: u64,
    /// Likewise of the second place.
    pub stuck_b: u64,
}

impl Tally {
    /// Counts a block that was rewritten, or should have been.
    pub fn rewritten(&mut self, side: Side, reads_back: bool) {
        let count = match (side, reads_back) {
            (Side::A, true) => &mut self.healed_a,
            (Side::B, true) => &mut self.healed_b,
            (Side::A, false) => &mut self.stuck_a,
            (Side::B, false) => &mut self.stuck_b,
        };
        *count += 1;
    }

    /// Adds what another pass has found.
    pub fn add(&mut self, other: Self) {
        self.checked += other.checked;
        self.healed_a += other.healed_a;
        self.healed_b += other.healed_b;
        self.lost += other.lost;
        self.stuck_a += other.stuck_a;
        self.stuck_b += other.stuck_b;
    }

    /// Places that cannot be healed; a lost block is one.
    pub const fn bad(&self) -> u64 {
        self.lost + self.stuck_a + self.stuck_b
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_is_rewritten_only_from_a_place_that_is_good() {
        let table = [
            ((true, true), Remedy::Nothing),
            ((false, true), Remedy::Rewrite(Side::A)),
            ((true, false), Remedy::Rewrite(Side::B)),
            ((false, false), Remedy::Lost),
        ];
        for ((a, b), remedy) in table {
            assert_eq!(decide(a, b), remedy, "A {a}, B {b}");
        }
    }
}
