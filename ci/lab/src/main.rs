//! A telephone network, and the boxes on it, for the end-to-end tests.

mod card;
mod error;
mod modem;

fn main() {}
