//! Which sectors were written by one command: from QEMU's trace of the card (hw/sd/trace-events).
//!
//! QEMU's card writes sector by sector, so the log of its writes does not show where a request of the guest ends. That
//! matters: the guest waits for the end of one before it sends what must come after it.

/// The trace events that are needed.
pub const EVENTS: [&str; 2] = ["sdcard_normal_command", "sdcard_write_block"];

/// The written sectors of each command that has written any, in order.
pub fn sectors_by_command(trace: &str) -> Vec<usize> {
    let mut requests = vec![0];
    for line in trace.lines() {
        if line.starts_with(EVENTS[1]) {
            if let Some(last) = requests.last_mut() {
                *last += 1;
            }
        } else if line.starts_with(EVENTS[0]) {
            requests.push(0);
        }
    }
    requests.retain(|sectors| *sectors > 0);
    requests
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_what_one_command_writes() {
        // QEMU 7.2
        let trace = "\
sdcard_normal_command SD  READ_MULTIPLE_BLOCK/ CMD18 arg 0x00000000 (state transfer)
sdcard_normal_command SD    STOP_TRANSMISSION/ CMD12 arg 0x00000000 (state sendingdata)
sdcard_normal_command SD WRITE_MULTIPLE_BLOCK/ CMD25 arg 0x00000000 (state transfer)
sdcard_write_block addr 0x0 size 0x200
sdcard_write_block addr 0x200 size 0x200
sdcard_normal_command SD    STOP_TRANSMISSION/ CMD12 arg 0x00000000 (state receivingdata)
sdcard_normal_command SD WRITE_MULTIPLE_BLOCK/ CMD25 arg 0x00000400 (state transfer)
sdcard_write_block addr 0x400 size 0x200
";
        assert_eq!(sectors_by_command(trace), [2, 1]);
        assert!(sectors_by_command("").is_empty());
    }
}
