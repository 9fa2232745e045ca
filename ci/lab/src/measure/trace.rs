//! The kernel's trace of starts and ends of programs, or of packets, in microseconds.
//!
//! Its clock is the board's system timer with an offset (linux/drivers/clocksource/bcm2835_timer.c,
//! `sched_clock_register`), and the emulator's monitor can read that timer. Marks that are written between two such
//! readings give the offset.

use crate::booted::Booted;
use crate::error::{Error, Result};
use crate::monitor::Monitor;
use std::time::Duration;

const DIRECTORY: &str = "/sys/kernel/tracing";
/// The events of packets (linux/include/trace/events/net.h).
const RECEIVED: &str = "netif_receive_skb";
const SENT: &str = "net_dev_queue";
/// The number of marks.
const MARKS: usize = 15;

/// One line of the trace.
#[derive(Debug, Clone, PartialEq)]
struct Event {
    /// Seconds by the trace's clock.
    at: f64,
    kind: String,
    about: String,
}

/// The events since the trace was started or [cleared](Trace::clear).
#[derive(Debug)]
pub struct Trace {
    events: Vec<Event>,
}

/// The offset between the trace's clock and the board's.
#[derive(Debug, Clone, Copy)]
pub struct Join {
    /// Seconds from the board's power-on to the zero of the trace's clock.
    offset: f64,
    /// The error of that, in seconds.
    pub error: f64,
}

impl Trace {
    /// Turns the trace of starts and ends of programs on.
    pub fn begin(booted: &mut Booted) -> Result<()> {
        booted.must(&format!(
            "mount -t tracefs trace {DIRECTORY} && cd {DIRECTORY}/events/sched && \
             echo 1 >sched_process_exec/enable && echo 1 >sched_process_exit/enable; cd /"
        ))?;
        Ok(())
    }

    /// Turns the trace of packets at the local network's adapter on: of those that have more than so many bytes, from the
    /// IP header on if received, from the Ethernet header on if sent.
    pub fn begin_packets(booted: &mut Booted, bytes: u32) -> Result<()> {
        let enable = |event| {
            format!("echo 'name == \"eth0\" && len > {bytes}' >{event}/filter && echo 1 >{event}/enable")
        };
        booted.must(&format!(
            "mount | grep -q tracefs || mount -t tracefs trace {DIRECTORY}; cd {DIRECTORY}/events/net && {} && {}; cd /",
            enable(RECEIVED),
            enable(SENT)
        ))?;
        Ok(())
    }

    /// Clears the trace.
    pub fn clear(booted: &mut Booted) -> Result<()> {
        booted.must(&format!("echo >{DIRECTORY}/trace")).map(drop)
    }

    /// Reads the trace.
    pub fn read(booted: &mut Booted) -> Result<Self> {
        let text = booted.must(&format!("cat {DIRECTORY}/trace"))?;
        Ok(Self { events: text.lines().filter_map(event).collect() })
    }

    /// Writes marks between two readings of the board's clock. Each bounds the offset; all of them together bound it
    /// more closely.
    pub fn join(booted: &mut Booted, monitor: &mut Monitor) -> Result<Join> {
        Self::clear(booted)?;
        let mut looks = Vec::new();
        for _ in 0..MARKS {
            let before = monitor.since_power_on()?.as_secs_f64();
            booted.must(&format!("echo lab >{DIRECTORY}/trace_marker"))?;
            looks.push((before, monitor.since_power_on()?.as_secs_f64()));
        }
        let trace = Self::read(booted)?;
        let marks = trace.events.iter().filter(|event| event.kind == "tracing_mark_write");
        let (mut low, mut high, mut count) = (f64::MIN, f64::MAX, 0);
        for (mark, (before, after)) in marks.zip(looks) {
            (low, high, count) = (low.max(before - mark.at), high.min(after - mark.at), count + 1);
        }
        if count < MARKS || low > high {
            return Err(Error::Unexpected(format!(
                "{count} marks put the trace between {low} s and {high} s"
            )));
        }
        Ok(Join { offset: f64::midpoint(low, high), error: (high - low) / 2.0 })
    }

    /// When this program was started first, in seconds.
    pub fn started(&self, program: &str) -> Result<f64> {
        self.start(program).map(|event| event.at)
    }

    /// How long it ran then, in seconds.
    pub fn lasted(&self, program: &str) -> Result<f64> {
        let start = self.start(program)?;
        let ended = self.events.iter().find(|event| {
            let is_same = value(&event.about, "pid") == value(&start.about, "pid");
            event.kind == "sched_process_exit" && is_same && event.at >= start.at
        });
        let ended = ended.ok_or_else(|| Error::Unexpected(format!("{program} has not ended")))?;
        Ok(ended.at - start.at)
    }

    /// The packets, in their order: when, and whether the box has sent it.
    pub fn packets(&self) -> Vec<(f64, bool)> {
        let packets = self.events.iter().filter(|event| [RECEIVED, SENT].contains(&event.kind.as_str()));
        packets.map(|event| (event.at, event.kind == SENT)).collect()
    }

    fn start(&self, program: &str) -> Result<&Event> {
        let is_start = |event: &&Event| {
            event.kind == "sched_process_exec" && value(&event.about, "filename") == Some(program)
        };
        let start = self.events.iter().find(is_start);
        start.ok_or_else(|| Error::Unexpected(format!("{program} was not started")))
    }
}

impl Join {
    /// Converts a time of the board's clock to the trace's.
    pub fn moment(&self, since_power_on: Duration) -> f64 {
        since_power_on.as_secs_f64() - self.offset
    }
}

/// `  pppd-120  [000] .....  45.123456: sched_process_exec: filename=/usr/sbin/pppd pid=120 old_pid=120`
fn event(line: &str) -> Option<Event> {
    let (head, rest) = line.split_once(": ")?;
    let (kind, about) = rest.split_once(": ")?;
    let at = head.split_whitespace().last()?.parse().ok()?;
    Some(Event { at, kind: kind.to_owned(), about: about.to_owned() })
}

fn value<'a>(about: &'a str, key: &str) -> Option<&'a str> {
    about.split(' ').find_map(|word| word.strip_prefix(key)?.strip_prefix('='))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn starts_and_ends_are_read_from_the_kernels_lines() {
        let text = "# tracer: nop\n#\n\
            #              | |         |   |||||     |         |\n\
            \x20     sms-dialer-93      [000] .....    45.100000: sched_process_exec: filename=/usr/sbin/pppd pid=120 old_pid=120\n\
            \x20           pppd-130     [000] .....    46.000250: sched_process_exec: filename=/etc/ppp/ip-pre-up pid=130 old_pid=130\n\
            \x20            nft-131     [000] .....    46.050000: sched_process_exit: comm=nft pid=131 prio=120\n\
            \x20      ip-pre-up-130     [000] .....    46.100250: sched_process_exit: comm=ip-pre-up pid=130 prio=120\n";
        let trace = Trace { events: text.lines().filter_map(event).collect() };
        assert_eq!(trace.started("/usr/sbin/pppd").unwrap(), 45.1);
        assert!((trace.lasted("/etc/ppp/ip-pre-up").unwrap() - 0.1).abs() < 1e-6);
        assert!(trace.lasted("/usr/sbin/pppd").is_err() && trace.started("/bin/sh").is_err());
    }

    #[test]
    fn packets_are_read_from_the_kernels_lines() {
        let text = "     ksoftirqd/0-12  [000] ..s1.    45.100000: netif_receive_skb: dev=eth0 skbaddr=c1e8 len=431\n\
            \x20       exchange-88  [000] b..1.    45.100300: net_dev_queue: dev=eth0 skbaddr=c1f0 len=445\n";
        let trace = Trace { events: text.lines().filter_map(event).collect() };
        assert_eq!(trace.packets(), [(45.1, false), (45.1003, true)]);
    }
}
