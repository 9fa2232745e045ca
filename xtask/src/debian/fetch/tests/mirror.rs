//! A local mirror with faults.

use std::{
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

/// What the mirror does with one request.
#[derive(Clone)]
pub enum Answer {
    /// The whole file, or the requested range.
    Whole(Vec<u8>),
    /// The whole file, whatever the request says.
    NoRanges(Vec<u8>),
    /// This many bytes of it, then the connection is closed.
    BreakOff(Vec<u8>, usize),
    /// The login page of a network, as long as it says or of any length.
    LoginPage,
    /// The whole file is at this address.
    Redirect(String),
    /// Only this status.
    Status(u16),
    /// Nothing at all.
    Silence,
}

/// A mirror that gives these answers in order and then repeats the last one.
pub struct Mirror {
    pub url: String,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Mirror {
    pub fn new(answers: &[Answer]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/debian", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (seen, answers) = (Arc::clone(&requests), answers.to_vec());
        thread::spawn(move || {
            for connection in listener.incoming() {
                let connection = connection.unwrap();
                let (request, from) = read_request(&connection);
                let mut seen = seen.lock().unwrap();
                let answer = answers[seen.len().min(answers.len() - 1)].clone();
                seen.push(request);
                drop(seen);
                thread::spawn(move || answer.give(connection, from));
            }
        });
        Self { url, requests }
    }

    pub fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

/// The path, with the range if there is one, and where the range begins. Of a request to a proxy also the host and the
/// credentials.
fn read_request(connection: &TcpStream) -> (String, usize) {
    let lines = BufReader::new(connection).lines().map(|it| it.unwrap());
    let head: Vec<String> = lines.take_while(|it| !it.is_empty()).collect();
    let path = head[0].split(' ').nth(1).unwrap();
    let range = head.iter().find_map(|it| it.to_lowercase().strip_prefix("range: bytes=").map(str::to_owned));
    let from = range.as_deref().map_or(0, |it| it.trim_end_matches('-').parse().unwrap());
    let field = |name: &str| {
        let line = head.iter().find(|it| it.to_lowercase().starts_with(name));
        line.map_or("", |it| it[name.len()..].trim()).to_owned()
    };
    let proxy = format!(" through {} as {}", field("host:"), field("proxy-authorization:"));
    let proxy = if path.starts_with('/') { "" } else { &proxy };
    (format!("{path}{}{proxy}", range.map_or(String::new(), |it| format!(" {it}"))), from)
}

impl Answer {
    fn give(self, mut connection: TcpStream, from: usize) {
        let (head, body) = match self {
            Self::Whole(file) | Self::BreakOff(file, _) if from > file.len() => {
                (status(416), file[..0].to_vec())
            }
            Self::Whole(file) => (partial(&file, from), file[from..].to_vec()),
            Self::NoRanges(file) => (partial(&file, 0), file),
            Self::BreakOff(file, count) => (partial(&file, from), file[from..][..count].to_vec()),
            Self::LoginPage => {
                let head =
                    "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nConnection: close\r\n\r\n";
                (head.to_owned(), b"<html>Welcome to the hotel</html>".to_vec())
            }
            Self::Redirect(to) => {
                let head = format!(
                    "HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
                );
                (head, Vec::new())
            }
            Self::Status(code) => (status(code), Vec::new()),
            Self::Silence => return thread::sleep(Duration::from_secs(10)),
        };
        // The client may have closed the connection.
        let _ = connection.write_all(head.as_bytes()).and_then(|()| connection.write_all(&body));
    }
}

fn status(code: u16) -> String {
    format!("HTTP/1.1 {code} Error\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
}

fn partial(file: &[u8], from: usize) -> String {
    let length = file.len();
    let head = match from {
        0 => "HTTP/1.1 200 OK".to_owned(),
        _ => format!("HTTP/1.1 206 Partial Content\r\nContent-Range: bytes {from}-{}/{length}", length - 1),
    };
    format!("{head}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", length - from)
}
