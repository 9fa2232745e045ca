//! The state of the box, collected from the records of its services.

pub mod card;
mod json;
mod text;

pub use json::json_object;

use std::fs;
use std::time::Duration;

use crate::apply::SiteInForce;
use crate::build::Build;
use crate::clock::{self, Plausible};
use crate::names::{EXT4, LineName, Service, record};
use crate::paths::Paths;
use crate::published::{
    BootStatus, CardStatus, ClockSource, CodesStatus, DriverStatus, FirewallStatus, LastBoot, LineStatus,
    LinkStatus, ModemStatus, Published,
};
use crate::service;
use crate::site::{Proof, Role, Site};
use crate::state::Loss;
use crate::watch::heartbeat::HeartbeatState;

/// The state of the box at one moment. Unknown parts are left out.
#[derive(Debug, Clone, Default)]
pub struct Status {
    version: Option<String>,
    hostname: Option<String>,
    role: Option<&'static str>,
    uptime: Duration,
    clock: Option<Clock>,
    /// Whether the root below the overlay is mounted read-only.
    sealed: bool,
    boot: Option<BootStatus>,
    /// What the state partition cannot do now.
    loss: Option<Loss>,
    ledger: Option<LastBoot>,
    /// Not known before `scrubd` has started.
    card: Option<CardStatus>,
    site: Option<SiteInForce>,
    /// Not known before the first interface is about to come up.
    firewall: Option<FirewallStatus>,
    services: Vec<(Service, HeartbeatState)>,
    modems: Modems,
    /// The link of a dialer, and the month's traffic.
    link: Option<LinkStatus>,
    /// Whether a dialer can accept codes.
    codes: Option<CodesStatus>,
}

/// The settable clock, in seconds since 1970.
#[derive(Debug, Clone, Copy)]
struct Clock {
    shows: i64,
    /// No later time is accepted.
    ends: i64,
    /// Where it has its time from, as a dialer knows it.
    source: Option<ClockSource>,
    /// Whether codes are right by it.
    has_codes: bool,
}

/// The modems of the role; `None` for one whose service has not published a record yet.
#[derive(Debug, Clone, Default)]
enum Modems {
    /// There is no valid site.
    #[default]
    Unknown,
    Dialer(Box<Option<DriverStatus<ModemStatus>>>),
    Lines(Vec<(LineName, Option<DriverStatus<LineStatus>>)>),
}

impl Status {
    /// Collects the state of the box.
    pub fn gather(paths: &Paths) -> Self {
        let read = |path: &str| fs::read_to_string(paths.path(path)).unwrap_or_default();
        let uptime = clock::since_boot();
        let site = fs::read_to_string(paths.site()).ok();
        let role = site.and_then(|text| Site::parse(&text).ok()).map(|site| site.role);
        let is_dialer = matches!(role, Some(Role::Dialer(_)));
        let services = role.as_ref().map(service::for_role).into_iter().flatten();
        let build = Build::load(paths);
        let boot: Option<BootStatus> = read_published(paths, record::BOOT);
        let is_in_ram = boot.as_ref().is_some_and(BootStatus::state_is_in_ram);
        let ends = Plausible::since_build(build.epoch).latest();
        Self {
            version: build.version,
            hostname: Some(read("/proc/sys/kernel/hostname").trim().to_owned())
                .filter(|name| !name.is_empty()),
            role: role.as_ref().map(Role::as_str),
            uptime,
            clock: Some(Clock {
                shows: clock::unix(),
                ends,
                source: read_published(paths, record::CLOCK),
                has_codes: role.as_ref().is_some_and(has_codes_by_the_clock),
            }),
            sealed: is_read_only(&read("/proc/mounts"), "/run/root"),
            boot,
            loss: Loss::of(&paths.state(), &paths.path(EXT4), is_in_ram),
            ledger: read_published(paths, record::LEDGER),
            card: read_published(paths, record::SCRUB),
            site: read_published(paths, record::SITE),
            firewall: read_published(paths, record::FIREWALL),
            services: services
                .map(|service| (service, HeartbeatState::read(paths, service, uptime)))
                .collect(),
            modems: role.as_ref().map_or(Modems::Unknown, |role| modems(paths, role)),
            link: is_dialer.then(|| read_published(paths, record::LINK)).flatten(),
            codes: is_dialer.then(|| read_published(paths, record::CODES)).flatten(),
        }
    }
}

fn has_codes_by_the_clock(role: &Role) -> bool {
    match role {
        Role::Dialer(dialer) => dialer.sms.as_ref().is_some_and(|sms| matches!(sms.proof, Proof::Totp(_))),
        Role::DialIn(_) => false,
    }
}

fn read_published<P: Published>(paths: &Paths, name: &str) -> Option<P> {
    paths.published(name).as_ref().and_then(P::from_record)
}

fn modems(paths: &Paths, role: &Role) -> Modems {
    match role {
        Role::Dialer(_) => Modems::Dialer(Box::new(read_published(paths, record::MODEM))),
        Role::DialIn(dial_in) => {
            let names = (1..=dial_in.lines.len()).map(LineName);
            Modems::Lines(names.map(|name| (name, read_published(paths, &name.to_string()))).collect())
        }
    }
}

/// Whether `/proc/mounts` shows a mount point read-only.
fn is_read_only(mounts: &str, mount_point: &str) -> bool {
    mounts.lines().any(|line| {
        let mut fields = line.split(' ').skip(1);
        let here = fields.next() == Some(mount_point);
        let options = fields.nth(1).unwrap_or_default();
        here && options.split(',').any(|option| option == "ro")
    })
}

fn as_str(state: HeartbeatState) -> &'static str {
    match state {
        HeartbeatState::Missing => "starting",
        HeartbeatState::Fresh => "up",
        HeartbeatState::Stale { .. } => "stuck",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Record;

    fn read<P: Published>(text: &str) -> Option<P> {
        P::from_record(&Record::parse(text))
    }

    fn clock(source: Option<ClockSource>, has_codes: bool) -> Clock {
        Clock { shows: 1_784_001_598, ends: 2_099_534_400, source, has_codes }
    }

    /// A dialer box an hour after its twelfth boot.
    fn dialer() -> Status {
        Status {
            version: Some("0.1.0 (3f1c9aa)".into()),
            hostname: Some("hut".into()),
            role: Some("dialer"),
            uptime: Duration::from_secs(3_720),
            clock: Some(clock(Some(ClockSource::Network), false)),
            sealed: true,
            loss: None,
            boot: read(
                "root=/dev/mmcblk0p2\nroot-copy=A\nroot-check=verified\nroot-trouble=\nboot=mounted\n\
                 state=clean\nstate-trouble=\n",
            ),
            ledger: read("number=12\ncause=stuck sms-dialer\n"),
            card: read("twin=whole\nscrubbed=1783998000\nhealed=3\nbad=0\nkernel-log=812\n"),
            site: read("site=baked\n"),
            firewall: read("firewall=loaded\n"),
            services: vec![
                (Service::SmsDialer, HeartbeatState::Fresh),
                (Service::Watchdogd, HeartbeatState::Fresh),
            ],
            modems: Modems::Dialer(Box::new(read(
                "manufacturer=Option N.V.\nmodel=GTM \"378\"\nsim=ready\n\
                     registration=roaming\noperator=Free (20815)\nsignal-dbm=-79\n\
                     port=/dev/ttyHS1 (hso at 1-1.1:1.0, Application)\n\
                     data-port=/dev/ttyHS3 (hso at 1-1.1:1.2, Modem)\n",
            ))),
            link: read(
                "link=up\ninterface=ppp0\nlocal=10.3.2.1\nremote=10.64.64.64\nuntil-uptime=5520\n\
                 used=12300000\nbudget=500000000\nmonth=2026-07\n",
            ),
            codes: read("codes=ready\n"),
        }
    }

    #[test]
    fn the_status_fits_on_one_screen() {
        insta::assert_snapshot!(dialer().to_string(), @r#"
        dialbox   0.1.0 (3f1c9aa), hut, dialer, up 1 h 02 min
        boots     12, the last one after: stuck sms-dialer
        root      A (/dev/mmcblk0p2), read-only, verified
        card      scrubbed 2026-07-14 03:00:00 UTC, all blocks are good, 3 healed so far
        state     clean
        clock     2026-07-14 03:59:58 UTC, from the network, cannot be set later than 2036-07-13
        site      baked
        services  sms-dialer up, watchdogd up
        modem     /dev/ttyHS1 (hso at 1-1.1:1.0, Application)
                  data /dev/ttyHS3 (hso at 1-1.1:1.2, Modem)
                  Option N.V., GTM "378"
                  SIM ready, signal -79 dBm
                  Free (20815), roaming
        link      up, ppp0, 10.3.2.1, to 10.64.64.64, 30 min left
                  12.3MB of 500MB used in 2026-07
        "#);
    }

    #[test]
    fn the_status_of_a_faulty_box_shows_the_faults() {
        let status = Status {
            uptime: Duration::from_secs(45),
            sealed: false,
            loss: Some(Loss::InRam),
            boot: read(
                "root=/dev/mmcblk0p3\nroot-copy=B\nroot-check=NOT verified\n\
                 root-trouble=/dev/mmcblk0p2: it has no superblock of dm-verity\n\
                 state=memory\nstate-trouble=mount: I/O error\n\
                 failed-boots=3\nremedies=after 3 failed boots: root B first\n",
            ),
            card: read(
                "twin=being-made\npercent=42\nhealed=0\nbad=2\ntrouble=config.txt: it is not the image's\n",
            ),
            site: read(
                "site=broken\nwhy=site.toml:5:1: unknown key `apm`; did you mean `apn`?\nin-force=baked\n",
            ),
            firewall: read("firewall=refused\nwhy=/etc/nftables.conf:3:1-5: Error: syntax error\n"),
            services: vec![
                (Service::SmsDialer, HeartbeatState::Stale { age: Duration::from_secs(33) }),
                (Service::Watchdogd, HeartbeatState::Missing),
            ],
            modems: Modems::Dialer(Box::new(read("trouble=no modem found\n"))),
            codes: read("codes=lost\nsecond-copy-trouble=I/O error\n"),
            ..dialer()
        };
        insta::assert_snapshot!(status.to_string(), @"
        dialbox   0.1.0 (3f1c9aa), hut, dialer, up 45 s
        boots     12, the last one after: stuck sms-dialer
                  after 3 failed boots: root B first
        root      B (/dev/mmcblk0p3), WRITABLE, NOT verified
                  /dev/mmcblk0p2: it has no superblock of dm-verity
        card      the second copy is being made, 42 %, not scrubbed yet, 2 BLOCKS CANNOT BE HEALED
                  config.txt: it is not the image's
        state     memory (mount: I/O error)
                  what is new is LOST at the next boot
        clock     2026-07-14 03:59:58 UTC, from the network, cannot be set later than 2036-07-13
        site      broken, the baked one is in force
                  site.toml:5:1: unknown key `apm`; did you mean `apn`?
        firewall  no rules, so no link and no network
                  /etc/nftables.conf:3:1-5: Error: syntax error
        services  sms-dialer stuck for 33 s, watchdogd starting
        modem     no modem found
        link      up, ppp0, 10.3.2.1, to 10.64.64.64, 1 h 31 min left
                  12.3MB of 500MB used in 2026-07
        codes     REFUSED: which were used is lost
                  next: `dialctl codes resync CODE NEXT` with two codes of the app
                  no second copy: I/O error
        ");
    }

    #[test]
    fn the_clock_says_where_it_has_its_time_from_and_what_that_means_for_codes() {
        let shown = |source, has_codes| {
            let status = Status { clock: Some(clock(source, has_codes)), ..dialer() };
            let text = status.to_string();
            let rows = text.lines().skip_while(|line| !line.starts_with("clock"));
            rows.take_while(|line| !line.starts_with("site")).collect::<Vec<_>>().join("\n")
        };
        let sources = [ClockSource::Network, ClockSource::Unproven, ClockSource::Saved, ClockSource::NotSet];
        let all: Vec<_> = sources.into_iter().map(|source| shown(Some(source), true)).collect();
        insta::assert_snapshot!(all.join("\n"), @"
        clock     2026-07-14 03:59:58 UTC, from the network, cannot be set later than 2036-07-13
                  codes are checked
        clock     2026-07-14 03:59:58 UTC, from the network, cannot be set later than 2036-07-13
                  local or universal time: a code that is right by either is accepted, once
        clock     2026-07-14 03:59:58 UTC, saved before the boot, cannot be set later than 2036-07-13
                  codes are refused until the network sends the time
        clock     2026-07-14 03:59:58 UTC, not set, cannot be set later than 2036-07-13
                  codes are refused until the network sends the time
        ");
        insta::assert_snapshot!(
            shown(Some(ClockSource::Saved), false),
            @"clock     2026-07-14 03:59:58 UTC, saved before the boot, cannot be set later than 2036-07-13"
        );
        insta::assert_snapshot!(
            shown(None, false),
            @"clock     2026-07-14 03:59:58 UTC, cannot be set later than 2036-07-13"
        );
    }

    #[test]
    fn a_line_shows_its_calls() {
        let status = Status {
            role: Some("dial-in"),
            services: vec![
                (Service::DialIn, HeartbeatState::Fresh),
                (Service::Watchdogd, HeartbeatState::Fresh),
            ],
            modems: Modems::Lines(vec![(
                LineName(1),
                read("line=ready\ncalls=3\nrings=2\ncaller=0555\nport=/dev/ttyUSB0 (ch341 at 1-1:1.0)\n"),
            )]),
            link: None,
            codes: None,
            ..dialer()
        };
        let text = status.to_string();
        let (_, line) = text.split_once("line1").unwrap();
        insta::assert_snapshot!(line, @"
             /dev/ttyUSB0 (ch341 at 1-1:1.0)
                  ready, 3 calls, the last one with 2 rings from 0555
        ");
    }

    #[test]
    fn the_status_without_records_is_shown_without_failing() {
        insta::assert_snapshot!(Status::default().to_string(), @"
        dialbox   unknown build, unnamed, no valid site, up 0 s
        boots     unknown
        root      unknown
        state     unknown
        site      unknown
        services  none
        ");
    }

    #[test]
    fn json_has_the_same_content() {
        insta::assert_snapshot!(dialer().to_json(), @r#"{"version":"0.1.0 (3f1c9aa)","hostname":"hut","role":"dialer","uptime":3720,"clock":{"shows":1784001598,"ends":2099534400,"source":"network"},"sealed":true,"boot":{"root":"/dev/mmcblk0p2","root-copy":"A","root-check":"verified","root-trouble":"","boot":"mounted","state":"clean","state-trouble":""},"state-loss":null,"ledger":{"number":12,"cause":"stuck sms-dialer"},"scrub":{"twin":"whole","scrubbed":1783998000,"healed":3,"bad":0,"kernel-log":812},"site":{"site":"baked"},"firewall":{"firewall":"loaded"},"services":{"sms-dialer":"up","watchdogd":"up"},"modem":{"manufacturer":"Option N.V.","model":"GTM \"378\"","sim":"ready","registration":"roaming","operator":"Free (20815)","signal-dbm":-79,"port":"/dev/ttyHS1 (hso at 1-1.1:1.0, Application)","data-port":"/dev/ttyHS3 (hso at 1-1.1:1.2, Modem)"},"link":{"link":"up","interface":"ppp0","local":"10.3.2.1","remote":"10.64.64.64","until-uptime":5520,"used":12300000,"budget":500000000,"month":"2026-07"},"codes":{"codes":"ready"}}"#);
    }

    #[test]
    fn only_an_ro_option_is_read_only() {
        let mounts = "/dev/mmcblk0p2 /run/root squashfs ro,relatime,errors=continue 0 0\n\
                      root / overlay rw,noatime,lowerdir=/run/root 0 0\n";
        assert!(is_read_only(mounts, "/run/root"));
        assert!(!is_read_only(mounts, "/"));
        assert!(!is_read_only(mounts, "/state"));
    }
}
