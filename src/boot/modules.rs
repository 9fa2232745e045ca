//! The kernel modules of the initramfs, which are needed to mount the root.

use std::fs::{self, File};
use std::path::Path;

use rustix::io::Errno;
use rustix::system::finit_module;

use super::{Fatal, OrFatal};

/// The builder's list: one path a line, each module after those it depends on.
const ORDER: &str = "/modules/order";

/// Those that are loaded only if the kernel's command line names them: a software watchdog, for a board whose own one
/// does not work. It depends on no other module.
const ON_REQUEST: [&str; 1] = ["softdog"];

/// Loads those of the [requested](ON_REQUEST) modules that the initramfs has, before all others.
pub fn load_requested(modules: &[String]) -> Result<(), Fatal> {
    let requested = modules.iter().filter(|name| ON_REQUEST.contains(&name.as_str()));
    requested.map(|name| module(name)).filter(|path| Path::new(path).exists()).try_for_each(|it| insert(&it))
}

/// Loads the modules of the initramfs. A module that is loaded already or built in is not an error.
pub fn load() -> Result<(), Fatal> {
    let order = fs::read_to_string(ORDER).or_fatal(&format!("reading {ORDER}"))?;
    let on_request = ON_REQUEST.map(module);
    let mut wanted = order.lines().filter(|line| !line.is_empty() && !on_request.iter().any(|it| it == line));
    wanted.try_for_each(insert)
}

fn module(name: &str) -> String {
    format!("/modules/{name}.ko")
}

fn insert(path: &str) -> Result<(), Fatal> {
    let doing = format!("loading {path}");
    let file = File::open(path).or_fatal(&doing)?;
    match finit_module(&file, c"", 0) {
        Ok(()) | Err(Errno::EXIST) => Ok(()),
        Err(error) => Err(error).or_fatal(&doing),
    }
}
