//! The Debian archive as a source of packages: mirrors, indices, downloads.
//!
//! Pure: [`apt`], [`control`], [`relation`], [`index`], [`proxy`], [`release`], [`resolve`], [`source`].
//! Edges: [`archive`] (signed indices), [`substitute`], [`fetch`], [`transfer`], [`request`] and [`sink`] (downloads), [`deb`] and
//! [`contents`] (files).

pub(crate) mod apt;
pub(crate) mod archive;
pub mod contents;
pub mod control;
pub mod deb;
pub(crate) mod fetch;
pub mod index;
pub(crate) mod listing;
pub(crate) mod mirror;
pub(crate) mod proxy;
pub mod relation;
pub mod release;
pub(crate) mod request;
pub(crate) mod resolve;
pub(crate) mod sink;
pub(crate) mod source;
pub(crate) mod substitute;
pub(crate) mod transfer;
pub(crate) mod whole_address;
