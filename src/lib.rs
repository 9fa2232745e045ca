//! The library of dialbox's services.
//!
//! Without the feature `services` it is what the builder shares with the box: the site, the card, and their records.

pub mod allowance;
pub mod calendar;
pub mod card;
pub mod chat;
pub mod clock;
pub mod equipment_error;
pub mod names;
pub mod record;
pub mod site;
pub mod sms;
pub mod state;

#[cfg(feature = "services")]
pub mod apply;
#[cfg(feature = "services")]
pub mod boot;
#[cfg(feature = "services")]
pub mod build;
#[cfg(feature = "services")]
pub mod control;
#[cfg(feature = "services")]
pub mod dialctl;
#[cfg(feature = "services")]
pub mod dialer;
#[cfg(feature = "services")]
pub mod exchange;
#[cfg(feature = "services")]
pub mod gpio;
#[cfg(feature = "services")]
pub mod line;
#[cfg(feature = "services")]
pub mod log;
#[cfg(feature = "services")]
pub mod modem;
#[cfg(feature = "services")]
pub mod paths;
#[cfg(feature = "services")]
pub mod ppp;
#[cfg(feature = "services")]
pub mod privileges;
#[cfg(feature = "services")]
pub mod published;
#[cfg(feature = "services")]
pub mod reboot;
#[cfg(feature = "services")]
pub mod serial_forward;
#[cfg(feature = "services")]
pub mod service;
#[cfg(feature = "services")]
pub mod status;
#[cfg(feature = "services")]
pub mod watch;
