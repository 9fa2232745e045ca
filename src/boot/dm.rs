//! The kernel's device-mapper, by its ioctls (linux/dm-ioctl.h; Documentation/admin-guide/device-mapper).

use std::ffi::c_void;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use rustix::ioctl::{Ioctl, IoctlOutput, Opcode, ioctl, opcode};

/// The kernel makes the node when `dm-mod` is loaded.
const CONTROL: &str = "/dev/mapper/control";
const SECTOR: u64 = 512;

/// A range of a mapped device, in bytes, and what is behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// Its first byte: where the one before it ends.
    pub start: u64,
    /// Its length.
    pub length: u64,
    /// The kind, and its arguments.
    pub mapping: Mapping,
}

/// What a range of a mapped device is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mapping {
    /// Another device from this byte on.
    Linear(PathBuf, u64),
    /// A device that is verified, by the arguments of the target `verity`.
    Verity(String),
}

/// Makes a read-only device; returns its node. `name` is its name in the kernel, which no other one may have.
///
/// # Errors
/// The kernel refuses it, for a reason that it logs; then there is no such device.
pub fn create(name: &str, targets: &[Target]) -> io::Result<PathBuf> {
    let control = File::open(CONTROL)?;
    send(&control, CREATE, &mut request(name, 0, &[]))?;
    let started = (|| {
        send(&control, LOAD, &mut request(name, READ_ONLY, targets))?;
        // Without DM_SUSPEND_FLAG this resumes: the table that was loaded is in force.
        let mut resume = request(name, 0, &[]);
        send(&control, SUSPEND, &mut resume)?;
        Ok(node(&resume))
    })();
    started.inspect_err(|_| {
        // If it stays, its name is in use until the next boot.
        let _ = send(&control, REMOVE, &mut request(name, 0, &[]));
    })
}

/// Removes a device that nothing uses.
///
/// # Errors
/// Something does, or there is none.
pub fn remove(name: &str) -> io::Result<()> {
    send(&File::open(CONTROL)?, REMOVE, &mut request(name, 0, &[]))
}

/// Bytes of `struct dm_ioctl`, which precede everything else.
const HEADER: usize = 312;
const DATA_SIZE: usize = 12;
const DATA_START: usize = 16;
const TARGET_COUNT: usize = 20;
const FLAGS: usize = 28;
const DEVICE: usize = 40;
const NAME: usize = 48;
/// Bytes of `struct dm_target_spec`, which precedes the arguments of each target.
const SPECIFICATION: usize = 40;
/// `DM_READONLY_FLAG`
const READ_ONLY: u32 = 1;

const CREATE: Opcode = opcode::read_write::<[u8; HEADER]>(0xfd, 3);
const REMOVE: Opcode = opcode::read_write::<[u8; HEADER]>(0xfd, 4);
const SUSPEND: Opcode = opcode::read_write::<[u8; HEADER]>(0xfd, 6);
const LOAD: Opcode = opcode::read_write::<[u8; HEADER]>(0xfd, 9);

/// What the kernel reads: the header, and each target with its arguments, to a multiple of eight bytes.
fn request(name: &str, flags: u32, targets: &[Target]) -> Vec<u8> {
    let mut bytes = vec![0; HEADER];
    let mut put = |at: usize, value: u32| bytes[at..at + 4].copy_from_slice(&value.to_ne_bytes());
    // The version of the interface: any of 4.x works (drivers/md/dm-ioctl.c, `check_version`).
    put(0, 4);
    put(DATA_START, HEADER as u32);
    put(TARGET_COUNT, targets.len() as u32);
    put(FLAGS, flags);
    // The field has 128 bytes, and our names have a few.
    bytes[NAME..NAME + name.len()].copy_from_slice(name.as_bytes());
    for target in targets {
        bytes.extend_from_slice(&specification(target));
    }
    let size = bytes.len() as u32;
    bytes[DATA_SIZE..DATA_SIZE + 4].copy_from_slice(&size.to_ne_bytes());
    bytes
}

fn specification(target: &Target) -> Vec<u8> {
    let (kind, arguments) = match &target.mapping {
        Mapping::Linear(device, start) => ("linear", format!("{} {}", device.display(), start / SECTOR)),
        Mapping::Verity(arguments) => ("verity", arguments.clone()),
    };
    let length = (SPECIFICATION + arguments.len() + 1).next_multiple_of(8);
    let mut bytes = Vec::with_capacity(length);
    bytes.extend_from_slice(&(target.start / SECTOR).to_ne_bytes());
    bytes.extend_from_slice(&(target.length / SECTOR).to_ne_bytes());
    bytes.extend_from_slice(&0u32.to_ne_bytes());
    bytes.extend_from_slice(&(length as u32).to_ne_bytes());
    bytes.extend_from_slice(kind.as_bytes());
    bytes.resize(SPECIFICATION, 0);
    bytes.extend_from_slice(arguments.as_bytes());
    // At least one zero ends the arguments.
    bytes.resize(length, 0);
    bytes
}

/// The node of the device that the kernel's answer is about.
fn node(answer: &[u8]) -> PathBuf {
    let mut device = [0; 8];
    device.copy_from_slice(&answer[DEVICE..DEVICE + 8]);
    // include/linux/kdev_t.h, `new_encode_dev`
    let device = u64::from_ne_bytes(device);
    let minor = device & 0xff | device >> 12 & 0xf_ff00;
    Path::new("/dev").join(format!("dm-{minor}"))
}

struct Request<'a> {
    opcode: Opcode,
    bytes: &'a mut [u8],
}

// SAFETY: the kernel reads `data_size` bytes, which `request` sets to the length of `bytes`, and writes no more
// (drivers/md/dm-ioctl.c, `copy_params` and `ctl_ioctl`).
unsafe impl Ioctl for Request<'_> {
    type Output = ();

    const IS_MUTATING: bool = true;

    fn opcode(&self) -> Opcode {
        self.opcode
    }

    fn as_ptr(&mut self) -> *mut c_void {
        self.bytes.as_mut_ptr().cast()
    }

    unsafe fn output_from_ptr(_: IoctlOutput, _: *mut c_void) -> rustix::io::Result<()> {
        Ok(())
    }
}

fn send(control: &File, opcode: Opcode, bytes: &mut [u8]) -> io::Result<()> {
    // SAFETY: the node is device-mapper's, to which these opcodes belong.
    Ok(unsafe { ioctl(control, Request { opcode, bytes }) }?)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `_IOWR(0xfd, 3, struct dm_ioctl)` as a C compiler says it, on x86-64 and on ARM.
    #[test]
    fn the_opcodes_are_those_of_the_kernels_header() {
        assert_eq!([CREATE, REMOVE, SUSPEND, LOAD], [0xc138_fd03, 0xc138_fd04, 0xc138_fd06, 0xc138_fd09]);
    }

    #[test]
    fn a_table_is_laid_out_as_the_kernel_reads_it() {
        let targets = [
            Target { start: 0, length: 4096, mapping: Mapping::Linear("/dev/a".into(), 0) },
            Target { start: 4096, length: 8192, mapping: Mapping::Linear("/dev/b2".into(), 4096) },
        ];
        let bytes = request("root", READ_ONLY, &targets);
        let word = |at: usize| u32::from_ne_bytes(bytes[at..at + 4].try_into().unwrap());
        let long = |at: usize| u64::from_ne_bytes(bytes[at..at + 8].try_into().unwrap());
        assert_eq!((word(0), word(4), word(8)), (4, 0, 0));
        assert_eq!(word(DATA_SIZE) as usize, bytes.len());
        assert_eq!((word(DATA_START), word(TARGET_COUNT), word(FLAGS)), (312, 2, 1));
        assert_eq!(bytes[NAME..NAME + 5], *b"root\0");
        let (first, second) = (HEADER, HEADER + word(HEADER + 20) as usize);
        assert_eq!((long(first), long(first + 8), word(first + 16)), (0, 8, 0));
        assert_eq!((long(second), long(second + 8)), (8, 16));
        assert_eq!(bytes[second + 24..second + 31], *b"linear\0");
        assert_eq!(bytes[second + 40..second + 50], *b"/dev/b2 8\0");
        assert_eq!(second + word(second + 20) as usize, bytes.len());
    }

    #[test]
    fn a_device_has_the_node_of_its_minor_number() {
        for (device, node_name) in
            [(0xfd00u64, "/dev/dm-0"), (0xfd03, "/dev/dm-3"), (0x10_fd03, "/dev/dm-259")]
        {
            let mut answer = vec![0; HEADER];
            answer[DEVICE..DEVICE + 8].copy_from_slice(&device.to_ne_bytes());
            assert_eq!(node(&answer), Path::new(node_name));
        }
    }
}
