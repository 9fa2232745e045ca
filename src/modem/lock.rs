//! UUCP locks, with which programs share a serial port.
//!
//! A lock is a file `LCK..<name>` with the process ID as `%10d\n`, stale once that process is gone
//! (Filesystem Hierarchy Standard 3.0 §5.9). pppd 2.4.9 uses the name as given and does not resolve symlinks
//! (pppd/utils.c, `lock`): for `/dev/modem` it is `LCK..modem`. So we lock a port under each of its names.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use rustix::io::Errno;
use rustix::process::{Pid, getpid, test_kill_process};

use super::dev_symlink::DevSymlink;
use crate::paths::Paths;

/// The directory of the locks; `/var/lock` is a symlink to it.
pub const DIRECTORY: &str = "/run/lock";

/// The lock names of one port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Names(Vec<PathBuf>);

/// Who holds a port's lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holder {
    /// The process with this ID.
    Process(i32),
    /// A program that has created the file and not written its ID yet.
    Unknown,
}

/// A lock, held until it is dropped.
#[derive(Debug)]
pub struct Lock(Vec<PathBuf>);

impl Names {
    /// The locks of a port with these paths below `/dev`.
    pub fn of<'a>(paths: &Paths, ports: impl IntoIterator<Item = &'a Path>) -> Self {
        let mut files = Vec::new();
        for port in ports {
            let file = paths.path(DIRECTORY).join(format!("LCK..{}", name(port)));
            if !files.contains(&file) {
                files.push(file);
            }
        }
        Self(files)
    }

    /// Every name by which others may lock this port: its own, the name of the node that it points to, and the names of
    /// symlinks to it.
    pub fn for_port(paths: &Paths, port: &Path, link: &DevSymlink) -> Self {
        let node = paths.path(port).canonicalize().ok();
        let is_linked = link.target().as_deref() == Some(port);
        let names = [Some(port), node.as_deref(), is_linked.then(|| link.path())];
        Self::of(paths, names.into_iter().flatten())
    }

    /// Which other program holds the port; `None` if it is free, or held here.
    pub fn holder(&self) -> Option<Holder> {
        self.0.iter().find_map(|file| holder(file))
    }

    /// Takes the lock under all names, or under none.
    ///
    /// # Errors
    /// `WouldBlock` if another program has it; others if the file cannot be written.
    pub fn take(&self) -> io::Result<Lock> {
        let mut lock = Lock(Vec::new());
        for file in &self.0 {
            create(file)?;
            lock.0.push(file.clone());
        }
        Ok(lock)
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        for file in &self.0 {
            // Another program may have replaced our lock as stale.
            if read(file) == Some(Holder::Process(our_id())) {
                let _ = fs::remove_file(file);
            }
        }
    }
}

/// The part after `LCK..`, as pppd, picocom and minicom derive it from a path.
fn name(port: &Path) -> String {
    let path = port.to_string_lossy();
    let below_dev = path.split_once("dev/").map_or(path.as_ref(), |(_, below)| below);
    below_dev.trim_start_matches('/').replace('/', "_")
}

/// Creates the file together with its content: no program reads it empty.
fn create(file: &Path) -> io::Result<()> {
    let ours = file.with_extension(format!("{}", our_id()));
    let mut new = File::create(&ours)?;
    let written = new.write_all(format!("{:10}\n", our_id()).as_bytes());
    let taken = written.and_then(|()| link(&ours, file));
    let _ = fs::remove_file(&ours);
    taken
}

fn link(ours: &Path, file: &Path) -> io::Result<()> {
    for _ in 0..2 {
        match fs::hard_link(ours, file) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => match holder(file) {
                Some(Holder::Process(id)) => {
                    return Err(io::Error::new(io::ErrorKind::WouldBlock, format!("locked by process {id}")));
                }
                Some(Holder::Unknown) => {
                    return Err(io::Error::new(io::ErrorKind::WouldBlock, "being locked"));
                }
                None => fs::remove_file(file)?,
            },
            done => return done,
        }
    }
    Err(io::Error::new(io::ErrorKind::WouldBlock, "another program has just locked it"))
}

/// The other running process that holds this lock.
fn holder(file: &Path) -> Option<Holder> {
    read(file).filter(|holder| match holder {
        Holder::Process(id) => *id != our_id() && is_alive(*id),
        Holder::Unknown => true,
    })
}

fn read(file: &Path) -> Option<Holder> {
    let text = fs::read_to_string(file).ok()?;
    if text.is_empty() {
        return Some(Holder::Unknown);
    }
    // pppd reads a content that is no number as 0, which it considers stale.
    Some(Holder::Process(text.trim().parse().unwrap_or(0)))
}

fn our_id() -> i32 {
    getpid().as_raw_nonzero().get()
}

fn is_alive(id: i32) -> bool {
    let process = (id > 0).then(|| Pid::from_raw(id)).flatten();
    process.is_some_and(|pid| test_kill_process(pid) != Err(Errno::SRCH))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};

    fn paths() -> (tempfile::TempDir, Paths) {
        let dir = tempfile::tempdir().unwrap();
        let paths = Paths::below(dir.path());
        fs::create_dir_all(paths.path(DIRECTORY)).unwrap();
        (dir, paths)
    }

    fn modem(paths: &Paths) -> Names {
        Names::of(paths, ["/dev/ttyHS3", "/dev/modem", "/dev/ttyHS3"].map(Path::new))
    }

    fn locks(paths: &Paths) -> Vec<String> {
        let dir = fs::read_dir(paths.path(DIRECTORY)).unwrap();
        let mut names: Vec<_> = dir.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_port_is_locked_under_every_name_in_the_form_that_pppd_reads() {
        let (_dir, paths) = paths();
        let lock = modem(&paths).take().unwrap();
        assert_eq!(locks(&paths), ["LCK..modem", "LCK..ttyHS3"]);
        let text = fs::read_to_string(paths.path("/run/lock/LCK..modem")).unwrap();
        assert_eq!(text, format!("{:>10}\n", std::process::id()));
        assert_eq!(modem(&paths).holder(), None);
        drop(lock);
        assert_eq!(locks(&paths), [""; 0]);
    }

    /// pppd/utils.c, `lock`, of ppp 2.4.9.
    #[test]
    fn a_path_has_the_lock_name_that_pppd_gives_it() {
        let table = [
            ("/dev/ttyUSB0", "ttyUSB0"),
            ("/dev/modem", "modem"),
            ("/dev/serial/by-id/usb-X", "serial_by-id_usb-X"),
            ("/dev/pts/4", "pts_4"),
        ];
        for (port, expected) in table {
            assert_eq!(name(Path::new(port)), expected);
        }
    }

    #[test]
    fn a_lock_of_a_running_process_counts_and_a_stale_one_does_not() {
        let (_dir, paths) = paths();
        let file = paths.path("/run/lock/LCK..modem");
        let mut pppd = Command::new("sleep").arg("60").stdin(Stdio::null()).spawn().unwrap();
        let id = i32::try_from(pppd.id()).unwrap();
        fs::write(&file, format!("{id:10}\n")).unwrap();
        assert_eq!(modem(&paths).holder(), Some(Holder::Process(id)));
        let refused = modem(&paths).take().unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::WouldBlock);
        assert_eq!(locks(&paths), ["LCK..modem"], "the other name is free again");

        pppd.kill().unwrap();
        pppd.wait().unwrap();
        assert_eq!(modem(&paths).holder(), None);
        drop(modem(&paths).take().unwrap());
        assert_eq!(locks(&paths), [""; 0]);
    }

    #[test]
    fn an_empty_lock_is_held_and_one_without_a_number_is_stale() {
        let (_dir, paths) = paths();
        let file = paths.path("/run/lock/LCK..ttyHS3");
        fs::write(&file, "").unwrap();
        assert_eq!(modem(&paths).holder(), Some(Holder::Unknown));
        assert!(modem(&paths).take().is_err());
        fs::write(&file, "nonsense\n").unwrap();
        assert_eq!(modem(&paths).holder(), None);
    }

    #[test]
    fn a_lock_that_another_program_has_replaced_is_not_removed() {
        let (_dir, paths) = paths();
        let lock = modem(&paths).take().unwrap();
        fs::write(paths.path("/run/lock/LCK..modem"), "         1\n").unwrap();
        drop(lock);
        assert_eq!(locks(&paths), ["LCK..modem"]);
    }
}
