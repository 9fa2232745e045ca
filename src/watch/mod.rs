//! Supervision: heartbeats, the hardware watchdog, the daily reboot.

pub mod daily;
pub mod hardware;
pub mod health;
pub mod heartbeat;
pub mod spawn;
