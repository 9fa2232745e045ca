//! Watching over the box: heartbeats, the hardware watchdog, the daily reboot.

pub mod heartbeat;
