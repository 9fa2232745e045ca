//! Capabilities (capabilities(7)), given up for good.
//!
//! The kernel keeps them by thread: a process does this while it has only one.

use std::io;

use rustix::io::Errno;
use rustix::process::geteuid;
use rustix::thread::{
    CapabilitySet, CapabilitySets, clear_ambient_capability_set, remove_capability_from_bounding_set,
    set_capabilities, set_no_new_privs,
};

/// No program that this process executes or starts has a capability; this process keeps its own. Only root may do this.
///
/// # Errors
/// It is not root.
pub fn empty_bounding_set() -> io::Result<()> {
    for capability in CapabilitySet::all() {
        match remove_capability_from_bounding_set(capability) {
            // INVAL: a capability that this kernel does not have.
            Ok(()) | Err(Errno::INVAL) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// This process has no capability, and gains none by executing a program.
///
/// # Errors
/// The kernel refuses, which it never does.
pub fn drop_capabilities() -> io::Result<()> {
    clear_ambient_capability_set()?;
    let none = CapabilitySet::empty();
    set_capabilities(None, CapabilitySets { effective: none, permitted: none, inheritable: none })?;
    Ok(set_no_new_privs(true)?)
}

/// Both of the above. A process of root then keeps the rights of the owner of root's files and processes.
///
/// # Errors
/// The kernel refuses.
pub fn drop_all() -> io::Result<()> {
    if geteuid().is_root() {
        empty_bounding_set()?;
    }
    drop_capabilities()
}
