//! The server of the control socket. It never waits for a client.

use std::fs;
use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;

use rustix::fs::{Mode, fchmod};
use rustix::net::{self, AddressFamily, SocketAddrUnix, SocketFlags, SocketType};

use super::{Reply, Request};
use crate::names::run_file::CONTROL_SOCKET;
use crate::paths::Paths;
use crate::record::Record;

/// The most clients at a time. More are a fault: the oldest one is dropped.
const CLIENTS: usize = 16;
/// The most clients that may wait for [`Server::poll`], as in std's `UnixListener::bind`.
const BACKLOG: i32 = 128;
/// The most bytes of a request; the longest real one has some 200.
const LONGEST: usize = 1024;

/// A client that waits for its reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientId(pub(crate) u64);

/// Receives requests and sends replies.
#[derive(Debug)]
pub struct Server {
    listener: UnixListener,
    clients: Vec<Client>,
    last_id: u64,
}

#[derive(Debug)]
struct Client {
    id: ClientId,
    stream: UnixStream,
    /// The received bytes; `None` once the request is complete and waits for its reply.
    received: Option<Vec<u8>>,
}

impl Server {
    /// Opens the socket, and replaces one that an earlier service has left.
    ///
    /// # Errors
    /// The socket cannot be made.
    pub fn open(paths: &Paths) -> io::Result<Self> {
        let path = paths.run_file(CONTROL_SOCKET);
        if let Some(dir) = path.parent() {
            fs::create_dir_all(dir)?;
        }
        // It has another name until it listens.
        let new = path.with_extension("new");
        match fs::remove_file(&new) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let listener = listen(&new)?;
        fs::rename(new, path)?;
        Ok(Self { listener, clients: Vec::new(), last_id: 0 })
    }

    /// What to poll for reading: the listening socket, and clients whose request is not complete.
    pub fn fds(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        let speaking = self.clients.iter().filter(|client| client.received.is_some());
        std::iter::once(self.listener.as_fd()).chain(speaking.map(|client| client.stream.as_fd()))
    }

    /// Reads from all clients and returns the complete requests. Invalid ones are answered here.
    pub fn poll(&mut self) -> Vec<(ClientId, Request)> {
        while let Ok((stream, _)) = self.listener.accept() {
            self.admit(stream);
        }
        let mut requests = Vec::new();
        let mut wrong = Vec::new();
        self.clients.retain_mut(|client| match client.read_request() {
            Ok(None) => true,
            Ok(Some(text)) => {
                match Request::from_record(&Record::parse(&text)) {
                    Some(request) => requests.push((client.id, request)),
                    None => wrong.push(client.id),
                }
                true
            }
            Err(_) => false,
        });
        for id in wrong {
            self.answer(id, &Reply::Failed("this is no request".to_owned()));
        }
        requests
    }

    /// Replies to a client and closes the connection. A client that is gone already is not an error.
    pub fn answer(&mut self, id: ClientId, reply: &Reply) {
        if let Some(at) = self.clients.iter().position(|client| client.id == id) {
            let mut client = self.clients.remove(at);
            // A reply fits into the socket's buffer unless the client is not one of ours.
            let _ = client.stream.write_all(reply.to_record().to_string().as_bytes());
        }
    }

    fn admit(&mut self, stream: UnixStream) {
        if stream.set_nonblocking(true).is_err() {
            return;
        }
        if self.clients.len() == CLIENTS {
            self.clients.remove(0);
        }
        self.last_id += 1;
        let id = ClientId(self.last_id);
        self.clients.push(Client { id, stream, received: Some(Vec::new()) });
    }
}

/// Creates a socket that only root can open from the start.
fn listen(path: &Path) -> io::Result<UnixListener> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = net::socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
    // bind() gives the file the mode that the socket has (net/unix/af_unix.c, unix_bind_bsd).
    fchmod(&socket, Mode::RUSR | Mode::WUSR)?;
    net::bind(&socket, &SocketAddrUnix::new(path)?)?;
    net::listen(&socket, BACKLOG)?;
    Ok(socket.into())
}

impl Client {
    /// The request, if it is complete.
    fn read_request(&mut self) -> io::Result<Option<String>> {
        let Some(received) = &mut self.received else {
            return Ok(None);
        };
        let mut buffer = [0; LONGEST];
        loop {
            match self.stream.read(&mut buffer) {
                Ok(0) => break,
                Ok(length) => received.extend_from_slice(&buffer[..length]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(None),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
            if received.len() > LONGEST {
                return Err(ErrorKind::InvalidData.into());
            }
        }
        let text = String::from_utf8_lossy(received).into_owned();
        self.received = None;
        Ok(Some(text))
    }
}
