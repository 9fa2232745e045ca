//! The process: gives up its privileges, and carries out requests until the service closes the socket.

use std::env::args_os;
use std::io::{self, Stdin, stdin};
use std::panic;
use std::path::PathBuf;
use std::process::ExitCode;

use rustix::net::{RecvFlags, SendFlags, recv, send};
use rustix::process::{Signal, set_parent_process_death_signal};

use super::Sandboxable;
use super::message::{self, Action, LONGEST, Reply, Request, State};
use crate::modem::probe::{PortProbe, Probe};
use crate::modem::protocol::ProtocolAction;
use crate::privileges::{Kept, confine, restrict_to};

/// The name of the process.
pub const NAME: &str = "modem-parser";

/// Its system calls, besides those of every confined process.
const CALLS: &[libc::c_long] = &[
    // The socket. On ARM `recv` and `send` are calls of their own.
    libc::SYS_recvfrom,
    libc::SYS_sendto,
    #[cfg(target_arch = "arm")]
    libc::SYS_recv,
    #[cfg(target_arch = "arm")]
    libc::SYS_send,
    // The values for a modem's registers, and the keys of hash tables.
    libc::SYS_getrandom,
];

/// The process, from its start to its end. Its arguments are what it parses, the ID of its user, and its root directory.
/// It is not started by hand: its standard input is a socket.
pub fn run<P: Sandboxable>() -> ExitCode {
    let mut args = args_os().skip(2);
    let uid = args.next().and_then(|uid| uid.into_string().ok()?.parse().ok());
    let Some((uid, root)) = uid.zip(args.next().map(PathBuf::from)) else { return ExitCode::from(2) };
    // Before the first input except the command line.
    if confine(uid, &root, Kept::default()).and_then(|()| dies_with_parent()).is_err()
        || restrict_to(CALLS).is_err()
    {
        return ExitCode::FAILURE;
    }
    tell_of_panics::<P>();
    let mut worker = Worker { socket: stdin(), buffer: vec![0; LONGEST], record: String::new(), probe: None };
    match worker.serve::<P>() {
        Some(()) => ExitCode::SUCCESS,
        None => ExitCode::FAILURE,
    }
}

/// After [`confine`]: a change of the user clears it (prctl(2), PR_SET_PDEATHSIG).
fn dies_with_parent() -> io::Result<()> {
    Ok(set_parent_process_death_signal(Some(Signal::KILL))?)
}

/// Reports the place of a panic, and not its message, which may contain a caller's input.
fn tell_of_panics<P: Sandboxable>() {
    panic::set_hook(Box::new(|info| {
        let place = info.location().map(|place| format!("{}:{}", place.file(), place.line()));
        let reply = Reply::<P::Claim, P::Answer>::Panicked(place.unwrap_or_default());
        let mut buffer = [0; 256];
        if let Some(message) = message::write(&reply, &mut buffer) {
            // If this fails, the service still sees the end of the process.
            let _ = send(stdin(), message, SendFlags::NOSIGNAL);
        }
    }));
}

struct Worker {
    socket: Stdin,
    buffer: Vec<u8>,
    /// The record that the service knows.
    record: String,
    probe: Option<PortProbe>,
}

impl Worker {
    /// Replies to every request. `None` if a request is invalid.
    fn serve<P: Sandboxable>(&mut self) -> Option<()> {
        let Some(Request::Start(start)) = self.next::<P>()? else { return None };
        let mut protocol = P::start(start)?;
        let first = self.did(&mut protocol, Vec::new());
        self.reply(&first)?;
        while let Some(request) = self.next::<P>()? {
            let reply = self.carry_out(&mut protocol, request)?;
            self.reply(&reply)?;
        }
        Some(())
    }

    /// The next request; the inner `None` if the service has gone.
    fn next<P: Sandboxable>(&mut self) -> Option<Option<Request<P::Start, P::Order>>> {
        let (_, length) = recv(&self.socket, &mut self.buffer[..], RecvFlags::empty()).ok()?;
        if length == 0 {
            return Some(None);
        }
        let request = message::read(&self.buffer[..length]).ok();
        self.buffer[..length].fill(0);
        request.map(Some)
    }

    fn reply<C: serde::Serialize, A: serde::Serialize>(&mut self, reply: &Reply<C, A>) -> Option<()> {
        let message = message::write(reply, &mut self.buffer)?;
        let length = message.len();
        let sent = send(&self.socket, message, SendFlags::NOSIGNAL).ok();
        self.buffer[..length].fill(0);
        sent.map(drop)
    }

    fn carry_out<P: Sandboxable>(
        &mut self,
        protocol: &mut P,
        request: Request<P::Start, P::Order>,
    ) -> Option<Reply<P::Claim, P::Answer>> {
        let actions = match request {
            Request::Start(_) => return None,
            Request::Open { traits, step, now } => {
                protocol.is_of(traits);
                protocol.on_open(step, now)
            }
            Request::Bytes { bytes, now } => protocol.on_bytes(&bytes, now),
            Request::Time { now } => protocol.on_time(now),
            Request::Close => protocol.on_close().into_iter().map(ProtocolAction::Report).collect(),
            Request::Order(order) => {
                let answer = protocol.obey(order);
                return Some(Reply::Answered { answer, state: self.state(protocol) });
            }
            Request::Probe { event, now } => {
                let probe = self.probe.get_or_insert_default();
                return Some(Reply::Probed(probe.on_event(event, now)));
            }
        };
        Some(self.did(protocol, actions))
    }

    fn did<P: Sandboxable>(
        &mut self,
        protocol: &mut P,
        actions: Vec<ProtocolAction<P::Report>>,
    ) -> Reply<P::Claim, P::Answer> {
        let actions = actions.into_iter().map(|action| written(protocol, action)).collect();
        Reply::Did { actions, state: self.state(protocol) }
    }

    fn state<P: Sandboxable>(&mut self, protocol: &P) -> State {
        let record = protocol.record().to_string();
        let news = (record != self.record).then(|| record.clone());
        self.record = record;
        State {
            deadline: protocol.next_deadline(),
            is_idle: protocol.is_idle(),
            answers: protocol.answers(),
            works: protocol.works(),
            needs_a_person: protocol.needs_a_person(),
            lacks_network: protocol.lacks_network(),
            last_step: protocol.last_step(),
            has_pending_orders: protocol.has_pending_orders(),
            record: news,
        }
    }
}

/// An action, for sending.
fn written<P: Sandboxable>(protocol: &mut P, action: ProtocolAction<P::Report>) -> Action<P::Claim> {
    match action {
        // Only text is ever sent to a modem.
        ProtocolAction::Send(data) => Action::Send(String::from_utf8_lossy(&data.bytes()).into_owned()),
        ProtocolAction::Dtr(dtr) => Action::Dtr(dtr),
        ProtocolAction::Log(level, what) => Action::Log(level, what),
        ProtocolAction::Publish => Action::Publish,
        ProtocolAction::Remember { record, .. } => Action::Remember(record.to_string()),
        ProtocolAction::Report(report) => Action::Claim(protocol.claim(report)),
        ProtocolAction::Abandon(why) => Action::Abandon(why),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::privileges::OPENING;

    #[test]
    fn no_call_of_the_parser_opens_starts_or_reaches_anything() {
        assert!(OPENING.iter().all(|call| !CALLS.contains(call)));
    }
}
