//! Rot: blocks of a card that were right and are not any more, many at a time.
//!
//! `pattern` chooses them and is pure, `whole` is the card of an image with its second copies, `run` rots it again and
//! again and lets the box's own code heal it.

pub mod pattern;
pub mod run;
pub mod whole;
