//! The I/O of the link: pppd and its ends, scripts, counters, the modem's port.

use std::collections::VecDeque;

use super::{DataPort, PPPD_WAITS, Serving};
use crate::clock;
use crate::dialer::Event;
use crate::modem::protocol::Protocol;
use crate::names::run_file;
use crate::ppp::{self, counters, pppd, pppd_log};

impl Serving<'_> {
    pub(super) fn perform_link(&mut self, effect: ppp::SessionEffect, events: &mut VecDeque<Event>) {
        match effect {
            ppp::SessionEffect::StartPppd => {
                self.data_port = DataPort::Requested { at_latest: clock::since_boot() + PPPD_WAITS };
            }
            ppp::SessionEffect::Watch(pid) => match self.pppds.watch(pid) {
                Ok(ended) => events.extend(ended.map(Event::Link)),
                Err(error) => {
                    self.log.warning(&format!("pppd ({pid}) cannot be followed yet, trying again: {error}"));
                }
            },
            ppp::SessionEffect::Signal(pid, signal) => {
                if let Err(error) = self.pppds.signal(pid, signal) {
                    self.log.error(&format!("ending pppd ({pid}): {error}"));
                }
            }
            ppp::SessionEffect::RunIpDown(interface, pid) => {
                self.log.warning(&format!("{interface}: pppd ({pid}) has left it without ip-down: run now"));
                match pppd::run_ip_down(self.paths, &interface, pid) {
                    Ok(script) => self.scripts.push(script),
                    Err(error) => self.log.error(&format!("ip-down of {interface}: {error}")),
                }
            }
            ppp::SessionEffect::ReadCounters(interface) => {
                let carried = counters::read(self.paths, &interface);
                events.push_back(Event::Link(ppp::Event::Counters(interface, carried)));
            }
            ppp::SessionEffect::Store(record) => {
                let stored = self.persistence.remember_session(&record);
                self.warn_if_failed("the budget", stored);
                // WireGuard refuses a peer whose time is older than its last
                // (wireguard.com/papers/wireguard.pdf §5.1): the floor of the next boot must not
                // fall far behind that of a session.
                self.warn_if_failed("saving the clock", clock::save(&self.store, self.plausible));
            }
            ppp::SessionEffect::Log(level, what) => self.log.log(level, &what),
        }
    }

    /// Starts pppd on the data port once the modem has carried out its orders.
    pub(super) fn start_pppd(&mut self) -> VecDeque<Event> {
        let DataPort::Requested { at_latest } = self.data_port else { return VecDeque::new() };
        let is_late = at_latest <= clock::since_boot();
        // A modem with ever more commands must not keep the port.
        if is_late && !self.driver.has_two_ports() {
            self.driver.protocol_mut().release_port();
        }
        let modem = self.driver.protocol();
        let is_done = modem.is_idle() && (!modem.has_pending_orders() || is_late);
        if !self.driver.has_two_ports() && !is_done {
            return VecDeque::new();
        }
        let reports = self.driver.release();
        let mut events: VecDeque<_> = reports.into_iter().map(|report| self.event(report)).collect();
        events.push_back(Event::Link(match pppd::spawn(self.paths, &self.role, self.dialer.apn()) {
            Ok(pppd) => {
                let pid = pppd.pid();
                self.data_port = DataPort::UsedBy(pid);
                self.pppds.push(pppd);
                ppp::Event::Started(pid)
            }
            Err(error) => {
                self.reclaim_port();
                ppp::Event::NotStarted(error.to_string())
            }
        }));
        events
    }

    fn reclaim_port(&mut self) {
        self.data_port = DataPort::Free;
        self.driver.resume();
    }

    /// Collects the pppd processes that have ended.
    pub(super) fn reap(&mut self, events: &mut VecDeque<Event>) {
        self.scripts.retain_mut(|script| matches!(script.try_wait(), Ok(None)));
        pppd_log::keep_short(&self.paths.run_file(run_file::PPPD_LOG));
        for (pid, exit) in self.pppds.remove_ended() {
            let is_ours = self.data_port == DataPort::UsedBy(pid);
            let exit = if is_ours { pppd_log::cause(&pppd_log::read(self.paths), exit) } else { exit };
            self.log.info(&format!("pppd ({pid}): {exit}"));
            if is_ours {
                self.reclaim_port();
            }
            events.push_back(Event::Link(ppp::Event::Exited(pid, exit)));
        }
    }
}
