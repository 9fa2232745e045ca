//! Who can log in by ssh.

use super::{SITE, check, shows};
use crate::error::Result;
use crate::stage::{Stage, stick};

/// A key without a known private half; the test makes its own pair below.
const KEYS: &str = "\n[ssh]\nkeys = [\"ssh-ed25519 \
                    AAAAC3NzaC1lZDI1NTE5AAAAILmYoNvgJvhHM5aBxq3WGNzQ+eQFVHXhXoRyNzMNjYw5 nobody\"]\n";
/// dbclient asks nothing (-y), and reads no password because there is no terminal.
const LOGIN: &str = "dbclient -y -i /tmp/key root@127.0.0.1 'echo $USER at $(hostname)' </dev/null 2>&1";

/// The server starts because the site names a key. Only the owner of such a key can log in. The box makes its host key
/// once, and again if the file is damaged.
pub fn keys_open(stage: &Stage) -> Result<()> {
    let machine = stage.dialer(stick())?;
    let site = machine.card().read_text(SITE)? + KEYS;
    machine.card().write(SITE, site.as_bytes())?;
    let mut booted = machine.boot()?;
    booted.until("netstat -lnt", &[":22 "])?;
    let modes = booted.must("ls -ld /root/.ssh/authorized_keys /state/ssh/host_ed25519")?;
    check(modes.matches("-rw-------").count() == 2, || format!("others can read a key:\n{modes}"))?;

    booted.must("dropbearkey -t ed25519 -f /tmp/key")?;
    let stranger = booted.run(LOGIN)?;
    check(stranger.code != 0, || format!("a stranger got in: {}", stranger.text))?;
    booted.must("dropbearkey -y -f /tmp/key | grep ^ssh >> /root/.ssh/authorized_keys")?;
    let login = booted.must(LOGIN)?;
    shows("the login", &login, &["root at dialbox"])?;

    booted.must("echo torn > /state/ssh/host_ed25519 && kill $(cat /run/dropbear.pid)")?;
    booted.until("dropbearkey -y -f /state/ssh/host_ed25519", &["ssh-ed25519"])?;
    booted.until(LOGIN, &["root at dialbox"])?;
    let key = booted.must("dropbearkey -y -f /state/ssh/host_ed25519 | sed -n 's/^Fingerprint: //p'")?;
    booted.must("kill $(cat /run/dropbear.pid)")?;
    booted.until(LOGIN, &["root at dialbox", &key]).map(drop)
}

/// Without keys the server does not start.
pub fn absent(stage: &Stage) -> Result<()> {
    let machine = stage.dialer(stick())?;
    let mut booted = machine.boot()?;
    booted.until("dialctl status", super::DIALER_UP)?;
    let listening = booted.run("pidof dropbear; netstat -lnt | grep ':22 '")?;
    check(listening.text.is_empty(), || format!("a server listens: {}", listening.text))
}
