//! A cache that several machines share: an HTTP server that stores what is PUT and gives it back, in the layout of
//! Bazel's remote cache. `/ac/KEY` has the record of a task's output, `/cas/SHA256` the content of a file.
//!
//! A file is used only if its SHA-256 is that of the record, and an output only if the digest of all its files is. That
//! the record itself is right for the key nobody can check without making the output: who may write there is trusted.

use std::{
    fs,
    io::Read,
    os::unix::fs::PermissionsExt,
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use ureq::{Agent, Body, http::Response};

use super::{
    Output, WorkDir,
    action_result::{File, Record},
    digest, digest_tree,
};
use crate::{
    context::{BuildContext, SharedCache},
    error::{Context, Result, printable},
};

/// The answer to the first question of a task must be there after this time.
const ANSWER: Duration = Duration::from_secs(1);
/// How long a server may send nothing.
const SILENCE: Duration = Duration::from_millis(400);
/// After this time a file must have come, or come at [`RATE`]. With the two above it makes 2 s at most.
const PATIENCE: Duration = Duration::from_millis(600);
/// Bytes in a second.
const RATE: f64 = 1e6;
/// A record of a few dozen files has a few kilobytes.
const LONGEST_RECORD: u64 = 1 << 20;
/// No output has a file of this size.
const LONGEST_FILE: u64 = 1 << 30;

/// The server.
pub(super) struct Remote<'a> {
    cache: &'a SharedCache,
    agent: Agent,
}

/// Why an output does not come from the server.
enum Trouble {
    /// The server does not work.
    Server(String),
    /// What it has for this task cannot be used.
    Content(String),
}

/// A file with its content.
type Filled<'a> = (&'a File, Vec<u8>);

impl<'a> Remote<'a> {
    /// The server of a cache.
    pub fn new(cache: &'a SharedCache) -> Self {
        // Without a proxy: it is a server of one's own.
        Self { cache, agent: Agent::new_with_config(crate::http::config()) }
    }

    /// Fills the directory with a task's output if the server has it; `false` if it is to be made.
    pub fn fetch(&self, ctx: &BuildContext, task: &str, key: &str, out: &WorkDir) -> Result<bool> {
        if self.cache.failed.load(Ordering::Relaxed) {
            return Ok(false);
        }
        let fetched = self.record(task, key).and_then(|record| {
            let Some(record) = record else { return Ok(None) };
            let files: Vec<Vec<u8>> =
                record.files.iter().map(|file| self.file(file)).collect::<Result<_, Trouble>>()?;
            Ok(Some((record, files)))
        });
        match fetched {
            Ok(None) => Ok(false),
            Err(trouble) => {
                self.warn(ctx, task, trouble);
                Ok(false)
            }
            Ok(Some((record, contents))) => {
                let files: Vec<Filled> = record.files.iter().zip(contents).collect();
                let found = write(out, &files).and_then(|()| digest_tree(out.dir()));
                if found.is_ok_and(|it| it == record.digest) {
                    return Ok(true);
                }
                self.warn(ctx, task, Trouble::Content("its files do not make the recorded output".into()));
                out.clear()?;
                Ok(false)
            }
        }
    }

    /// Stores an output that the server does not have, if that is asked for.
    pub fn store(&self, ctx: &BuildContext, task: &str, key: &str, output: &Output) -> Result<()> {
        if !self.cache.push || self.cache.failed.load(Ordering::Relaxed) {
            return Ok(());
        }
        let known = self.record(task, key).ok().flatten();
        if known.is_some_and(|it| it.digest == output.digest()) {
            return Ok(());
        }
        let dir = output.dir()?;
        let mut record = Record { digest: output.digest().to_owned(), files: Vec::new() };
        for path in output.names()? {
            let file = dir.join(&path);
            let cannot = || format!("cannot read {}", ctx.short(&file));
            let kind = fs::symlink_metadata(&file).context(cannot)?;
            let content = fs::read(&file).context(cannot)?;
            let sha256 = digest(&content);
            if let Err(trouble) = self.put(&format!("cas/{sha256}"), &content) {
                self.warn(ctx, task, trouble);
                return Ok(());
            }
            let executable = kind.permissions().mode() & 0o111 != 0;
            record.files.push(File { path, sha256, size: content.len() as u64, executable });
        }
        if let Err(trouble) = self.put(&ac(task, key), &record.encode()) {
            self.warn(ctx, task, trouble);
        }
        Ok(())
    }

    fn record(&self, task: &str, key: &str) -> Result<Option<Record>, Trouble> {
        let began = Instant::now();
        let request = self.agent.get(format!("{}/{}", self.cache.url, ac(task, key)));
        let response = request.config().timeout_global(Some(ANSWER)).build().call().map_err(server)?;
        if matches!(response.status().as_u16(), 404 | 410) {
            return Ok(None);
        }
        let message = self.body(response, LONGEST_RECORD, began)?;
        let record = Record::decode(&message);
        record.map(Some).ok_or_else(|| Trouble::Content("what it has is no record of an output".into()))
    }

    fn file(&self, file: &File) -> Result<Vec<u8>, Trouble> {
        let began = Instant::now();
        let request = self.agent.get(format!("{}/cas/{}", self.cache.url, file.sha256));
        let config = request.config().timeout_connect(Some(PATIENCE)).timeout_recv_response(Some(PATIENCE));
        let response = config.timeout_per_read(Some(SILENCE)).build().call().map_err(server)?;
        if matches!(response.status().as_u16(), 404 | 410) {
            return Err(Trouble::Content(format!("it has a record, but not the file {}", file.path)));
        }
        let content = self.body(response, file.size.min(LONGEST_FILE), began)?;
        if content.len() as u64 != file.size || digest(&content) != file.sha256 {
            let (found, size) = (content.len(), file.size);
            let what = format!("its {} has another content ({found} of {size} bytes came)", file.path);
            return Err(Trouble::Content(what));
        }
        Ok(content)
    }

    /// At most one byte more than `longest`.
    fn body(&self, response: Response<Body>, longest: u64, began: Instant) -> Result<Vec<u8>, Trouble> {
        let status = response.status().as_u16();
        if status != 200 {
            return Err(Trouble::Server(format!("it answers {status}")));
        }
        let mut body = response.into_body().into_reader().take(longest + 1);
        let (mut content, mut buffer) = (Vec::new(), vec![0; 64 * 1024]);
        loop {
            match body.read(&mut buffer) {
                Ok(0) => return Ok(content),
                Ok(more) => content.extend_from_slice(&buffer[..more]),
                Err(error) => return Err(Trouble::Server(format!("the answer broke off: {error}"))),
            }
            let passed = began.elapsed();
            if passed > PATIENCE && (content.len() as f64) < passed.as_secs_f64() * RATE {
                return Err(Trouble::Server("it is slow".into()));
            }
        }
    }

    fn put(&self, path: &str, content: &[u8]) -> Result<(), Trouble> {
        let limit = ANSWER + Duration::from_secs_f64(content.len() as f64 / RATE);
        let request = self.agent.put(format!("{}/{path}", self.cache.url));
        let response = request.config().timeout_global(Some(limit)).build().send(content).map_err(server)?;
        match response.status().as_u16() {
            200..=299 => Ok(()),
            status => Err(Trouble::Server(format!("it answers {status} to an upload"))),
        }
    }

    /// One line; the build goes on.
    fn warn(&self, ctx: &BuildContext, task: &str, trouble: Trouble) {
        let (why, what) = match trouble {
            Trouble::Server(why) => {
                self.cache.failed.store(true, Ordering::Relaxed);
                (why, "it is not asked again in this run".to_owned())
            }
            Trouble::Content(why) => (why, format!("`{task}` is made here")),
        };
        ctx.progress.line(printable(&format!("warning: the cache {}: {why}; {what}", self.cache.url)));
    }
}

fn server(error: ureq::Error) -> Trouble {
    Trouble::Server(error.to_string())
}

/// Bazel's keys are a SHA-256. The number is that of this format.
fn ac(task: &str, key: &str) -> String {
    format!("ac/{}", digest(format!("dialbox 1\0{task}\0{key}").as_bytes()))
}

fn write(out: &WorkDir, files: &[Filled]) -> Result<()> {
    files.iter().try_for_each(|(file, content)| match file.executable {
        true => out.write_program(&file.path, content),
        false => out.write(&file.path, content).map(drop),
    })
}
