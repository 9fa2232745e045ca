//! Sockets that use one network interface only, whatever the routes say.

use std::io;
use std::os::fd::{AsFd, AsRawFd};

/// Binds a socket to an interface.
///
/// # Errors
/// There is no such interface.
pub fn bind_to_device(socket: impl AsFd, interface: &str) -> io::Result<()> {
    let length = libc::socklen_t::try_from(interface.len()).map_err(io::Error::other)?;
    // SAFETY: the kernel reads `length` bytes of the name, which outlive the call (socket(7), SO_BINDTODEVICE).
    let result = unsafe {
        libc::setsockopt(
            socket.as_fd().as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_BINDTODEVICE,
            interface.as_ptr().cast(),
            length,
        )
    };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
