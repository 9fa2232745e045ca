//! What uses a disk: `/proc/self/mountinfo` and `/proc/swaps`.

/// A device that is mounted, by the kernel's numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mount {
    /// `MAJOR:MINOR`.
    pub device: String,
    /// The mount point.
    pub at: String,
}

/// The mounts of `/proc/self/mountinfo` (proc(5)).
pub fn mounts(mountinfo: &str) -> Vec<Mount> {
    let line = |line: &str| {
        let mut fields = line.split(' ').skip(2);
        let device = fields.next()?.to_owned();
        Some(Mount { device, at: unescape(fields.nth(1)?) })
    };
    mountinfo.lines().filter_map(line).collect()
}

/// The devices of `/proc/swaps`, as paths.
pub fn swaps(swaps: &str) -> Vec<String> {
    swaps.lines().skip(1).filter_map(|line| line.split_whitespace().next()).map(unescape).collect()
}

/// Blank, tab, newline and backslash are written as three octal digits (fs/proc_namespace.c, `mangle`).
fn unescape(field: &str) -> String {
    let mut text = field.to_owned();
    for (escaped, plain) in [("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")] {
        text = text.replace(escaped, plain);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mount_has_the_numbers_of_its_device_and_its_place() {
        let mountinfo = "22 1 179:2 / / rw,relatime shared:1 - ext4 /dev/mmcblk0p2 rw\n\
                         40 22 8:17 / /media/u/MY\\040CARD rw,nosuid shared:9 - vfat /dev/sdb1 rw\n";
        let mount = |device: &str, at: &str| Mount { device: device.to_owned(), at: at.to_owned() };
        assert_eq!(mounts(mountinfo), [mount("179:2", "/"), mount("8:17", "/media/u/MY CARD")]);
        let table = "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n/dev/sda2   partition\t8000\t0\t-2\n";
        assert_eq!(swaps(table), ["/dev/sda2"]);
    }
}
