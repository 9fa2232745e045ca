//! The dialer's end of the control socket: it never waits for a caller.

use std::fs::{self, Permissions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};

use super::{Reply, Request, SOCKET};
use crate::places::Places;
use crate::record::Record;

/// Callers at a time. More are a fault of somebody's: the one that came first must go.
const CALLERS: usize = 16;
/// Bytes of a request; the longest real one has some 200.
const LONGEST: usize = 1024;

/// Names a caller that waits for its reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ticket(pub(crate) u64);

/// Takes requests and hands out replies.
#[derive(Debug)]
pub struct Desk {
    listener: UnixListener,
    callers: Vec<Caller>,
    tickets: u64,
}

#[derive(Debug)]
struct Caller {
    ticket: Ticket,
    stream: UnixStream,
    /// What was heard so far; `None` once the request is complete and waits for its reply.
    heard: Option<Vec<u8>>,
}

impl Desk {
    /// Opens the socket, in the place of one that an earlier service has left.
    ///
    /// # Errors
    /// The socket cannot be made.
    pub fn open(places: &Places) -> io::Result<Self> {
        let path = places.path(SOCKET);
        if let Some(dir) = path.parent() {
            fs::create_dir_all(dir)?;
        }
        // Under another name until nobody but root can open it.
        let new = path.with_extension("new");
        match fs::remove_file(&new) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let listener = UnixListener::bind(&new)?;
        listener.set_nonblocking(true)?;
        fs::set_permissions(&new, Permissions::from_mode(0o600))?;
        fs::rename(new, path)?;
        Ok(Self { listener, callers: Vec::new(), tickets: 0 })
    }

    /// What to poll for reading: newcomers, and those who have not yet said all.
    pub fn fds(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        let speaking = self.callers.iter().filter(|caller| caller.heard.is_some());
        std::iter::once(self.listener.as_fd()).chain(speaking.map(|caller| caller.stream.as_fd()))
    }

    /// Listens to whoever has something to say: the requests that are complete now. What is no
    /// request is answered here.
    pub fn turn(&mut self) -> Vec<(Ticket, Request)> {
        while let Ok((stream, _)) = self.listener.accept() {
            self.admit(stream);
        }
        let mut requests = Vec::new();
        let mut wrong = Vec::new();
        self.callers.retain_mut(|caller| match caller.listen() {
            Ok(None) => true,
            Ok(Some(text)) => {
                match Request::of_record(&Record::parse(&text)) {
                    Some(request) => requests.push((caller.ticket, request)),
                    None => wrong.push(caller.ticket),
                }
                true
            }
            Err(_) => false,
        });
        for ticket in wrong {
            self.answer(ticket, &Reply::Failed("this is no request".to_owned()));
        }
        requests
    }

    /// Replies to a caller and lets it go. One that has gone already is no error.
    pub fn answer(&mut self, ticket: Ticket, reply: &Reply) {
        if let Some(at) = self.callers.iter().position(|caller| caller.ticket == ticket) {
            let mut caller = self.callers.remove(at);
            // It fits into the socket's buffer, or the caller is not one of ours.
            let _ = caller.stream.write_all(reply.to_record().to_string().as_bytes());
        }
    }

    fn admit(&mut self, stream: UnixStream) {
        if stream.set_nonblocking(true).is_err() {
            return;
        }
        if self.callers.len() == CALLERS {
            self.callers.remove(0);
        }
        self.tickets += 1;
        let ticket = Ticket(self.tickets);
        self.callers.push(Caller { ticket, stream, heard: Some(Vec::new()) });
    }
}

impl Caller {
    /// The whole request, when its end is heard.
    fn listen(&mut self) -> io::Result<Option<String>> {
        let Some(heard) = &mut self.heard else {
            return Ok(None);
        };
        let mut buffer = [0; LONGEST];
        loop {
            match self.stream.read(&mut buffer) {
                Ok(0) => break,
                Ok(length) => heard.extend_from_slice(&buffer[..length]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(None),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
            if heard.len() > LONGEST {
                return Err(ErrorKind::InvalidData.into());
            }
        }
        let text = String::from_utf8_lossy(heard).into_owned();
        self.heard = None;
        Ok(Some(text))
    }
}
