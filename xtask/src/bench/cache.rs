//! A new machine's build beside one with a shared cache, which a real nginx serves from loopback as
//! docs/shared-cache.md has it.

use std::{
    fs,
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    thread::sleep,
    time::Duration,
};

use super::{Figure, checkout::Checkout};
use crate::{
    context::BuildContext,
    error::{Context, Error, Result},
    lab,
};

/// The documentation, which has the server's configuration.
const DOCUMENT: &str = "docs/shared-cache.md";
/// What the configuration there is for.
const DOCUMENTED: [&str; 3] = ["listen 8080;", "/var/cache/dialbox", "192.0.2.10"];

/// Builds in turn without and with the cache, each time with nothing but the downloads.
pub fn measure(ctx: &BuildContext, runs: u32) -> Result<Vec<Figure>> {
    let bench = Checkout::prepare(ctx)?;
    let server = Server::start(ctx, &lab::tool(ctx, "nginx")?)?;
    bench.forget_tasks()?;
    bench.build(&["--cache", &server.url, "--cache-push"])?; // the downloads, and what is pushed
    let (mut without, mut with) = (Vec::new(), Vec::new());
    for _ in 0..runs {
        bench.forget_tasks()?;
        without.push(bench.build(&[])?.seconds);
        let made = bench.sums()?;
        bench.forget_tasks()?;
        with.push(bench.build(&["--cache", &server.url])?.seconds);
        if bench.sums()? != made {
            return Err(Error::new("the image that the cache gave is another one than that made here"));
        }
    }
    let ratio = with.iter().zip(&without).map(|(with, without)| 100.0 * with / without).collect();
    Ok(vec![
        Figure::new("downloads cached, nothing compiled: an image", "s", without),
        Figure::new("the same with a filled cache", "s", with),
        Figure::new("  of the time without", "%", ratio),
    ])
}

/// nginx, until it is dropped.
struct Server {
    url: String,
    process: Child,
}

impl Server {
    fn start(ctx: &BuildContext, tool: &Path) -> Result<Self> {
        let broken = || "cannot start nginx".to_owned();
        let dir = ctx.cache.join("bench/nginx");
        let _ = fs::remove_dir_all(&dir);
        fs::create_dir_all(dir.join("cache")).context(broken)?;
        let address = free_address().context(broken)?;
        let document = ctx.workspace.join(DOCUMENT);
        let text = fs::read_to_string(&document).context(|| format!("cannot read {DOCUMENT}"))?;
        let server = configuration(&text, address, &dir.join("cache"))
            .ok_or_else(|| Error::new(format!("{DOCUMENT} has no such server as it had")))?;
        let file = dir.join("nginx.conf");
        fs::write(&file, around(&server, &dir)).context(broken)?;
        let mut command = program(tool, "usr/sbin/nginx");
        command.arg("-e").arg(dir.join("error.log")).arg("-p").arg(&dir).arg("-c").arg(&file);
        let process = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let mut started = Self { url: format!("http://{address}"), process: process.context(broken)? };
        started.wait(address).then_some(started).ok_or_else(|| {
            Error::new(broken()).fact(fs::read_to_string(dir.join("error.log")).unwrap_or_default())
        })
    }

    /// Whether it accepts connections soon.
    fn wait(&mut self, address: SocketAddr) -> bool {
        (0..500).any(|_| {
            sleep(Duration::from_millis(20));
            // A connection to another server that has taken the port meanwhile is none to this one.
            TcpStream::connect(address).is_ok() && matches!(self.process.try_wait(), Ok(None))
        })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// An address on which nothing listens.
fn free_address() -> std::io::Result<SocketAddr> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()
}

/// A program of unpacked packages, started by their own loader.
fn program(tool: &Path, path: &str) -> Command {
    let libraries = ["lib", "usr/lib"].map(|dir| tool.join(dir).join("x86_64-linux-gnu"));
    let loader = libraries.iter().map(|dir| dir.join("ld-linux-x86-64.so.2")).find(|file| file.is_file());
    let mut command = Command::new(loader.unwrap_or_default());
    let [first, second] = libraries.map(|dir| dir.display().to_string());
    command.arg("--library-path").arg(format!("{first}:{second}")).arg(tool.join(path));
    command
}

/// The documented server, at this address and with this directory; only this machine fills it.
fn configuration(document: &str, address: SocketAddr, dir: &Path) -> Option<String> {
    let (_, from) = document.split_once("```\nserver {")?;
    let (server, _) = from.split_once("\n```")?;
    let [listen, root, pusher] = DOCUMENTED;
    let is_known = DOCUMENTED.iter().all(|word| server.contains(word));
    let server = server
        .replace(listen, &format!("listen {address};"))
        .replace(root, &dir.display().to_string())
        .replace(pusher, &Ipv4Addr::LOCALHOST.to_string());
    is_known.then(|| format!("server {{{server}"))
}

/// What nginx wants around it, without another user's rights and with all its files in one directory.
fn around(server: &str, dir: &Path) -> String {
    let temporary =
        ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(|kind| format!("{kind}_temp_path {kind};"));
    format!(
        "daemon off;\nmaster_process off;\npid nginx.pid;\nevents {{}}\nhttp {{\naccess_log off;\n{}\n{server}\n}}\n",
        temporary.map(|line| line.replace("path ", &format!("path {}/", dir.display()))).join("\n")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documented_server_is_started() {
        let document = include_str!("../../../docs/shared-cache.md");
        let address = "127.0.0.1:4000".parse().unwrap();
        let server = configuration(document, address, Path::new("/x")).unwrap();
        assert!(server.starts_with("server {\n    listen 127.0.0.1:4000;\n    root /x;\n"), "{server}");
        assert!(server.contains("allow 127.0.0.1; deny all;") && server.ends_with("}\n}"), "{server}");
        assert_eq!(configuration("```\nserver {\n}\n```", address, Path::new("/x")), None);
    }
}
