//! The report as one HTML file: styles and the treemap, an SVG, are in it, and it has no script.

use std::{collections::BTreeMap, fmt::Write as _};

use super::{
    sizes::{Report, SizedFile, Sum, ranked},
    treemap::{Rect, layout},
};

/// Pixels of the treemap; the page scales it.
const AREA: Rect = Rect { x: 0.0, y: 0.0, width: 1200.0, height: 640.0 };
/// Height of a group's name.
const LABEL: f64 = 16.0;

/// Two schemes, by the browser's setting; `color-scheme` also turns scroll bars and background.
const STYLE: &str = "
:root { color-scheme: light dark; --text: #1b1f24; --back: #ffffff; --line: #d0d7de; --faint: #59636e; --sat: 45%;
  --light: 82%; --deep: 70% }
@media (prefers-color-scheme: dark) { :root { --text: #e6edf3; --back: #0d1117; --line: #30363d; --faint: #9198a1;
  --sat: 35%; --light: 28%; --deep: 20% } }
body { margin: 2rem auto; max-width: 76rem; padding: 0 1rem; font: 15px/1.5 system-ui, sans-serif; color: var(--text);
  background: var(--back) }
h1 { font-size: 1.5rem } h2 { font-size: 1.15rem; margin-top: 2rem }
p { color: var(--faint) }
svg { width: 100%; height: auto; display: block } svg text { fill: var(--text); font: 11px system-ui, sans-serif }
svg rect { stroke: var(--back); stroke-width: 1 }
.group { fill: hsl(var(--hue) var(--sat) var(--deep)) } .file { fill: hsl(var(--hue) var(--sat) var(--light)) }
.file:hover { stroke: var(--text) }
.scroll { overflow-x: auto }
table { border-collapse: collapse; width: 100% }
th, td { text-align: left; padding: .2rem .6rem .2rem 0; border-bottom: 1px solid var(--line); vertical-align: top }
td.n, th.n { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums }
td.path { overflow-wrap: anywhere }
summary { cursor: pointer; font-weight: 600; margin: 1rem 0 .5rem }
.bar { fill: hsl(210 60% 55%) }
";

/// The page.
pub fn write(report: &Report) -> String {
    let mut page = String::new();
    let total = report.total();
    let _ = write!(
        page,
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{image}</title>\n\
         <style>{STYLE}</style>\n</head>\n<body>\n<h1>{image}</h1>\n\
         <p>{files} files of {bytes}; on the card {compressed}, and {tables} for the tables of the root. \
         The image has {all}.</p>\n",
        image = escaped(&report.image),
        files = total.files,
        bytes = size(total.bytes),
        compressed = size(total.compressed),
        tables = size(report.squashfs.1),
        all = size(report.bytes),
    );
    page += "<h2>What the files take on the card</h2>\n<p>Each area is a file's compressed size. Point at one for its \
             name, size and origin.</p>\n";
    page += &treemap(report);
    page += &boot(report);
    page += &sums("By recipe", "recipe", &report.recipes);
    page += &sums("By package", "package", &report.components);
    page += &licences(report);
    page += &files(report);
    page += "</body>\n</html>\n";
    page
}

fn treemap(report: &Report) -> String {
    let mut groups: BTreeMap<&str, Vec<&SizedFile>> = BTreeMap::new();
    for file in report.files.iter().filter(|it| it.compressed > 0) {
        groups.entry(&file.recipe).or_default().push(file);
    }
    let mut groups: Vec<(&str, Vec<&SizedFile>, f64)> = groups
        .into_iter()
        .map(|(name, files)| {
            let sum = files.iter().map(|it| it.compressed as f64).sum();
            (name, files, sum)
        })
        .collect();
    groups.sort_by(|one, other| other.2.total_cmp(&one.2));
    let sums: Vec<f64> = groups.iter().map(|(_, _, sum)| *sum).collect();
    let mut svg = format!(
        "<svg viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"treemap of the compressed sizes\">\n",
        AREA.width, AREA.height
    );
    for (number, ((name, files, sum), rect)) in groups.iter().zip(layout(&sums, AREA)).enumerate() {
        // The golden angle: neighbours in rank have hues far apart.
        let hue = (number as f64 * 137.5) % 360.0;
        let _ = writeln!(svg, "<g style=\"--hue:{hue:.0}\">");
        box_of(&mut svg, "group", &rect, &format!("recipe {name}: {}", size(*sum as u64)), "");
        text_in(&mut svg, &rect, name);
        let sizes: Vec<f64> = files.iter().map(|it| it.compressed as f64).collect();
        for (file, rect) in files.iter().zip(layout(&sizes, rect.inner(2.0, LABEL))) {
            let SizedFile { name, origin, component, version, bytes, compressed, .. } = file;
            let (packed, plain) = (size(*compressed), size(*bytes));
            let title =
                format!("{name}\n{packed} on the card, {plain} unpacked\n{component} {version}\n{origin}");
            box_of(&mut svg, "file", &rect, &title, name.rsplit('/').next().unwrap_or(name));
        }
        svg += "</g>\n";
    }
    svg + "</svg>\n"
}

fn box_of(svg: &mut String, class: &str, rect: &Rect, title: &str, label: &str) {
    let Rect { x, y, width, height } = rect;
    let title = escaped(title);
    let _ = writeln!(
        svg,
        "<rect class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\">\
         <title>{title}</title></rect>"
    );
    text_in(svg, rect, label);
}

/// A label at the top, if it fits: a letter takes about 6 pixels.
fn text_in(svg: &mut String, rect: &Rect, label: &str) {
    let fits = rect.width > label.chars().count() as f64 * 6.2 + 8.0 && rect.height > LABEL;
    if fits && !label.is_empty() {
        let _ = writeln!(
            svg,
            "<text x=\"{:.1}\" y=\"{:.1}\" pointer-events=\"none\">{}</text>",
            rect.x + 4.0,
            rect.y + 12.0,
            escaped(label)
        );
    }
}

fn boot(report: &Report) -> String {
    let Some(boot) = &report.boot else { return String::new() };
    let last = boot.steps.iter().map(|(_, at)| *at).fold(0.1, f64::max);
    let mut svg = String::from("<h2>The boot</h2>\n");
    let of = if boot.of_this_image { "this image" } else { "another image than this one" };
    let _ = writeln!(svg, "<p>Seconds since the kernel's start, in the emulator, measured with {of}.</p>");
    let _ = writeln!(svg, "<svg viewBox=\"0 0 {} {}\">", AREA.width, 24 * boot.steps.len());
    let mut from = 0.0;
    for (number, (name, at)) in boot.steps.iter().enumerate() {
        let (x, width) = (260.0 + from / last * 860.0, ((at - from) / last * 860.0).max(1.0));
        let y = 24 * number;
        let _ = writeln!(
            svg,
            "<text x=\"0\" y=\"{}\">{}</text><rect class=\"bar\" x=\"{x:.1}\" y=\"{}\" width=\"{width:.1}\" height=\"16\"/>\
             <text x=\"{:.1}\" y=\"{}\">{at:.2} s</text>",
            y + 16,
            escaped(name),
            y + 4,
            x + width + 6.0,
            y + 16
        );
        from = *at;
    }
    svg + "</svg>\n"
}

fn sums(title: &str, what: &str, sums: &BTreeMap<String, Sum>) -> String {
    let rows = ranked(sums).into_iter().map(|(name, sum)| {
        format!(
            "<tr><td>{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td></tr>\n",
            escaped(name),
            sum.files,
            size(sum.bytes),
            size(sum.compressed)
        )
    });
    format!(
        "<h2>{title}</h2>\n<div class=\"scroll\"><table><tr><th>{what}</th><th class=\"n\">files</th>\
         <th class=\"n\">bytes</th><th class=\"n\">on the card</th></tr>\n{}</table></div>\n",
        rows.collect::<String>()
    )
}

fn licences(report: &Report) -> String {
    if report.licences.is_empty() {
        return String::new();
    }
    let rows = report.licences.iter().map(|[name, version, licences, _, source]| {
        let [name, version, licences, source] = [name, version, licences, source].map(|it| escaped(it));
        format!("<tr><td>{name}</td><td>{version}</td><td>{licences}</td><td>{source}</td></tr>\n")
    });
    format!(
        "<h2>Licences</h2>\n<details><summary>{} packages and crates</summary><div class=\"scroll\"><table><tr>\
         <th>package or crate</th><th>version</th><th>licences</th><th>source package</th></tr>\n{}</table></div></details>\n",
        report.licences.len(),
        rows.collect::<String>()
    )
}

fn files(report: &Report) -> String {
    let rows = report.files.iter().map(|file| {
        format!(
            "<tr><td class=\"path\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td><td>{}</td></tr>\n",
            escaped(&file.name),
            size(file.bytes),
            size(file.compressed),
            escaped(&file.origin)
        )
    });
    format!(
        "<h2>Files</h2>\n<details><summary>{} files</summary><div class=\"scroll\"><table><tr><th>file</th>\
         <th class=\"n\">bytes</th><th class=\"n\">on the card</th><th>origin</th></tr>\n{}</table></div></details>\n",
        report.files.len(),
        rows.collect::<String>()
    )
}

/// `1.5 kB`, of 1000 bytes, as a disk's maker counts.
pub fn size(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{:.1} kB", bytes as f64 / 1e3),
        _ => format!("{:.2} MB", bytes as f64 / 1e6),
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
