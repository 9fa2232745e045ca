//! The second copy of the dialer's state on a card that has not been in a box yet, which the builder writes: no code was
//! accepted and no byte used, as opposed to a copy that is lost.

use super::slots::{self, BLOCK, OFFSETS, TooLong};
use crate::record::Record;

/// Which codes were accepted, where that is no code's record.
pub(crate) const CODES: &str = "codes";
/// None.
pub(crate) const NEW: &str = "new";
/// The bytes of the month.
pub(crate) const BYTES: &str = "bytes";

/// The record.
pub(crate) fn record() -> Record {
    Record::new().with(CODES, NEW).with(BYTES, 0)
}

/// Its blocks, with their offsets on the card.
///
/// # Errors
/// They do not fit.
pub fn blocks() -> Result<[(u64, [u8; BLOCK]); 2], TooLong> {
    let [first, second] = slots::blocks(&record())?;
    Ok([(OFFSETS[0], first), (OFFSETS[1], second)])
}
