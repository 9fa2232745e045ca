//! The library behind the services of a dialbox.

pub mod allowance;
pub mod apply;
pub mod boot;
pub mod build;
pub mod calendar;
pub mod chat;
pub mod clock;
pub mod control;
pub mod dialctl;
pub mod dialer;
pub mod line;
pub mod log;
pub mod modem;
pub mod names;
pub mod paths;
pub mod ppp;
pub mod published;
pub mod reboot;
pub mod record;
pub mod service;
pub mod site;
pub mod sms;
pub mod state;
pub mod status;
pub mod watch;
