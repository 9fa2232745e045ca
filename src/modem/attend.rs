//! The loop of a service that attends a modem: find the port, talk, start over when it is gone.

use std::fs;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::inotify;

use super::ports::{self, Candidate};
use super::serial::Serial;
use crate::clock;
use crate::log::{Level, Log};
use crate::places::Places;
use crate::record::Record;
use crate::site::{FlowControl, Port, Speed};
use crate::watch::heartbeat::Heart;

/// What an attendant wants to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Send a command; the end of the line is added.
    Send(&'static str),
    /// Tell the log.
    Say(Level, String),
    /// Publish the [record](Attendant::record) anew.
    Publish,
    /// Close the port and start over, for this reason.
    Abandon(String),
}

impl Action {
    /// Tell the log.
    pub fn say(level: Level, what: impl Into<String>) -> Self {
        Self::Say(level, what.into())
    }
}

/// One side of a dialogue with a modem, from the opening of its port to its end. It holds no
/// port and no clock: bytes and the time since boot come in, actions go out.
pub trait Attendant {
    /// Bytes came from the modem.
    fn hear(&mut self, bytes: &[u8], now: Duration) -> Vec<Action>;
    /// The time has come that [`wake`](Self::wake) had named; also called to begin.
    fn tick(&mut self, now: Duration) -> Vec<Action>;
    /// When to be called again if nothing comes, in time since boot.
    fn wake(&self) -> Option<Duration>;
    /// Whether the modem has ever answered on this port.
    fn answers(&self) -> bool;
    /// What is known of the modem, for `dialctl status`.
    fn record(&self) -> Record;
}

/// A modem's place in the box.
#[derive(Debug)]
pub struct Post<'a> {
    /// The box.
    pub places: &'a Places,
    /// Where to say what happens.
    pub log: &'a Log,
    /// The name of the record that is published, and of the link in `/dev` to the port where the
    /// modem has answered: `pppd` and the person at the bench need not search for it.
    pub name: &'a str,
    /// Where the site says the modem is.
    pub port: &'a Port,
    /// The speed of the line.
    pub speed: Speed,
    /// Flow control of the line.
    pub flow: FlowControl,
}

/// Attends whatever modem is found, for ever.
pub fn serve<A: Attendant>(post: &Post, heart: &mut Heart, new: impl Fn() -> A) -> io::Error {
    let devices = match watch_devices(post.places) {
        Ok(devices) => devices,
        Err(error) => return error,
    };
    let mut told = String::new();
    loop {
        let mut trouble = String::from("no modem found");
        for candidate in ports::candidates(post.places, post.port) {
            let mut attendant = new();
            let Err(why) = attend(post, heart, &candidate, &mut attendant);
            trouble = format!("{}: {why}", candidate.device.display());
            if attendant.answers() {
                told.clear(); // it worked, so that its end is news even if it ends as before
                break;
            }
        }
        if trouble != told {
            post.log.warning(&trouble);
            told.clone_from(&trouble);
        }
        warn_if_failed(post, "the link in /dev", unlink(post));
        publish(post, &Record::new().with("trouble", trouble));
        heart.beat(clock::since_boot());
        wait(&devices, Duration::from_secs(2));
        drain(&devices);
    }
}

/// Talks to the modem at one port until it is gone or given up.
fn attend(
    post: &Post,
    heart: &mut Heart,
    candidate: &Candidate,
    attendant: &mut impl Attendant,
) -> Result<std::convert::Infallible, String> {
    let gone = |error: io::Error| error.to_string();
    let mut serial =
        Serial::open(&post.places.path(&candidate.device), post.speed, post.flow).map_err(gone)?;
    post.log.info(&format!("trying {candidate}"));
    let mut buffer = [0; 512];
    loop {
        let now = clock::since_boot();
        heart.beat(now);
        perform(post, &mut serial, candidate, attendant, |a| a.tick(now))?;
        let until_wake = attendant.wake().map(|wake| wake.saturating_sub(clock::since_boot()));
        let timeout = until_wake.map_or(heart.interval(), |wake| wake.min(heart.interval()));
        if wait(serial.fd(), timeout) {
            let length = serial.read(&mut buffer).map_err(gone)?;
            let now = clock::since_boot();
            perform(post, &mut serial, candidate, attendant, |a| a.hear(&buffer[..length], now))?;
        }
    }
}

fn perform<A: Attendant>(
    post: &Post,
    serial: &mut Serial,
    candidate: &Candidate,
    attendant: &mut A,
    step: impl FnOnce(&mut A) -> Vec<Action>,
) -> Result<(), String> {
    for action in step(attendant) {
        match action {
            Action::Send(command) => {
                let line = format!("{command}\r");
                serial.write(line.as_bytes()).map_err(|error| error.to_string())?;
            }
            Action::Say(level, what) => post.log.say(level, &what),
            Action::Publish => {
                // First, so that whoever reads the record finds the link.
                warn_if_failed(post, "the link in /dev", link(post, &candidate.device));
                publish(post, &attendant.record().with("port", candidate));
            }
            Action::Abandon(why) => return Err(why),
        }
    }
    Ok(())
}

fn publish(post: &Post, record: &Record) {
    warn_if_failed(post, "publishing", post.places.publish(post.name, record));
}

/// Points `/dev/<name>` to the port.
fn link(post: &Post, port: &Path) -> io::Result<()> {
    let Some(link) = our_link(post) else {
        return Ok(());
    };
    if fs::read_link(&link).is_ok_and(|target| target == port) {
        return Ok(());
    }
    let new = link.with_extension("new");
    let _ = fs::remove_file(&new); // left by a service that was killed just here
    symlink(port, &new)?;
    fs::rename(new, link)
}

fn unlink(post: &Post) -> io::Result<()> {
    match our_link(post).map(fs::remove_file) {
        Some(Err(error)) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// `None` if the site itself names the link: then somebody else keeps it.
fn our_link(post: &Post) -> Option<PathBuf> {
    let link = Path::new("/dev").join(post.name);
    let is_port = matches!(post.port, Port::Device(device) if Path::new(device.as_str()) == link);
    (!is_port).then(|| post.places.path(link))
}

fn warn_if_failed(post: &Post, what: &str, result: io::Result<()>) {
    if let Err(error) = result {
        post.log.warning(&format!("{what}: {error}"));
    }
}

/// Tells when nodes appear in `/dev`, so that a modem is spoken to at once.
fn watch_devices(places: &Places) -> io::Result<OwnedFd> {
    let devices = inotify::init(inotify::CreateFlags::NONBLOCK | inotify::CreateFlags::CLOEXEC)?;
    let events = inotify::WatchFlags::CREATE | inotify::WatchFlags::MOVED_TO;
    inotify::add_watch(&devices, places.path("/dev"), events)?;
    Ok(devices)
}

fn drain(devices: &OwnedFd) {
    let mut buffer = [MaybeUninit::uninit(); 512];
    let mut events = inotify::Reader::new(devices, &mut buffer);
    while events.next().is_ok() {}
}

/// Whether there is something to read (or an end to notice) before the time is over.
fn wait(fd: &OwnedFd, timeout: Duration) -> bool {
    let mut fds = [PollFd::new(fd, PollFlags::IN)];
    let timeout = Timespec::try_from(timeout).ok();
    poll(&mut fds, timeout.as_ref()).is_ok_and(|ready| ready > 0)
}
