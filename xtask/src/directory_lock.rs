//! One run at a time in a directory that several could write to. The lock is the directory's own (flock(2)): it leaves no
//! file behind, and ends with the program.

use std::{
    fs::File,
    io::{self, ErrorKind},
    path::Path,
};

use rustix::fs::{FlockOperation, flock};

/// Holds a directory until the guard is dropped; [`ErrorKind::WouldBlock`] if another run holds it.
pub fn try_hold(directory: &Path) -> io::Result<File> {
    let file = File::open(directory)?;
    flock(&file, FlockOperation::NonBlockingLockExclusive)?;
    Ok(file)
}

/// The same after the other run, for which `waiting` is told.
pub fn hold(directory: &Path, waiting: impl FnOnce()) -> io::Result<File> {
    match try_hold(directory) {
        Err(error) if error.kind() == ErrorKind::WouldBlock => {
            waiting();
            let file = File::open(directory)?;
            flock(&file, FlockOperation::LockExclusive)?;
            Ok(file)
        }
        held => held,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_has_one_holder() {
        let dir = tempfile::tempdir().unwrap();
        let held = try_hold(dir.path()).unwrap();
        assert_eq!(try_hold(dir.path()).unwrap_err().kind(), ErrorKind::WouldBlock);
        let (tell, told) = std::sync::mpsc::channel();
        std::thread::scope(|scope| {
            let next = scope.spawn(|| hold(dir.path(), || tell.send(()).unwrap()).unwrap());
            told.recv().unwrap();
            assert!(!next.is_finished());
            drop(held);
            next.join().unwrap();
        });
    }
}
