//! Changes what the kernel unpacks at the start of a boot.

/// Puts a FIFO, which nothing ever writes to, in the place of a file. The kernel unpacks one archive after another, and
/// the last one wins (Documentation/driver-api/early-userspace/buffer-format.rst).
pub fn add_fifo(initramfs: &mut Vec<u8>, path: &str) {
    // Archives begin at multiples of 4 bytes.
    initramfs.resize(initramfs.len().next_multiple_of(4), 0);
    entry(initramfs, path, 0o010_600);
    entry(initramfs, "TRAILER!!!", 0);
}

/// An entry without content of the format "newc" (same page): a magic and 13 numbers of eight hexadecimal digits, then
/// the name with a zero byte, all of it a multiple of 4 bytes.
fn entry(archive: &mut Vec<u8>, name: &str, mode: u32) {
    let length = name.len() + 1;
    let number = |number: usize| format!("{number:08x}");
    let mut header = "070701".to_owned() + &number(0) + &number(mode as usize);
    // Owner, group, links, time, size, four device numbers; the length of the name, the check.
    header += &[0, 0, 1, 0, 0, 0, 0, 0, 0, length, 0].map(number).concat();
    archive.extend(header.bytes().chain(name.bytes()).chain([0]));
    archive.resize(archive.len().next_multiple_of(4), 0);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_archive_follows_at_a_multiple_of_four_bytes() {
        let mut initramfs = vec![0x1f; 6];
        add_fifo(&mut initramfs, "modules/order");
        let text = String::from_utf8_lossy(&initramfs);
        assert_eq!(&initramfs[6..8], [0, 0]);
        assert!(text[8..].starts_with("070701"), "{text}");
        // magic and 13 numbers
        let name = 8 + 6 + 13 * 8;
        assert_eq!(&text[name..name + 14], "modules/order\0");
        assert_eq!(initramfs.len() % 4, 0);
        assert!(text[name + 16..].starts_with("070701"), "{text}");
    }
}
