//! Power cuts by replay: the writes of a running box are recorded, and the card is rebuilt as a cut at any moment would
//! have left it.
//!
//! Pure: `cut` says what a card holds after a cut, `facts` what it must know, `table` shows the results. `replay` is such
//! a card, `memory` reads it without a boot, `boot` boots it, and `verdicts` keeps what that has shown; `story` and
//! `recording` record, `run` does it all. `wear` counts what is written.

pub mod boot;
pub mod cut;
pub mod facts;
pub mod memory;
pub mod recording;
pub mod replay;
pub mod run;
pub mod story;
pub mod table;
pub mod verdicts;
pub mod wear;
