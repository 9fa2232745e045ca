//! `licences/`: the texts of all licences and copyright files, and a table of them.

use std::fmt::Write as _;

use super::{bill::Bill, component::Component};
use crate::{error::Result, task::WorkDir};

/// The directory in `out/`.
const DIRECTORY: &str = "licences";
/// The table in it.
const TABLE: &str = "licences.tsv";

/// Writes all of it.
pub fn write(bill: &Bill, out: &WorkDir) -> Result<()> {
    out.write(&format!("{DIRECTORY}/{TABLE}"), table(bill).as_bytes())?;
    for text in bill.components.iter().flat_map(|it| &it.licence.texts) {
        out.write(&format!("{DIRECTORY}/{}", text.name), text.text.as_bytes())?;
    }
    Ok(())
}

/// One line for each component: name, version, licences, files with the texts, source package.
fn table(bill: &Bill) -> String {
    let mut table = String::from("component\tversion\tlicences\ttexts\tsource\n");
    for component in
        bill.components.iter().filter(|it| !it.licence.texts.is_empty() || it.licence.expression.is_some())
    {
        let Component { name, version, source, .. } = component;
        let texts: Vec<&str> = component.licence.texts.iter().map(|it| it.name.as_str()).collect();
        let (licences, texts) = (names(component), texts.join(", "));
        // Writing into a String cannot fail.
        let _ =
            writeln!(table, "{name}\t{version}\t{licences}\t{texts}\t{}", source.as_deref().unwrap_or("-"));
    }
    table
}

/// What the component calls its licences.
fn names(component: &Component) -> String {
    match &component.licence.expression {
        Some(expression) => expression.clone(),
        None if component.licence.names.is_empty() => "free text".into(),
        None => component.licence.names.join(", "),
    }
}
