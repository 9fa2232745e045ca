//! A stub of libsystemd, from which pppd uses one function, to notify systemd that the link is up. Without systemd the
//! real one does nothing either (sd_notify(3): 0 if `$NOTIFY_SOCKET` is not set).
#![no_std]

use core::ffi::{c_char, c_int};

#[unsafe(no_mangle)]
extern "C" fn sd_notify(_: c_int, _: *const c_char) -> c_int {
    0
}
