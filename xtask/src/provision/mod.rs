//! Many cards from one image: for each site the few blocks in which its card differs.
//!
//! ```text
//! sites.toml, templates --> Fleet --.
//! secrets.toml <--------> Secrets --+--> text of a site --> Base::with_site --> Changes --> NAME.img | NAME.blocks | card
//! image, bmap ------------> Base ---'                  '--> Sheet
//! ```

pub mod base;
pub mod changes;
pub mod fleet;
pub mod output;
pub mod secrets;
pub mod sheet;
pub mod site;
pub mod template;
pub mod wireguard;
