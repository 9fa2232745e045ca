//! Any bytes from a serial line: no panic, no endless line, and the same lines however the bytes are split.
#![no_main]

use dialbox::modem::at::response::{Final, LONGEST_LINE, Lines, extended_name};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let whole = Lines::default().feed(bytes);
    let mut reader = Lines::default();
    let pieces: Vec<_> = bytes.iter().flat_map(|byte| reader.feed(&[*byte])).collect();
    assert_eq!(whole, pieces);
    for line in whole.iter().flatten() {
        assert!(line.len() <= LONGEST_LINE);
        let _ = (Final::parse(line), extended_name(line));
    }
});
