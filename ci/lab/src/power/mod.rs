//! Power cuts by replay: the writes of a running box are recorded, and the card is rebuilt as a cut at any moment would
//! have left it.
//!
//! Pure: `log` and `trace` read QEMU's files, `cut` says what a card holds after a cut, `facts` what it must know.
//! `replay` is such a card, `memory` reads it without a boot, `boot` boots it; `story` records, `run` does it all.

pub mod boot;
pub mod cut;
pub mod facts;
pub mod log;
pub mod memory;
pub mod recording;
pub mod replay;
pub mod run;
pub mod story;
pub mod table;
pub mod trace;
pub mod wear;
