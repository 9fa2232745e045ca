//! The I/O of values that a text message has set: their record, and the files that are rendered from them.

use std::collections::VecDeque;
use std::fs;

use super::Serving;
use crate::apply;
use crate::dialer::trial::Reach;
use crate::dialer::{Event, Trying};
use crate::log::Log;
use crate::modem::mobile::AttachContext;
use crate::paths::Paths;
use crate::ppp::vpn;
use crate::record::Record;
use crate::site::{Role, Site};
use crate::state::Store;

/// The site in force at the start, and its files. Must be read after [`Persistence`](super::Persistence): a record that
/// is void here may still know of a used code.
pub(super) fn restore(paths: &Paths, site: &Site, log: &Log) -> Trying {
    let store = Store::new(paths.state());
    // The site was read from there a moment ago; without its text, no message can change it.
    let text = fs::read_to_string(paths.site()).unwrap_or_default();
    let Some(stored) = store.read(Reach::FILE) else { return Trying::unchanged(text, site.clone()) };
    let restored = Trying::restore(&text, &Record::parse(&stored));
    let trying = restored.unwrap_or_else(|| {
        log.warning("what text messages have set belongs to another site.toml: it is forgotten");
        if let Err(error) = store.clear(Reach::FILE) {
            log.warning(&format!("what text messages have set: {error}"));
        }
        Trying::unchanged(text, site.clone())
    });
    if let Err(error) = apply::write_changed(paths, trying.in_force()) {
        log.error(&format!("the site with what text messages have set: {error}"));
    }
    trying
}

impl Serving<'_> {
    pub(super) fn use_site(&mut self, site: &Site, events: &mut VecDeque<Event>) {
        let Role::Dialer(role) = &site.role else { return };
        if role.vpn != self.role.vpn {
            vpn::use_own_endpoint(self.paths);
        }
        self.role.clone_from(role);
        self.driver.protocol_mut().attach_with(AttachContext::new(&role.operator));
        if let Err(error) = apply::write_changed(self.paths, site) {
            self.log.error(&format!("the site with what a text message has set: {error}"));
            events.push_back(Event::SiteNotUsed);
        }
    }

    pub(super) fn store_trial(&mut self, record: &Record) {
        if let Err(error) = self.store.replace(Reach::FILE, &record.to_string()) {
            self.log.error(&format!("what a text message has set lasts until the next boot only: {error}"));
        }
    }
}
