//! `cargo xtask report`: what is in an image, what it costs, and under which licences.

use std::path::Path;

use crate::{
    bench::boot,
    cli,
    context::BuildContext,
    error::{Context, Result},
    inspect::{
        html::{self, size},
        sizes::{Report, ranked},
        subject::Subject,
    },
    print::print,
    private, text_file,
};

/// See the command line's help.
pub fn run(args: &cli::Report) -> Result<()> {
    let ctx = BuildContext::new(&cli::Sources::default());
    let subject = Subject::read(&args.image)?;
    let licences = subject.image.with_file_name("licences").join("licences.tsv");
    let licences = text_file::read(&licences, "the licences").unwrap_or_default();
    let times = boot::left(&ctx, &subject.bytes);
    let report = Report::new(&subject, &licences, times);
    if let Some(file) = &args.html {
        write(file, html::write(&report).as_bytes())?;
        ctx.progress.line(format!("  {} is written: open it in a browser", file.display()));
    }
    if args.json {
        let json = serde_json::to_string_pretty(&report).context(|| "cannot write the report".into())?;
        print(&format!("{json}\n"))?;
    } else if args.html.is_none() {
        print(&text(&report, subject.listed.is_empty()))?;
    }
    Ok(())
}

/// The report has the names of the site's files, and nothing of what is in them; still, it is its owner's.
fn write(file: &Path, bytes: &[u8]) -> Result<()> {
    private::write_file(file, bytes).context(|| format!("cannot write {}", file.display()))
}

fn text(report: &Report, is_unlisted: bool) -> String {
    let total = report.total();
    let mut text = format!(
        "{}: {} files of {}; on the card {}, and {} for the tables of the root\n",
        report.image,
        total.files,
        size(total.bytes),
        size(total.compressed),
        size(report.squashfs.1)
    );
    if is_unlisted {
        text += "there is no list of its files beside it: recipes and packages are not known\n";
    }
    for (title, sums) in [("recipe", &report.recipes), ("package", &report.components)] {
        text += &format!("\n{title:44} {:>6} {:>10} {:>12}\n", "files", "bytes", "on the card");
        for (name, sum) in ranked(sums) {
            text +=
                &format!("{name:44} {:>6} {:>10} {:>12}\n", sum.files, size(sum.bytes), size(sum.compressed));
        }
    }
    if let Some(boot) = &report.boot {
        let of = if boot.of_this_image { "" } else { ", of another image" };
        text += &format!("\nboot, in the emulator{of}\n");
        boot.steps.iter().for_each(|(name, at)| text += &format!("{name:44} {at:>6.2} s\n"));
    }
    let few = report.files.iter().take(10);
    text += &format!("\n{:44} {:>6} {:>10} {:>12}\n", "largest files", "", "bytes", "on the card");
    few.for_each(|it| {
        text += &format!("{:44} {:>6} {:>10} {:>12}\n", it.name, "", size(it.bytes), size(it.compressed))
    });
    text + "\n--html FILE shows all of them, with their origins; --json is for programs\n"
}
