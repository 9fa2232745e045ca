//! Progress on the terminal: a bar during long work, one line when it is done. Without a terminal only
//! the lines are printed.

use std::{
    borrow::Cow,
    io::IsTerminal,
    time::{Duration, Instant},
};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::print::tell;

/// The terminal, shared by everything that runs at the same time.
#[derive(Debug, Clone)]
pub struct Progress {
    bars: MultiProgress,
    terminal: bool,
    explain: bool,
}

/// A phase under way; [`Phase::done`] writes its line.
#[derive(Debug)]
pub struct Phase<'a> {
    progress: &'a Progress,
    name: Cow<'static, str>,
    began: Instant,
    bar: ProgressBar,
}

impl Progress {
    /// Bars on standard error if that is a terminal.
    pub fn new() -> Self {
        let terminal = std::io::stderr().is_terminal();
        let target = if terminal { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        Self { bars: MultiProgress::with_draw_target(target), terminal, explain: false }
    }

    /// Turns on the reasons for tasks to run.
    pub fn explaining(&mut self) {
        self.explain = true;
    }

    /// Prints a reason if they are on.
    pub fn explain(&self, reason: impl FnOnce() -> String) {
        if self.explain {
            self.line(format!("  why: {}", reason()));
        }
    }

    /// One line above the bars.
    pub fn line(&self, text: impl AsRef<str>) {
        if self.terminal {
            // Fails when the bars are gone; then there is no terminal either.
            let _ = self.bars.println(text);
        } else {
            tell(text.as_ref());
        }
    }

    /// Work without a known length.
    pub fn phase(&self, name: impl Into<Cow<'static, str>>) -> Phase<'_> {
        let name = name.into();
        let bar = self.bars.add(ProgressBar::new_spinner());
        bar.set_style(style("{spinner} {prefix:12} {elapsed:>5} {wide_msg}"));
        bar.set_prefix(name.clone());
        if self.terminal {
            bar.enable_steady_tick(Duration::from_millis(120));
        }
        Phase { progress: self, name, began: Instant::now(), bar }
    }

    /// Work of `bytes` bytes; report them with [`Phase::advance`].
    pub fn transfer(&self, name: impl Into<Cow<'static, str>>, bytes: u64) -> Phase<'_> {
        let phase = self.phase(name);
        phase.bar.set_length(bytes);
        phase.bar.set_style(style(
            "{spinner} {prefix:12} {elapsed:>5} [{bar:30}] {bytes}/{total_bytes} {bytes_per_sec} {eta} left {wide_msg}",
        ));
        phase
    }
}

impl Phase<'_> {
    /// This many more bytes are done.
    pub fn advance(&self, bytes: u64) {
        self.bar.inc(bytes);
    }

    /// The current item.
    pub fn now(&self, what: impl Into<Cow<'static, str>>) {
        self.bar.set_message(what);
    }

    /// Removes the bar and writes the phase's line: name, outcome, duration.
    pub fn done(self, outcome: impl AsRef<str>) {
        self.bar.finish_and_clear();
        let seconds = self.began.elapsed().as_secs_f64();
        self.progress.line(format!("  {:12} {:<58} {seconds:6.2} s", self.name, outcome.as_ref()));
    }
}

impl Drop for Phase<'_> {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}
