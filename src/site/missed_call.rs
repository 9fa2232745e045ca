//! Opening the link by a call that nobody answers.

use super::{PhoneNumber, TimeSpan};

/// Whose calls open the link. There is no proof: a caller's number can be forged.
#[derive(Clone, Debug, PartialEq)]
pub struct MissedCall {
    /// The callers, at least one.
    pub numbers: Vec<PhoneNumber>,
    /// How long the link stays up at most.
    pub length: TimeSpan,
}
