//! A stub of libdbus, which Debian's libpcap is linked with to capture packets from a D-Bus. pppd uses only libpcap's
//! compiler of filter expressions (`active-filter`, `pass-filter`). No bus can be reached through the stub, as through
//! the real library without a D-Bus daemon.
#![no_std]

use core::ffi::{c_char, c_int, c_long, c_void};
use core::ptr::null_mut;

type Connection = *mut c_void;
type Message = *mut c_void;
type Error = *mut c_void;

#[unsafe(no_mangle)]
extern "C" fn dbus_bus_get(_: c_int, _: Error) -> Connection {
    null_mut()
}

#[unsafe(no_mangle)]
extern "C" fn dbus_connection_open(_: *const c_char, _: Error) -> Connection {
    null_mut()
}

#[unsafe(no_mangle)]
extern "C" fn dbus_bus_register(_: Connection, _: Error) -> u32 {
    0
}

#[unsafe(no_mangle)]
extern "C" fn dbus_bus_add_match(_: Connection, _: *const c_char, _: Error) {}

#[unsafe(no_mangle)]
extern "C" fn dbus_connection_set_max_received_size(_: Connection, _: c_long) {}

#[unsafe(no_mangle)]
extern "C" fn dbus_connection_read_write(_: Connection, _: c_int) -> u32 {
    0
}

#[unsafe(no_mangle)]
extern "C" fn dbus_connection_pop_message(_: Connection) -> Message {
    null_mut()
}

#[unsafe(no_mangle)]
extern "C" fn dbus_connection_send(_: Connection, _: Message, _: *mut u32) -> u32 {
    0
}

#[unsafe(no_mangle)]
extern "C" fn dbus_connection_flush(_: Connection) {}

#[unsafe(no_mangle)]
extern "C" fn dbus_connection_unref(_: Connection) {}

#[unsafe(no_mangle)]
extern "C" fn dbus_message_marshal(_: Message, _: *mut *mut c_char, _: *mut c_int) -> u32 {
    0
}

#[unsafe(no_mangle)]
extern "C" fn dbus_message_demarshal(_: *const c_char, _: c_int, _: Error) -> Message {
    null_mut()
}

#[unsafe(no_mangle)]
extern "C" fn dbus_message_is_signal(_: Message, _: *const c_char, _: *const c_char) -> u32 {
    0
}

#[unsafe(no_mangle)]
extern "C" fn dbus_message_unref(_: Message) {}

#[unsafe(no_mangle)]
extern "C" fn dbus_error_is_set(_: Error) -> u32 {
    1
}

#[unsafe(no_mangle)]
extern "C" fn dbus_error_free(_: Error) {}

#[unsafe(no_mangle)]
extern "C" fn dbus_free(_: *mut c_void) {}
