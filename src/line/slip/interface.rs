//! The interface of a line with SLIP: made by the kernel's line discipline, then named, addressed and brought up.
//!
//! By ioctls (netdevice(7)) and not by programs, whose starts take longer: the caller's first packet is lost if it comes
//! before the interface is up.

use std::io;
use std::net::Ipv4Addr;
use std::os::fd::OwnedFd;

use rustix::ioctl::{Getter, Opcode, Setter, ioctl};
use rustix::net::{AddressFamily, SocketType, socket};
use rustix::stdio::stdin;

use super::Start;

// linux/sockios.h, linux/if.h.
const SIOCSIFFLAGS: Opcode = 0x8914;
const SIOCSIFADDR: Opcode = 0x8916;
const SIOCSIFDSTADDR: Opcode = 0x8918;
const SIOCSIFMTU: Opcode = 0x8922;
const SIOCSIFNAME: Opcode = 0x8923;
/// `IFF_UP | IFF_POINTOPOINT | IFF_RUNNING | IFF_NOARP`; the kernel changes only the first and the last of them.
const FLAGS: u16 = 0x01 | 0x10 | 0x40 | 0x80;

/// With its final NUL.
const NAME: usize = 16;
/// `struct ifreq`: a name and, in a union of at most 24 bytes, what is set.
type Request = [u8; NAME + 24];

/// Makes an interface of the line on standard input, up and with its addresses.
///
/// # Errors
/// The kernel has no such line discipline, or refuses a setting.
pub(super) fn bring_up(start: &Start) -> io::Result<()> {
    let given = set_discipline(start.is_compressed)?;
    let socket = socket(AddressFamily::INET, SocketType::DGRAM, None)?;
    // The firewall knows a line by its interface, which can be renamed only while it is down.
    set::<SIOCSIFNAME>(&socket, &request(&given, start.interface.as_bytes())?)?;
    let name = start.interface.as_bytes();
    set::<SIOCSIFADDR>(&socket, &request(name, &address(start.local))?)?;
    set::<SIOCSIFDSTADDR>(&socket, &request(name, &address(start.remote))?)?;
    set::<SIOCSIFMTU>(&socket, &request(name, &i32::from(start.mtu).to_ne_bytes())?)?;
    set::<SIOCSIFFLAGS>(&socket, &request(name, &FLAGS.to_ne_bytes())?)
}

/// The name that the new interface has got.
fn set_discipline(is_compressed: bool) -> io::Result<Vec<u8>> {
    // asm-generic/ioctls.h, linux/tty.h, linux/sockios.h, slip.h (SL_MODE_CSLIP).
    const TIOCSETD: Opcode = 0x5423;
    const N_SLIP: i32 = 1;
    const SIOCSIFENCAP: Opcode = 0x8926;
    const SIOCGIFNAME: Opcode = 0x8910;
    let mode = i32::from(is_compressed);
    // SAFETY: TIOCSETD and SIOCSIFENCAP (slip.c, `slip_ioctl`) read one int, by its address.
    unsafe {
        ioctl(stdin(), Setter::<TIOCSETD, i32>::new(N_SLIP))?;
        ioctl(stdin(), Setter::<SIOCSIFENCAP, i32>::new(mode))?;
    }
    // SAFETY: SIOCGIFNAME of this line discipline writes a name with its NUL, IFNAMSIZ bytes at most (the same).
    let name: [u8; NAME] = unsafe { ioctl(stdin(), Getter::<SIOCGIFNAME, [u8; NAME]>::new()) }?;
    let end = name.iter().position(|byte| *byte == 0).unwrap_or(NAME);
    Ok(name[..end].to_vec())
}

fn set<const OPCODE: Opcode>(socket: &OwnedFd, request: &Request) -> io::Result<()> {
    // SAFETY: each of these reads a `struct ifreq`, which is no longer than this (netdevice(7)).
    Ok(unsafe { ioctl(socket, Setter::<OPCODE, Request>::new(*request)) }?)
}

/// What is set, and at which interface.
fn request(name: &[u8], value: &[u8]) -> io::Result<Request> {
    let mut request: Request = [0; NAME + 24];
    if name.len() >= NAME || value.len() >= NAME {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    request[..name.len()].copy_from_slice(name);
    request[NAME..NAME + value.len()].copy_from_slice(value);
    Ok(request)
}

/// `struct sockaddr_in` without a port.
fn address(address: Ipv4Addr) -> [u8; 8] {
    let [family, more] = AddressFamily::INET.as_raw().to_ne_bytes();
    let [a, b, c, d] = address.octets();
    [family, more, 0, 0, a, b, c, d]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_the_interface_and_what_it_gets() {
        let got = request(b"ppp0", &address(Ipv4Addr::new(192, 0, 2, 1))).unwrap();
        assert_eq!(&got[..6], b"ppp0\0\0");
        assert_eq!(&got[16..18], &2_u16.to_ne_bytes());
        assert_eq!(&got[18..24], &[0, 0, 192, 0, 2, 1]);
        assert!(got[24..].iter().all(|byte| *byte == 0));
    }

    #[test]
    fn a_name_that_the_kernel_would_cut_is_refused() {
        assert!(request(b"a123456789012345", &[]).is_err());
        request(b"a12345678901234", &[]).unwrap();
    }
}
