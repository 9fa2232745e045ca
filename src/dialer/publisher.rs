//! The published records of the dialer.

use crate::log::Log;
use crate::names::record;
use crate::paths::Paths;
use crate::published::{ClockSource, CodesStatus, LinkStatus, Published};

/// Publishes each record when it has changed.
#[derive(Debug)]
pub(super) struct Publisher<'a> {
    paths: &'a Paths,
    log: &'a Log,
    link: Option<LinkStatus>,
    codes: Option<CodesStatus>,
    clock: Option<ClockSource>,
}

impl<'a> Publisher<'a> {
    /// Nothing is published yet.
    pub fn new(paths: &'a Paths, log: &'a Log) -> Self {
        Self { paths, log, link: None, codes: None, clock: None }
    }

    /// Publishes what differs from the last time.
    pub fn publish(&mut self, link: LinkStatus, codes: CodesStatus, clock: ClockSource) {
        let (paths, log) = (self.paths, self.log);
        replace(&mut self.link, link, record::LINK, paths, log);
        replace(&mut self.codes, codes, record::CODES, paths, log);
        replace(&mut self.clock, clock, record::CLOCK, paths, log);
    }
}

fn replace<T: Published + PartialEq>(last: &mut Option<T>, new: T, name: &str, paths: &Paths, log: &Log) {
    if last.as_ref() == Some(&new) {
        return;
    }
    if let Err(error) = paths.publish(name, &new.to_record()) {
        log.warning(&format!("publishing: {error}"));
    }
    *last = Some(new);
}
