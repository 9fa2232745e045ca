//! External interruptions: a full disk, Ctrl-C.

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead, BufReader, Write},
    net::TcpListener,
    os::unix::process::{CommandExt, ExitStatusExt},
    process::{Child, Command, Stdio},
    sync::mpsc::{Receiver, channel},
    thread,
    time::{Duration, Instant},
};

use insta::assert_snapshot;
use rustix::{
    fs::{FlockOperation, flock},
    process::{Pid, Signal, kill_process_group},
};

use crate::checkout::{Checkout, names};

/// Far longer than any of this takes; after it the test fails.
const DEADLINE: Duration = Duration::from_secs(60);

#[test]
fn a_full_disk_during_the_build() {
    let checkout = Checkout::new();
    checkout.succeeds(checkout.build_image_offline());
    checkout.write("overlay/etc/motd", "another image\n");
    let full = checkout.refuses(checkout.build_image_on_a_small_disk(20_480));
    assert_snapshot!(full, @r"
    error: cannot write small.img in the cache
      File too large (os error 27)
      next: make room on the disk, then run the same command again; nothing half-made was kept
    ");
    checkout.succeeds(checkout.build_image_offline());
}

#[test]
fn a_full_disk_during_the_copy_to_out() {
    let checkout = Checkout::new();
    let mut elsewhere = checkout.build_image_offline();
    checkout.succeeds(checkout.build_image_offline());
    checkout.write("overlay/etc/motd", "another image\n");
    elsewhere.args(["--out", "elsewhere"]);
    checkout.succeeds(elsewhere);
    let full = checkout.refuses(checkout.build_image_on_a_small_disk(16_384));
    assert_snapshot!(full, @r"
    error: cannot write out/small.img
      File too large (os error 27)
      what was there before is still there, whole
      next: make room or choose another directory with --out, then run the same command again
    ");
}

/// On a file system of its own, which only this test's processes see: `mount` in a user namespace needs no root.
const ON_A_FULL_DISK: &str = r#"
set -e
mkdir -p out
mount -t tmpfs -o size=64m none out
"$@" >&2
echo 'another image' >overlay/etc/motd
cat /dev/zero >out/zeros 2>/dev/null || truncate -s -65536 out/zeros
if "$@"; then exit 2; fi
rm out/zeros
cd out
sha256sum --quiet -c SHA256SUMS
[ -z "$(find . -name '*.part')" ]
"#;

#[test]
fn an_output_directory_that_is_full() {
    let unshare = || {
        let mut unshare = Command::new("unshare");
        unshare.args(["--user", "--map-root-user", "--mount"]);
        unshare
    };
    if !unshare().args(["mount", "-t", "tmpfs", "none", "/tmp"]).status().is_ok_and(|it| it.success()) {
        eprintln!("this machine lets no user mount anything: not tested");
        return;
    }
    let checkout = Checkout::new();
    let build = checkout.build_image_offline();
    let mut full = checkout.xtask(unshare());
    full.args(["sh", "-c", ON_A_FULL_DISK, "sh"]).arg(build.get_program()).args(build.get_args());
    let output = full.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stdout));
    let at = said.rfind("error: ").unwrap();
    // Files are copied side by side: any of the larger ones may be the first that finds no room.
    let error: String = said[at..].lines().skip(1).map(|it| format!("{it}\n")).collect();
    assert!(said[at..].starts_with("error: cannot write out/"), "{said}");
    assert_snapshot!(error, @r"
    No space left on device (os error 28)
    what was there before is still there, whole
    next: make room or choose another directory with --out, then run the same command again
    ");
}

#[test]
fn ctrl_c_during_a_download() {
    let checkout = Checkout::new();
    checkout.succeeds(checkout.build_image_offline());
    let before = checkout.out();
    fs::remove_dir_all(checkout.path("target")).unwrap();
    let mirror = SlowMirror::new(checkout.downloads());
    let mut build = checkout.build_image();
    build.args(["--mirror", &mirror.url, "--downloads", "../fetched"]);
    let running = start(build);
    mirror.asked.recv_timeout(DEADLINE).unwrap();
    interrupt(running);
    assert_eq!(checkout.out(), before);
    let finished = names(&checkout.path("../fetched")).into_iter().filter(|it| !it.ends_with(".part"));
    assert_eq!(finished.collect::<Vec<_>>(), [""; 0]);
    assert!(checkout.succeeds(checkout.build_image_offline()).contains("up to date"));
}

#[test]
fn ctrl_c_during_compilation() {
    let checkout = Checkout::new();
    checkout.succeeds(checkout.build_image_offline());
    let before = checkout.out();
    checkout.write("src/bin/service.rs", "fn main() { loop {} }\n");
    let cargo = fs::read_to_string(checkout.path("../cargo")).unwrap();
    checkout.edit("../cargo", "mkdir", "touch \"$workspace/started\"; sleep 600; mkdir");
    let running = start(checkout.build_image_offline());
    wait_until("the compiler runs", || checkout.path("started").exists());
    interrupt(running);
    assert_eq!(checkout.out(), before);
    let work = checkout.path("target/dialbox/work");
    assert_eq!(names(&work).len(), 1, "the interrupted work was not where the next run looks for it");
    checkout.write("../cargo", cargo);
    assert!(checkout.succeeds(checkout.build_image_offline()).contains("is ready"));
    assert_eq!(names(&work), [""; 0]);
    assert_ne!(checkout.out(), before);
}

/// Another checkout may build into the same directory.
#[test]
fn two_runs_do_not_copy_to_one_directory() {
    let checkout = Checkout::new();
    fs::create_dir(checkout.path("out")).unwrap();
    let out = fs::File::open(checkout.path("out")).unwrap();
    flock(&out, FlockOperation::NonBlockingLockExclusive).unwrap();
    let mut build = checkout.build_image_offline().stderr(Stdio::piped()).spawn().unwrap();
    let mut said = BufReader::new(build.stderr.take().unwrap()).lines().map(Result::unwrap);
    assert!(said.any(|line| line == "  waiting for another run that writes to out …"));
    assert_eq!(checkout.out(), []);
    drop(out);
    said.for_each(drop);
    assert!(build.wait().unwrap().success());
    assert!(checkout.path("out/small.img").exists());
}

#[test]
fn the_leftovers_of_an_interrupted_copy_are_removed() {
    let checkout = Checkout::new();
    checkout.succeeds(checkout.build_image_offline());
    let before = checkout.out();
    checkout.write("out/.small.img.part", "half");
    assert!(checkout.succeeds(checkout.build_image_offline()).contains("up to date"));
    assert_eq!(checkout.out(), before);
}

/// In its own process group, as a shell starts it: Ctrl-C signals the whole group. If the parent of the tests ignores
/// SIGINT (`nohup`, a script's `&`), the program would inherit that (POSIX, exec): `env` resets it.
fn start(command: Command) -> Running {
    let mut started = Command::new("env");
    started.arg("--default-signal=INT").arg(command.get_program()).args(command.get_args());
    if let Some(dir) = command.get_current_dir() {
        started.current_dir(dir);
    }
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => started.env(name, value),
            None => started.env_remove(name),
        };
    }
    Running(started.process_group(0).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
}

/// A process group, killed on drop: a failed test leaves no process behind.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // Fails if all have ended already.
        let _ = kill_process_group(Pid::from_child(&self.0), Signal::KILL);
        drop(self.0.wait());
    }
}

fn interrupt(mut running: Running) {
    kill_process_group(Pid::from_child(&running.0), Signal::INT).unwrap();
    let mut status = None;
    wait_until("Ctrl-C ends it", || {
        status = running.0.try_wait().unwrap();
        status.is_some()
    });
    assert_eq!(status.unwrap().signal(), Some(Signal::INT.as_raw()));
}

fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < DEADLINE, "in vain: {what}");
        thread::sleep(Duration::from_millis(5));
    }
}

/// A mirror that sends half of each file and then nothing more.
struct SlowMirror {
    url: String,
    /// Receives a message for each request when half of the answer was sent.
    asked: Receiver<()>,
}

impl SlowMirror {
    fn new(files: BTreeMap<String, Vec<u8>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (ask, asked) = channel();
        thread::spawn(move || {
            let mut kept = Vec::new();
            for connection in listener.incoming() {
                let mut connection = connection.unwrap();
                let lines = BufReader::new(connection.try_clone().unwrap()).lines();
                let request = lines.map_while(Result::ok).take_while(|it| !it.is_empty());
                let request: Vec<String> = request.collect();
                let file = &files[request[0].split(' ').nth(1).unwrap()];
                let head = "HTTP/1.1 200 OK\r\nContent-Length";
                let sent = write!(connection, "{head}: {}\r\n\r\n", file.len())
                    .and_then(|()| connection.write_all(&file[..file.len() / 2]));
                sent.unwrap();
                kept.push(connection);
                if ask.send(()).is_err() {
                    return;
                }
            }
        });
        Self { url, asked }
    }
}
