//! The list of checked figures.

use super::{Figure, Wanted, build, code, downloads};

/// The code counts seconds.
const MINUTE: f64 = 60.0;
const HOUR: f64 = 3600.0;
/// Lock and build count bytes, a bound kilobytes.
const MEGA: f64 = 1e6;
const KILO: f64 = 1e3;
/// The page counts bits, the code octets.
const BIT: f64 = 0.125;

/// By page.
pub(super) const FIGURES: &[(&str, &[Figure])] = &[
    (
        "README.md",
        &[
            downloads("downloads {} MB of packages", Wanted::Image).per(MEGA),
            downloads("are pinned there, too: {} MB", Wanted::CallerAlone).per(MEGA),
            build("the card, byte for byte, {} MB", |it| it.image).per(MEGA),
            build("the same, compressed, {} MB", |it| it.compressed).per(MEGA),
            build("our init and {} modules", |it| it.early_modules),
            code("| FAT, {} MiB |", "image/image.toml", "boot-mib = {}"),
            code("MiB | {} MiB | 16 MiB |", "image/image.toml", "root-mib = {}"),
            code("| {} MiB, grows |", "image/image.toml", "state-mib = {}"),
        ],
    ),
    (
        "docs/architecture.md",
        &[
            code("downloads over {} connections", "xtask/src/debian/fetch.rs", "CONNECTIONS: usize = {};"),
            code("{} outputs are kept per task", "xtask/src/task.rs", "KEPT: usize = {};"),
            code(
                "with every failed boot from {} seconds",
                "src/boot/attempts.rs",
                "const PAUSE: Duration = Duration::from_secs({})",
            ),
            code("`init` sets it to {} s", "src/boot/watchdog.rs", "const TIMEOUT: u16 = {};"),
            code(
                "their heartbeats in time for {} s",
                "src/boot/attempts.rs",
                "GOOD_AFTER: Duration = Duration::from_secs({})",
            ),
            code(
                "saves the clock every {} hours",
                "src/bin/dialbox/watchdogd.rs",
                "SAVE_CLOCK_EVERY: Duration = Duration::from_secs({})",
            )
            .per(HOUR),
            code("After {} such boots in a row", "src/watch/health.rs", "FUTILE: usize = {};"),
            code(
                "the next comes only after {} hour",
                "src/watch/health.rs",
                "HOUR: Duration = Duration::from_secs({})",
            )
            .per(HOUR),
        ],
    ),
    (
        "docs/testing.md",
        &[
            code(
                "the box prints nothing for {} s",
                "ci/lab/src/console.rs",
                "SILENCE: Duration = Duration::from_secs({})",
            ),
            code(
                "or {} minutes of output without",
                "ci/lab/src/console.rs",
                "PATIENCE: Duration = Duration::from_secs({})",
            )
            .per(MINUTE),
            code(
                "has the expected text, for {} s at most",
                "ci/lab/src/booted.rs",
                "SETTLED_WITHIN: Duration = Duration::from_secs({})",
            ),
            code(
                "when nothing happens on it for {} s",
                "ci/lab/src/stage.rs",
                "silence: Duration::from_secs({})",
            ),
            code("has not come in {} minutes", "ci/lab/src/stage.rs", "total: Duration::from_secs({})")
                .per(MINUTE),
            code(
                "does not advance for {} minutes",
                "ci/lab/src/clock.rs",
                "HUNG: Duration = Duration::from_secs({})",
            )
            .per(MINUTE),
        ],
    ),
    (
        "docs/dialer.md",
        &[
            code(
                "the message deleted, {} s at most",
                "src/dialer/serve.rs",
                "PPPD_WAITS: Duration = Duration::from_secs({})",
            ),
            code("has not sent {} bytes within any minute", "src/ppp/idle.rs", "QUIET: u64 = {};"),
            code(
                "after {} s, 30 s, 2 min",
                "src/ppp/session/mod.rs",
                "[Duration::from_secs({}), Duration::from_secs(30)",
            ),
            code(
                "after 5 s, {} s, 2 min",
                "src/ppp/session/mod.rs",
                "[Duration::from_secs(5), Duration::from_secs({})",
            ),
            code(
                "5 s, 30 s, {} min and then",
                "src/ppp/session/mod.rs",
                "Duration::from_secs(30), Duration::from_secs({})",
            )
            .per(MINUTE),
            code(
                "2 min and then every {} min",
                "src/ppp/session/mod.rs",
                "Duration::from_secs(120), Duration::from_secs({})",
            )
            .per(MINUTE),
            code(
                "has not exited after {} s it is killed",
                "src/ppp/session/mod.rs",
                "KILL_AFTER: Duration = Duration::from_secs({})",
            ),
            code(
                "The counters are read every {} s",
                "src/ppp/session/mod.rs",
                "READ_EVERY: Duration = Duration::from_secs({})",
            ),
            code("is a claim: {} MB in advance", "src/ppp/budget.rs", "LEASE: u64 = {};").per(MEGA),
            code("after {} in a row, recovery", "src/modem/mobile/mod.rs", "PATIENCE: u32 = {};"),
            code("send them again every {} minutes", "src/modem/mobile/mod.rs", "REFRESH_EVERY: u32 = {};"),
            code(
                "remaining tries, and that is {} or more",
                "src/modem/mobile/sim.rs",
                "FEWEST_TRIES: u32 = {};",
            ),
            code("| repeat | … | {} s |", "src/modem/recovery.rs", "Self::Repeat => {},"),
            code("| hang-up | … | {} s |", "src/modem/recovery.rs", "Self::HangUp => {},"),
            code("| restart | … | {} s |", "src/modem/recovery.rs", "Self::Restart => {},"),
            code("| rebind | … | {} s |", "src/modem/recovery.rs", "Self::Rebind => {},"),
            code("causes at most {} reboots", "src/modem/recovery.rs", "FAILED_REBOOTS: u64 = {};"),
        ],
    ),
    (
        "docs/dial-in.md",
        &[
            code(
                "at the prompt of `login`, within {} s",
                "src/line/login.rs",
                "PATIENCE: Duration = Duration::from_secs({})",
            ),
            code(
                "or after {} s of silence",
                "src/line/login.rs",
                "LISTEN: Duration = Duration::from_secs({})",
            ),
            code("of silence: {} tries", "src/line/login.rs", "TRIES: u8 = {};"),
            code("tries, {} s in all", "src/line/login.rs", "PATIENCE: Duration = Duration::from_secs({})"),
            code(
                "the modem drops DCD | {} s |",
                "ci/lab/src/scenario/dial_in/parallel.rs",
                r#"CARRIER_LOST: Deadline = Deadline::new("line2", {})"#,
            ),
            code(
                "gives up before `CONNECT` | {} s |",
                "ci/lab/src/scenario/dial_in/bad_calls.rs",
                r#"deadline: Deadline::new("line1", {})"#,
            ),
            code(
                "| name or password wrong | {} s |",
                "ci/lab/src/scenario/dial_in/parallel.rs",
                r#"WRONG_PASSWORD: Deadline = Deadline::new("line1", {})"#,
            ),
            code(
                "| `dialctl hangup` | {} s |",
                "ci/lab/src/scenario/dial_in/parallel.rs",
                r#"HUNG_UP_HERE: Deadline = Deadline::new("line1", {})"#,
            ),
            code(
                "a fax, silence | {} s |",
                "ci/lab/src/scenario/dial_in/bad_calls.rs",
                r#"deadline: Deadline::new("line3", {})"#,
            ),
            code(
                "has an address, and DCD does not drop | {} s |",
                "ci/lab/src/scenario/dial_in/bad_calls.rs",
                r#"deadline: Deadline::new("line4", {})"#,
            ),
            code(
                "x (`lcp-echo-failure` + 1), plus {} s: 160 s by default |",
                "ci/lab/src/scenario/dial_in/parallel.rs",
                "SILENCE + {})",
            ),
            code(
                "| the modem hangs during a call | {} s,",
                "ci/lab/src/scenario/dial_in/bad_calls.rs",
                r#"AFTER_A_HANG: Deadline = Deadline::new("line5", {})"#,
            ),
            code(
                "| the adapter is pulled out during a call | {} s,",
                "ci/lab/src/scenario/adapter.rs",
                r#"PUT_IN_AGAIN: Deadline = Deadline::new("line1", {})"#,
            ),
        ],
    ),
    (
        "docs/site.md",
        &[
            code("SHA-1, steps of {} s", "src/sms/proof.rs", "STEP: u64 = {};"),
            code("Base32 of {} to 512 bits", "src/site/sms.rs", "SHORTEST_SECRET: usize = {};").per(BIT),
            code("Base32 of 128 to {} bits", "src/site/sms.rs", "LONGEST_SECRET: usize = {};").per(BIT),
            code("1000 to {} rounds", "src/site/hash.rs", "MOST_ROUNDS: u32 = {};"),
        ],
    ),
    (
        "docs/security.md",
        &[
            code("After {} wrong codes", "src/sms/attempts.rs", "pub const BURST: u32 = {};"),
            code(
                "one is forgiven every {} s",
                "src/sms/attempts.rs",
                "pub const REFILL: Duration = Duration::from_secs({});",
            ),
            code(
                "arrive within {} minutes of the first",
                "src/sms/attempts.rs",
                "PAIR_TIME: Duration = Duration::from_secs({});",
            )
            .per(MINUTE),
            code("may be up to {} codes later", "src/sms/attempts.rs", "SPAN: u64 = {};"),
        ],
    ),
    (
        "docs/benchmarks.md",
        &[
            code(
                "| no task cache: everything | … | {} s |",
                "xtask/src/bench/build.rs",
                "cold.0).at_most({})",
            ),
            code(
                "| of which not spent waiting for the compiler | … | {} s |",
                "xtask/src/bench/build.rs",
                "cold.1).at_most({})",
            ),
            code("| nothing changed | … | {} s |", "xtask/src/bench/build.rs", "again).at_most({})"),
            code(
                "| a file of the device's library changed | … | {} s |",
                "xtask/src/bench/build.rs",
                "changed).at_most({})",
            ),
            code("| a second site | … | {} s |", "xtask/src/bench/build.rs", "site).at_most({})"),
            build("| compressed image (`.img.gz`) | {} MB |", |it| it.compressed).per(MEGA),
            code(
                "| compressed image (`.img.gz`) | … | {} MB |",
                "xtask/src/bench/size.rs",
                "compressed, 1e6)).at_most({})",
            ),
            build("| raw image | {} MB |", |it| it.image).per(MEGA),
            code("| raw image | … | {} MiB |", "xtask/src/bench/size.rs", "image, 1e6)).at_most({} *"),
            build("| `dialbox`, all programs but `init` | {} MB |", |it| it.program).per(MEGA),
            code(
                "| `dialbox`, all programs but `init` | … | {} MB |",
                "xtask/src/bench/size.rs",
                "program, 1e3)).at_most({})",
            )
            .per(KILO),
            code(
                "`AT` on the modem's line | … | {} s |",
                "xtask/src/bench/boot.rs",
                r#"column("later", 2, 1.0)).at_most({})"#,
            ),
            code(
                "| memory used at idle | … | {} MB |",
                "xtask/src/bench/boot.rs",
                r#"column("later", 3, KIB_PER_MB)).at_most({})"#,
            ),
            build("loading modules, {} of them from the initramfs", |it| it.early_modules),
            code(
                "| the box's share from `+CMTI` to ip-up | … | … | {} s |",
                "xtask/src/bench/dialer.rs",
                r#"column("first", 0, 1.0)) .at_most({})"#,
            ),
            code(
                "over 60 s) | … | {} |",
                "xtask/src/bench/dialer.rs",
                r#"column("idle", 0, 1.0)).at_most({})"#,
            ),
            code(
                "| resident (`VmRSS`) | … | {} MB |",
                "xtask/src/bench/dialer.rs",
                r#"column("idle", 1, KIB_PER_MB)).at_most({})"#,
            ),
            code(
                "| `RING` to `ATA` | … | at most {} ms |",
                "xtask/src/bench/dial_in.rs",
                "in_ms(answer)).at_most({})",
            ),
            code(
                "pppd's first frame | … | at most {} ms |",
                "xtask/src/bench/dial_in.rs",
                "in_ms(speak)).at_most({})",
            ),
            code("without the service | … | at least {} % |", "xtask/src/bench/dial_in.rs", ".at_least({})"),
            code(
                "per line, with two lines | … | at most {} MB |",
                "xtask/src/bench/dial_in.rs",
                "&after, &count), ) .at_most({})",
            ),
            code(
                "from 5 calls to 50 | … | at most {} kB,",
                "xtask/src/bench/dial_in.rs",
                "LEDGER: f64 = {};",
            ),
        ],
    ),
];
