//! The library behind the services of a dialbox.

pub mod boot;
pub mod build;
pub mod clock;
pub mod places;
pub mod record;
pub mod site;
pub mod state;
