//! A finished image as a value: its files, and what each of its bytes belongs to. `report` and `diff` are views of it.
//!
//! ```text
//! image, files.tsv --> Subject --> Card: files, regions --+--> report: sizes, treemap
//!                                                         '--> difference (of two): causes of every byte
//! ```

pub mod card;
pub mod change;
pub mod difference;
pub mod fat;
pub mod html;
pub mod provisioned;
pub mod region;
pub mod site_keys;
pub mod sizes;
pub mod squashfs;
pub mod subject;
pub mod treemap;
