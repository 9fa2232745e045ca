//! The client of the control socket: sends a request and waits for the reply.

use std::fmt;
use std::io::{self, ErrorKind, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use super::{Reply, Request};
use crate::names::run_file::CONTROL_SOCKET;
use crate::paths::Paths;
use crate::record::Record;

/// Why no reply came.
#[derive(Debug)]
pub enum RequestError {
    /// No dialer is running.
    NotRunning,
    /// It has not replied in time.
    TimedOut(Duration),
    /// It closed the connection without a reply: it restarted, or the request was invalid.
    Closed,
    /// Any other error.
    Io(io::Error),
}

/// Sends a request to the dialer and waits for the reply, at most this long.
///
/// # Errors
/// No reply came.
pub fn request(paths: &Paths, request: &Request, patience: Duration) -> Result<Reply, RequestError> {
    let mut stream =
        UnixStream::connect(paths.run_file(CONTROL_SOCKET)).map_err(|error| match error.kind() {
            ErrorKind::NotFound | ErrorKind::ConnectionRefused => RequestError::NotRunning,
            _ => RequestError::Io(error),
        })?;
    let mut reply = String::new();
    let talk = stream
        .set_read_timeout(Some(patience))
        .and_then(|()| stream.write_all(request.to_record().to_string().as_bytes()))
        .and_then(|()| stream.shutdown(Shutdown::Write))
        .and_then(|()| stream.read_to_string(&mut reply));
    talk.map_err(|error| match error.kind() {
        ErrorKind::WouldBlock | ErrorKind::TimedOut => RequestError::TimedOut(patience),
        ErrorKind::ConnectionReset | ErrorKind::BrokenPipe => RequestError::Closed,
        _ => RequestError::Io(error),
    })?;
    Reply::from_record(&Record::parse(&reply)).ok_or(RequestError::Closed)
}

impl fmt::Display for RequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotRunning => f.write_str("the dialer is not running: see `dialctl status`"),
            Self::TimedOut(patience) => {
                write!(f, "the dialer has not answered in {} s: see `logread`", patience.as_secs())
            }
            Self::Closed => f.write_str("the dialer closed the connection: see `logread`"),
            Self::Io(error) => write!(f, "cannot reach the dialer: {error}"),
        }
    }
}

impl std::error::Error for RequestError {}
