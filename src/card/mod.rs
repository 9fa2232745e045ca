//! The card's verified roots, their twin, and the scrub that keeps both whole.

pub mod device;
pub mod fat;
pub mod heal;
pub mod pair;
pub mod replica;
