//! Privileges, given up for good: capabilities (capabilities(7)), and all that a process can reach.
//!
//! The kernel keeps them by thread: a process does this while it has only one.

mod syscalls;

use std::io;
use std::path::Path;

use rustix::io::Errno;
use rustix::process::{
    DumpableBehavior, Resource, Rlimit, chdir, chroot, geteuid, set_dumpable_behavior, setrlimit,
};
use rustix::thread::{
    CapabilitySet, CapabilitySets, Gid, Uid, clear_ambient_capability_set,
    remove_capability_from_bounding_set, set_capabilities, set_no_new_privs, set_thread_groups,
    set_thread_res_gid, set_thread_res_uid,
};

pub use syscalls::restrict_to;

#[cfg(test)]
pub(crate) use syscalls::OPENING;

/// The limit of the address space of a confined process; the program needs some 2 MB on the board. One under an
/// attacker's control cannot use up the memory of the box.
const MEMORY: u64 = 32 << 20;

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

/// What a confined process keeps.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Kept {
    /// Descriptors below this number. poll(2) needs as many as it is given.
    pub descriptors: u64,
    /// Bytes of an open file that it may write.
    pub file_size: u64,
}

/// From now on the kernel refuses the process everything that needs a file name, a new descriptor, another process or a
/// capability, but for what is `kept`. `uid` becomes its user and group, and `root`, an empty directory, its
/// root directory. It must have one thread: the kernel keeps all these per thread.
///
/// A process that is not root (a test's) keeps its user and its root directory.
///
/// # Errors
/// The kernel refuses a step. The process must not go on.
pub fn confine(uid: u32, root: &Path, kept: Kept) -> io::Result<()> {
    if geteuid().is_root() {
        chroot(root)?;
        chdir("/")?;
        empty_bounding_set()?;
        let (uid, gid) = (Uid::from_raw(uid), Gid::from_raw(uid));
        set_thread_groups(&[])?;
        set_thread_res_gid(gid, gid, gid)?;
        // Takes the permitted and effective capabilities, too (capabilities(7), effect of user ID changes).
        set_thread_res_uid(uid, uid, uid)?;
    }
    drop_capabilities()?;
    set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    // Processes: nor a thread.
    for resource in [Resource::Nproc, Resource::Core, Resource::Msgqueue] {
        setrlimit(resource, at_most(0))?;
    }
    setrlimit(Resource::Nofile, at_most(kept.descriptors))?;
    setrlimit(Resource::Fsize, at_most(kept.file_size))?;
    Ok(setrlimit(Resource::As, at_most(MEMORY))?)
}

fn at_most(value: u64) -> Rlimit {
    Rlimit { current: Some(value), maximum: Some(value) }
}
