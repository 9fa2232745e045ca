//! The dialer at the start of the service, as the state partition and the second copy have left it.

use std::time::Duration;

use super::values;
use crate::dialer::persistence::{Persistence, Remembered};
use crate::dialer::{
    Apns, ByItself, Dialer, Endpoints, Facts, Lines, Liveness, MissedCalls, Scheduler, Teller, Trying,
};
use crate::log::Log;
use crate::paths::Paths;
use crate::ppp::{Session, SessionEffect, Timestamp, counters};
use crate::record::Record;
use crate::site::{self, Site};
use crate::state::Store;

/// The dialer, before its first event.
pub(in crate::dialer) struct Begun<'a> {
    /// The dialer.
    pub dialer: Dialer,
    /// The first effects, of its session.
    pub effects: Vec<SessionEffect>,
    /// The role in force.
    pub role: site::Dialer,
    /// The places that were read.
    pub persistence: Persistence<'a>,
}

/// A dialer of a site, in which `role` is its role.
pub(in crate::dialer) fn begin<'a>(
    paths: &Paths,
    site: &Site,
    role: &site::Dialer,
    facts: &Facts,
    at: Timestamp,
    log: &'a Log,
) -> Begun<'a> {
    let proof = role.sms.as_ref().map(|sms| &sms.proof);
    let (persistence, Remembered { past, session, copied }) = Persistence::open(paths, proof, log);
    let trying = values::restore(paths, site, log);
    let role = trying.role().unwrap_or(role).clone();
    let (mut session, effects) = Session::new(&role.link, &session, copied, counters::running(paths), at);
    let told = Record::parse(&Store::new(paths.state()).read(Teller::FILE).unwrap_or_default());
    let by_itself = by_itself(site, &role, &told, trying);
    session.set_attempts(by_itself.apns.count());
    let dialer = Dialer::new(role.sms.as_ref(), &past, at.now, session, by_itself, facts.clone());
    Begun { dialer, effects, role, persistence }
}

fn by_itself(site: &Site, role: &site::Dialer, told: &Record, trying: Trying) -> ByItself {
    let name = &site.hostname;
    let schedule = role.schedule.clone();
    let watched = role.vpn.as_ref().filter(|vpn| vpn.renew);
    let endpoints = role.vpn.as_ref().map(Endpoints::new);
    let count = endpoints.as_ref().map_or(0, Endpoints::count);
    let keepalive = |vpn: &site::Vpn| Duration::from_secs(vpn.keepalive.get().into());
    ByItself {
        scheduler: schedule.map(|schedule| Scheduler::new(schedule, site.timezone.clone(), name)),
        liveness: watched.map(|vpn| Liveness::new(keepalive(vpn), count).with_networks(vpn.networks.clone())),
        endpoints,
        apns: Apns::new(&role.operator),
        lines: role.gpio.as_ref().map(Lines::new).unwrap_or_default(),
        missed_calls: role.missed_call.clone().map(MissedCalls::new),
        teller: role.tell.clone().map(|tell| Teller::new(tell, name, told)),
        trying: Some(trying),
    }
}
