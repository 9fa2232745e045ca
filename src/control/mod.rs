//! How other programs of the box talk to the dialer: one request and one reply over
//! `/run/dialbox/control`, a socket that only root can open.
//!
//! Both are [records](crate::record): `echo request=budget | nc -U /run/dialbox/control` works.
//! The caller shuts its sending side when the request is complete; the reply may come much later,
//! when the link is up or has failed.

mod client;
mod server;

pub use client::{NoReply, request};
pub use server::{ClientId, Server};

use std::net::Ipv4Addr;
use std::time::Duration;

use rustix::process::Pid;

use crate::chat::DialFailure;
use crate::ppp::{self, Connection, Ends, Interface};
use crate::record::Record;
use crate::site::DataSize;

/// Where the socket is.
const SOCKET: &str = "/run/dialbox/control";

/// What the dialer is asked or told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// Open the link for this long, or as long as the site allows. The reply comes when it is up.
    Connect(Option<Duration>),
    /// Close it. The reply comes when it is closed.
    Disconnect,
    /// The box stops: close it, and open none any more. Replied to when what it has cost is stored.
    Stop,
    /// Let it stay longer.
    Extend(Option<Duration>),
    /// Say what the month has cost.
    Budget,
    /// Set the month's count to the operator's own.
    SetUsed(DataSize),
    /// pppd's ip-up.
    IpUp {
        /// The link.
        link: Connection,
        /// The name servers that the operator has told, good ones or not.
        name_servers: Vec<Ipv4Addr>,
    },
    /// pppd's ip-down.
    IpDown {
        /// The process of the pppd.
        pid: Pid,
        /// Bytes in both directions since it began.
        carried: Option<u64>,
    },
    /// `chat` has failed.
    DialFailure(DialFailure),
    /// An address of a link is one of the box's own networks: the link does not come up.
    OwnAddress {
        /// The process of the pppd.
        pid: Pid,
        /// The address.
        address: Ipv4Addr,
    },
}

/// The answer, one sentence for a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// It was done.
    Done(String),
    /// It was not done, and why.
    Failed(String),
}

impl Request {
    /// The request as it goes over the socket.
    pub fn to_record(&self) -> Record {
        let named = |name: &str| Record::new().with("request", name);
        let seconds = |length: &Option<Duration>| length.map(|length| length.as_secs());
        match self {
            Self::Connect(length) => named("connect").with_known("seconds", seconds(length)),
            Self::Disconnect => named("disconnect"),
            Self::Stop => named("stop"),
            Self::Extend(more) => named("extend").with_known("seconds", seconds(more)),
            Self::Budget => named("budget"),
            Self::SetUsed(used) => named("set-used").with("bytes", used.bytes()),
            Self::IpUp { link, name_servers } => {
                let record = named("ip-up")
                    .with("interface", &link.interface)
                    .with("pid", link.pid)
                    .with_known("local", link.ends.map(|ends| ends.local))
                    .with_known("remote", link.ends.map(|ends| ends.remote));
                let servers: Vec<_> = name_servers.iter().map(Ipv4Addr::to_string).collect();
                record.with("name-servers", servers.join(" "))
            }
            Self::IpDown { pid, carried } => {
                named("ip-down").with("pid", pid).with_known("bytes", carried.as_ref())
            }
            Self::DialFailure(failure) => named("no-call").with("status", failure.chat_status()),
            Self::OwnAddress { pid, address } => {
                named("own-address").with("pid", pid).with("address", address)
            }
        }
    }

    /// Reads a request; `None` if it is none.
    pub fn from_record(record: &Record) -> Option<Self> {
        let seconds = || match record.get("seconds") {
            Some(_) => record.number("seconds").map(|seconds| Some(Duration::from_secs(seconds))),
            None => Some(None),
        };
        let address = |key| record.get(key).and_then(|text| text.parse().ok());
        let pid = || record.get("pid").and_then(ppp::pid);
        Some(match record.get("request")? {
            "connect" => Self::Connect(seconds()?),
            "disconnect" => Self::Disconnect,
            "stop" => Self::Stop,
            "extend" => Self::Extend(seconds()?),
            "budget" => Self::Budget,
            "set-used" => Self::SetUsed(DataSize::from_bytes(record.number("bytes")?)),
            "ip-up" => {
                let ends = address("local").zip(address("remote"));
                let ends = ends.map(|(local, remote)| Ends { local, remote });
                let interface = Interface::new(record.get("interface")?)?;
                let servers = record.get("name-servers").unwrap_or_default().split(' ');
                Self::IpUp {
                    link: Connection { interface, pid: pid()?, ends },
                    name_servers: servers.filter_map(|text| text.parse().ok()).collect(),
                }
            }
            "ip-down" => Self::IpDown { pid: pid()?, carried: record.number("bytes") },
            "no-call" => {
                Self::DialFailure(DialFailure::from_chat_status(record.get("status")?.parse().ok()?))
            }
            "own-address" => Self::OwnAddress { pid: pid()?, address: address("address")? },
            _ => return None,
        })
    }
}

impl Reply {
    fn to_record(&self) -> Record {
        match self {
            Self::Done(what) => Record::new().with("done", what),
            Self::Failed(why) => Record::new().with("failed", why),
        }
    }

    fn from_record(record: &Record) -> Option<Self> {
        let done = record.get("done").map(|what| Self::Done(what.to_owned()));
        done.or_else(|| record.get("failed").map(|why| Self::Failed(why.to_owned())))
    }
}

#[cfg(test)]
mod tests;
