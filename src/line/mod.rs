//! A telephone line that callers ring.

mod answering;
mod ring;

pub use answering::Answering;
