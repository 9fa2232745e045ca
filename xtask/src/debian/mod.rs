//! The Debian archive as a source of packages: mirrors, indices, downloads.
//!
//! Pure: [`apt`], [`control`], [`version`], [`relation`], [`index`], [`release`], [`resolve`].
//! Edges: [`archive`] (signed indices), [`fetch`] and [`transfer`] (downloads), [`deb`] (files).

pub mod apt;
pub mod archive;
pub mod control;
pub mod deb;
pub mod fetch;
pub mod index;
pub mod listing;
pub mod mirror;
pub mod relation;
pub mod release;
pub mod resolve;
pub mod transfer;
pub mod version;
