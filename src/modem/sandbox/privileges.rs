//! Gives up the privileges of the process, for good.

use std::io;
use std::path::Path;

use rustix::process::{
    DumpableBehavior, Resource, Rlimit, Signal, chdir, chroot, geteuid, set_dumpable_behavior,
    set_parent_process_death_signal, setrlimit,
};
use rustix::thread::{Gid, Uid, set_thread_groups, set_thread_res_gid, set_thread_res_uid};

use crate::privileges::{drop_capabilities, empty_bounding_set};

/// The limit of the address space; the program needs some 2 MB on the board. A process under an attacker's control
/// cannot use up the memory of the box.
const MEMORY: u64 = 32 << 20;

/// From now on the kernel refuses the process everything that needs a file name, a new descriptor, another process or a
/// capability. `uid` becomes its user and group, and `root`, an empty directory, its root directory. It must have one
/// thread: the kernel keeps all these per thread.
///
/// A process that is not root (a test's) keeps its user and its root directory.
///
/// # Errors
/// The kernel refuses a step. The process must not go on.
pub(super) fn give_up(uid: u32, root: &Path) -> io::Result<()> {
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
    // A change of the user has cleared it (prctl(2), PR_SET_PDEATHSIG).
    set_parent_process_death_signal(Some(Signal::KILL))?;
    // Descriptors: neither a file nor a socket can be opened. Processes: nor a thread.
    for resource in [Resource::Nofile, Resource::Nproc, Resource::Fsize, Resource::Core, Resource::Msgqueue] {
        setrlimit(resource, at_most(0))?;
    }
    Ok(setrlimit(Resource::As, at_most(MEMORY))?)
}

fn at_most(value: u64) -> Rlimit {
    Rlimit { current: Some(value), maximum: Some(value) }
}
