//! What a driver publishes about its modem: the status record, the symlink in `/dev`, the log.

use std::io;

use crate::modem::config::ModemConfig;
use crate::modem::dev_symlink::DevSymlink;
use crate::modem::ports::Candidate;
use crate::published::{DriverStatus, ModemStatus, PortNames, Published};
use crate::record::Record;

/// The status record of one driver.
#[derive(Debug)]
pub(super) struct StatusRecord<'a> {
    config: ModemConfig<'a>,
    link: DevSymlink,
    /// The error that was logged last.
    told: String,
    /// The ports that were logged last.
    tried: Vec<String>,
}

impl<'a> StatusRecord<'a> {
    /// Nothing is known yet.
    pub fn new(config: ModemConfig<'a>) -> Self {
        Self {
            config,
            link: DevSymlink::new(config.paths, config.name, config.port),
            told: String::new(),
            tried: Vec::new(),
        }
    }

    /// These ports are tried; they are logged if they differ from the last ones.
    pub fn trying(&mut self, ports: Vec<String>) {
        if ports != self.tried && !ports.is_empty() {
            self.config.log.info(&format!("trying {}", ports.join(", ")));
        }
        self.tried = ports;
    }

    /// The symlink.
    pub fn link(&self) -> &DevSymlink {
        &self.link
    }

    /// Which of these ports the symlink points to.
    pub fn linked<'b>(&self, ports: &'b [Candidate]) -> Option<&'b Candidate> {
        let target = self.link.target()?;
        ports.iter().find(|port| port.device == target)
    }

    /// Points the symlink at the data port.
    pub fn point_to(&self, data: &Candidate) {
        self.warn_if_failed("the symlink in /dev", self.link.point_to(&data.device));
    }

    /// Publishes the record of a modem that works, with its ports.
    pub fn modem(
        &mut self,
        record: Record,
        command: &Candidate,
        data: &Candidate,
        instead_of: Option<String>,
    ) {
        self.told.clear();
        let data = (command != data).then(|| data.to_string());
        self.publish(&PortNames { command: command.to_string(), data, instead_of }.add_to(record));
    }

    /// The modem worked: the next error is logged even if it equals the last one.
    pub fn forget_trouble(&mut self) {
        self.told.clear();
    }

    /// Another program has the modem, or the driver waits for something else.
    pub fn trouble(&mut self, what: String) {
        if what != self.told {
            self.config.log.warning(&what);
        }
        self.publish(&DriverStatus::<ModemStatus>::Trouble(what.clone()).to_record());
        self.told = what;
    }

    /// There is no modem, or it does not work: removes the symlink.
    pub fn gone(&mut self, why: String) {
        self.warn_if_failed("the symlink in /dev", self.link.remove());
        self.trouble(why);
    }

    /// Logs the failure of an operation that the driver can do without.
    pub fn warn_if_failed(&self, what: &str, result: io::Result<()>) {
        if let Err(error) = result {
            self.config.log.warning(&format!("{what}: {error}"));
        }
    }

    fn publish(&self, record: &Record) {
        self.warn_if_failed("publishing", self.config.paths.publish(self.config.name, record));
    }
}
