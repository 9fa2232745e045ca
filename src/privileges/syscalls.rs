//! The system calls that a confined process may make: those of its runtime, and its own few.
//!
//! The filter is written out here. The `seccompiler` crate installs it, but compiles none for a 32-bit ARM, and libseccomp,
//! which does, is a C library.

use std::io;

use seccompiler::{apply_filter, sock_filter};

/// `AUDIT_ARCH_*` (linux/audit.h): the number of the ELF machine, with bits for its width and byte order. `None` where only
/// tests run, and no filter is known.
const ARCHITECTURE: Option<u32> = if cfg!(target_arch = "arm") {
    Some(0x4000_0028)
} else if cfg!(target_arch = "aarch64") {
    Some(0xc000_00b7)
} else if cfg!(target_arch = "x86_64") {
    Some(0xc000_003e)
} else {
    None
};

/// What every program of ours needs, whatever it does.
const RUNTIME: &[libc::c_long] = &[
    // The allocator.
    libc::SYS_brk,
    #[cfg(target_arch = "arm")]
    libc::SYS_mmap2,
    #[cfg(not(target_arch = "arm"))]
    libc::SYS_mmap,
    libc::SYS_munmap,
    libc::SYS_mremap,
    libc::SYS_mprotect,
    libc::SYS_madvise,
    // Locks of the standard library; exit and panic.
    libc::SYS_futex,
    libc::SYS_write,
    libc::SYS_writev,
    libc::SYS_sigaltstack,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_getpid,
    libc::SYS_gettid,
    libc::SYS_tkill,
    libc::SYS_tgkill,
    libc::SYS_exit,
    libc::SYS_exit_group,
];

/// From now on any call that is neither the runtime's nor one of these ends the process, by SIGSYS. `no_new_privs` must be
/// set.
///
/// # Errors
/// The kernel has no seccomp filters.
pub fn restrict_to(own: &[libc::c_long]) -> io::Result<()> {
    match ARCHITECTURE {
        Some(architecture) => {
            apply_filter(&program(architecture, &[RUNTIME, own].concat())).map_err(io::Error::other)
        }
        None => Ok(()),
    }
}

// linux/bpf_common.h
const LOAD_WORD: u16 = 0x20;
const JUMP_IF_EQUAL: u16 = 0x15;
const RETURN: u16 = 0x06;
/// Offsets in `struct seccomp_data` (linux/seccomp.h).
const NUMBER_AT: u32 = 0;
const ARCHITECTURE_AT: u32 = 4;

/// The filter (seccomp(2), SECCOMP_SET_MODE_FILTER): another architecture's numbers mean other calls, so that is compared
/// first.
fn program(architecture: u32, allowed: &[libc::c_long]) -> Vec<sock_filter> {
    let statement = |code, k| sock_filter { code, jt: 0, jf: 0, k };
    let kill = statement(RETURN, libc::SECCOMP_RET_KILL_PROCESS);
    let mut program = vec![
        statement(LOAD_WORD, ARCHITECTURE_AT),
        sock_filter { code: JUMP_IF_EQUAL, jt: 1, jf: 0, k: architecture },
        kill.clone(),
        statement(LOAD_WORD, NUMBER_AT),
    ];
    // A jump counts from the next instruction; `kill` and `allow` follow the list. With some forty calls every offset
    // fits into a byte.
    program.extend(allowed.iter().enumerate().map(|(at, call)| sock_filter {
        code: JUMP_IF_EQUAL,
        jt: (allowed.len() - at) as u8,
        jf: 0,
        k: *call as u32,
    }));
    program.extend([kill, statement(RETURN, libc::SECCOMP_RET_ALLOW)]);
    program
}

/// Calls that give a process more than it has.
#[cfg(test)]
pub(crate) const OPENING: [libc::c_long; 12] = [
    libc::SYS_openat,
    libc::SYS_socket,
    libc::SYS_connect,
    libc::SYS_clone,
    libc::SYS_execve,
    libc::SYS_execveat,
    libc::SYS_ptrace,
    libc::SYS_kill,
    libc::SYS_ioctl,
    libc::SYS_recvmsg, // may bring a descriptor
    libc::SYS_prctl,
    libc::SYS_sendmsg, // may take one away
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};

    /// The kernel's interpreter of the filter, for these few instructions (linux/filter.h).
    fn outcome(program: &[sock_filter], architecture: u32, number: u32) -> u32 {
        let (mut at, mut loaded) = (0, 0);
        loop {
            let sock_filter { code, jt, jf, k } = program[at];
            at += 1;
            match code {
                LOAD_WORD if k == NUMBER_AT => loaded = number,
                LOAD_WORD => loaded = architecture,
                JUMP_IF_EQUAL => at += usize::from(if loaded == k { jt } else { jf }),
                _ => return k,
            }
        }
    }

    #[test]
    fn the_calls_of_the_list_are_allowed_and_all_others_end_the_process() {
        let allowed = [RUNTIME, &[libc::SYS_read]].concat();
        let program = program(7, &allowed);
        for number in 0..1000 {
            let is_allowed = allowed.contains(&libc::c_long::from(number));
            let expected = if is_allowed { libc::SECCOMP_RET_ALLOW } else { libc::SECCOMP_RET_KILL_PROCESS };
            assert_eq!(outcome(&program, 7, number as u32), expected, "{number}");
            assert_eq!(outcome(&program, 8, number as u32), libc::SECCOMP_RET_KILL_PROCESS);
        }
    }

    #[test]
    fn nothing_of_the_runtime_opens_starts_or_reaches_anything() {
        assert!(OPENING.iter().all(|call| !RUNTIME.contains(call)));
    }

    /// This test's own program, started again, tries a call that was not allowed to it.
    #[test]
    fn a_process_that_makes_another_call_is_ended_by_the_kernel() {
        const TRIES: &str = "DIALBOX_TEST_TRIES";
        match std::env::var(TRIES).as_deref() {
            Err(_) => {}
            Ok(what) => {
                crate::privileges::drop_capabilities().unwrap();
                restrict_to(&[libc::SYS_getppid]).unwrap();
                let _ = rustix::process::getppid();
                if what == "chdir" {
                    let _ = rustix::process::chdir("/");
                }
                std::process::exit(3);
            }
        }
        let name = "privileges::syscalls::tests::a_process_that_makes_another_call_is_ended_by_the_kernel";
        for (what, outcome) in [("nothing", "exit status: 3"), ("chdir", "signal: 31 (SIGSYS)")] {
            let mut again = Command::new(std::env::current_exe().unwrap());
            let status = again.args(["--exact", name]).env(TRIES, what).stdout(Stdio::null()).status();
            assert!(status.as_ref().unwrap().to_string().starts_with(outcome), "{what}: {status:?}");
        }
    }
}
