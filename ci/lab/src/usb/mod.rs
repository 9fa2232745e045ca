//! Virtual USB devices: QEMU's guest finds them on its bus, and its Linux drivers bind to them.
//!
//! QEMU takes a device from elsewhere by `-device usb-redir`, in the usbredir protocol ([`packet`], [`wire`]). The
//! devices are state machines ([`device::Device`]); [`plug::Plug`] is the bus between one of them and QEMU, and
//! [`port::UsbPort`] the socket.

pub mod ch341;
pub mod device;
mod disc;
mod fifo;
pub mod hso;
pub mod line;
pub mod packet;
pub mod plug;
pub mod port;
pub mod stick;
mod wire;
