//! The services against a modem on a pseudo-terminal: the real programs, the real event loop.

// The helpers below belong to the tests; clippy's allow-unwrap-in-tests covers only `#[test]` functions.
#![allow(clippy::unwrap_used)]

mod dialer;
mod line;
mod parser;
mod password;
mod test_box;
