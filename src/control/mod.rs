//! The control socket of the dialer for other programs of the box: one request and one reply over
//! `/run/dialbox/control`, which only root can open.
//!
//! Both are [records](crate::record): `echo request=budget | nc -U /run/dialbox/control` works. The client shuts its
//! sending side when the request is complete. The reply may come much later, when the link is up or has failed.

mod client;
mod server;

pub use client::{RequestError, request};
pub use server::{ClientId, Server};

use std::net::Ipv4Addr;
use std::time::Duration;

use rustix::process::Pid;

use crate::chat::DialFailure;
use crate::names::hook;
use crate::ppp::{self, Addresses, Connection, Interface};
use crate::record::Record;
use crate::site::{DataSize, Level, LineName};
use crate::sms::command::Switch;

/// Keys of requests and replies. A user may type them: see above.
mod key {
    pub(super) const REQUEST: &str = "request";
    pub(super) const SECONDS: &str = "seconds";
    pub(super) const LINE: &str = "line";
    pub(super) const LEVEL: &str = "level";
    pub(super) const BYTES: &str = "bytes";
    pub(super) const COUNTER: &str = "counter";
    pub(super) const INTERFACE: &str = "interface";
    pub(super) const PID: &str = "pid";
    pub(super) const LOCAL: &str = "local";
    pub(super) const REMOTE: &str = "remote";
    pub(super) const NAME_SERVERS: &str = "name-servers";
    pub(super) const STATUS: &str = "status";
    pub(super) const REPORTED: &str = "reported";
    pub(super) const ADDRESS: &str = "address";
    pub(super) const DONE: &str = "done";
    pub(super) const FAILED: &str = "failed";
}

/// Values of [`key::REQUEST`]; those of pppd's scripts are [`hook`]'s.
mod name {
    pub(super) const CONNECT: &str = "connect";
    pub(super) const DISCONNECT: &str = "disconnect";
    pub(super) const STOP: &str = "stop";
    pub(super) const EXTEND: &str = "extend";
    pub(super) const CONFIRM: &str = "confirm";
    pub(super) const SWITCH: &str = "switch";
    pub(super) const GET: &str = "get";
    pub(super) const BUDGET: &str = "budget";
    pub(super) const SET_USED: &str = "set-used";
    pub(super) const SET_COUNTER: &str = "set-counter";
}

/// A request to the dialer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// Open the link for this long, or as long as the site allows. The reply comes when the link is up.
    Connect(Option<Duration>),
    /// Close the link. The reply comes when it is closed.
    Disconnect,
    /// The box stops: close the link and open no other. The reply comes when its traffic is stored.
    Stop,
    /// Let the link stay up longer.
    Extend(Option<Duration>),
    /// Keep the values that are on trial.
    Confirm,
    /// Switch an output of `[gpio]`.
    Switch(Switch),
    /// Report the level of a line of `[gpio]`, or of all.
    Get(Option<LineName>),
    /// Report the month's traffic.
    Budget,
    /// Set the month's traffic to the operator's count.
    SetUsed(DataSize),
    /// Take the code of this counter for the last accepted one.
    SetCounter(u64),
    /// pppd's ip-up.
    IpUp {
        /// The link.
        link: Connection,
        /// The operator's name servers, usable or not.
        name_servers: Vec<Ipv4Addr>,
    },
    /// pppd's ip-down.
    IpDown {
        /// The process of the pppd.
        pid: Pid,
        /// Bytes in both directions during the link.
        carried: Option<u64>,
    },
    /// `chat` has failed.
    DialFailure(DialFailure),
    /// An address of a link is in one of the box's own networks: the link must not come up.
    OwnAddress {
        /// The process of the pppd.
        pid: Pid,
        /// The address.
        address: Ipv4Addr,
    },
}

/// The reply, one sentence for the user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// The request was executed.
    Done(String),
    /// It was not executed; the reason.
    Failed(String),
}

impl Request {
    /// The request as sent over the socket.
    pub fn to_record(&self) -> Record {
        let named = |name: &str| Record::new().with(key::REQUEST, name);
        let seconds = |length: &Option<Duration>| length.map(|length| length.as_secs());
        match self {
            Self::Connect(length) => named(name::CONNECT).with_known(key::SECONDS, seconds(length)),
            Self::Disconnect => named(name::DISCONNECT),
            Self::Stop => named(name::STOP),
            Self::Extend(more) => named(name::EXTEND).with_known(key::SECONDS, seconds(more)),
            Self::Confirm => named(name::CONFIRM),
            Self::Switch(Switch { name, level, time }) => named(name::SWITCH)
                .with(key::LINE, name)
                .with(key::LEVEL, level)
                .with_known(key::SECONDS, seconds(time)),
            Self::Get(line) => named(name::GET).with_known(key::LINE, line.as_ref()),
            Self::Budget => named(name::BUDGET),
            Self::SetUsed(used) => named(name::SET_USED).with(key::BYTES, used.bytes()),
            Self::SetCounter(used) => named(name::SET_COUNTER).with(key::COUNTER, used),
            Self::IpUp { link, name_servers } => {
                let record = named(hook::IP_UP)
                    .with(key::INTERFACE, &link.interface)
                    .with(key::PID, link.pid)
                    .with_known(key::LOCAL, link.addresses.map(|addresses| addresses.local))
                    .with_known(key::REMOTE, link.addresses.map(|addresses| addresses.remote));
                let servers: Vec<_> = name_servers.iter().map(Ipv4Addr::to_string).collect();
                record.with(key::NAME_SERVERS, servers.join(" "))
            }
            Self::IpDown { pid, carried } => {
                named(hook::IP_DOWN).with(key::PID, pid).with_known(key::BYTES, carried.as_ref())
            }
            Self::DialFailure(failure) => {
                let (status, reported) = failure.chat_status();
                named(hook::NO_CALL).with(key::STATUS, status).with(key::REPORTED, reported)
            }
            Self::OwnAddress { pid, address } => {
                named(hook::OWN_ADDRESS).with(key::PID, pid).with(key::ADDRESS, address)
            }
        }
    }

    /// Reads a request; `None` if it is invalid.
    pub fn from_record(record: &Record) -> Option<Self> {
        let seconds = || match record.get(key::SECONDS) {
            Some(_) => record.number(key::SECONDS).map(|seconds| Some(Duration::from_secs(seconds))),
            None => Some(None),
        };
        let address = |key| record.get(key).and_then(|text| text.parse().ok());
        let pid = || record.get(key::PID).and_then(ppp::pid);
        Some(match record.get(key::REQUEST)? {
            name::CONNECT => Self::Connect(seconds()?),
            name::DISCONNECT => Self::Disconnect,
            name::STOP => Self::Stop,
            name::EXTEND => Self::Extend(seconds()?),
            name::CONFIRM => Self::Confirm,
            name::SWITCH => Self::Switch(Switch {
                name: record.get(key::LINE)?.parse().ok()?,
                level: Level::parse(record.get(key::LEVEL)?)?,
                time: seconds()?,
            }),
            name::GET => Self::Get(record.get(key::LINE).map(str::parse).transpose().ok()?),
            name::BUDGET => Self::Budget,
            name::SET_USED => Self::SetUsed(DataSize::from_bytes(record.number(key::BYTES)?)),
            name::SET_COUNTER => Self::SetCounter(record.number(key::COUNTER)?),
            hook::IP_UP => {
                let addresses = address(key::LOCAL).zip(address(key::REMOTE));
                let addresses = addresses.map(|(local, remote)| Addresses { local, remote });
                let interface = Interface::new(record.get(key::INTERFACE)?)?;
                let servers = record.get(key::NAME_SERVERS).unwrap_or_default().split(' ');
                Self::IpUp {
                    link: Connection { interface, pid: pid()?, addresses },
                    name_servers: servers.filter_map(|text| text.parse().ok()).collect(),
                }
            }
            hook::IP_DOWN => Self::IpDown { pid: pid()?, carried: record.number(key::BYTES) },
            hook::NO_CALL => {
                let reported = record.get(key::REPORTED).unwrap_or_default();
                Self::DialFailure(DialFailure::from_chat_status(
                    record.get(key::STATUS)?.parse().ok()?,
                    reported,
                ))
            }
            hook::OWN_ADDRESS => Self::OwnAddress { pid: pid()?, address: address(key::ADDRESS)? },
            _ => return None,
        })
    }
}

impl Reply {
    fn to_record(&self) -> Record {
        match self {
            Self::Done(what) => Record::new().with(key::DONE, what),
            Self::Failed(why) => Record::new().with(key::FAILED, why),
        }
    }

    fn from_record(record: &Record) -> Option<Self> {
        let done = record.get(key::DONE).map(|what| Self::Done(what.to_owned()));
        done.or_else(|| record.get(key::FAILED).map(|why| Self::Failed(why.to_owned())))
    }
}

#[cfg(test)]
mod tests;
