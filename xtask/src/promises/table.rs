//! The table of promises, as printed and as it stands in docs/performance.md.

use std::fmt;

use anyhow::{Context, Result};

use crate::markdown_table::Table;
use crate::promises::manifest::Promise;

/// Where the table stands, from the root of the workspace.
pub(crate) const PAGE: &str = "docs/performance.md";

const BEGIN: &str = "<!-- promises: begin -->";
const END: &str = "<!-- promises: end -->";

/// What came of a promise, with the measured value or the reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Kept(String),
    Broken(String),
    Skipped(String),
}

#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) promise: Promise,
    pub(crate) verdict: Verdict,
}

impl fmt::Display for Verdict {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kept(measured) => write!(formatter, "kept ({measured})"),
            Self::Broken(measured) => write!(formatter, "broken ({measured})"),
            Self::Skipped(why) => write!(formatter, "skipped ({why})"),
        }
    }
}

/// The rows as a Markdown table, with the machine under it.
pub(crate) fn markdown(rows: &[Row], machine: &str) -> String {
    let mut table = Table::new("Promise | Measured | Bound | Kept", 4);
    for Row { promise, verdict } in rows {
        let with_unit = |text: &str| format!("{text} {}", promise.unit).trim_end().to_owned();
        let (measured, kept) = match verdict {
            Verdict::Kept(measured) => (with_unit(measured), "kept".to_owned()),
            Verdict::Broken(measured) => (with_unit(measured), "**broken**".to_owned()),
            Verdict::Skipped(why) => (String::new(), format!("skipped: {why}")),
        };
        table.row([promise.name.clone(), measured, with_unit(&promise.bound.to_string()), kept]);
    }
    format!("{table}\nMeasured on {machine}.")
}

/// `page` with `table` between its markers.
pub(crate) fn insert(page: &str, table: &str) -> Result<String> {
    let places = page.find(BEGIN).zip(page.find(END)).filter(|(begin, end)| begin < end);
    let (begin, end) = places
        .with_context(|| format!("{PAGE} has no place for the table: add the lines `{BEGIN}` and `{END}`"))?;
    Ok(format!("{}{BEGIN}\n{table}\n{}", &page[..begin], &page[end..]))
}

#[cfg(test)]
mod tests {
    use super::{Row, Verdict, insert, markdown};
    use crate::promises::manifest::{Bound, Measure, Promise};

    fn row(verdict: Verdict) -> Row {
        Row {
            promise: Promise {
                name: "speed".to_owned(),
                area: "data".to_owned(),
                measure: Measure::Seconds { command: vec![] },
                bound: Bound { at_least: Some(500_000.0), at_most: None, equal: false },
                needs: vec![],
                unit: "images/s".to_owned(),
            },
            verdict,
        }
    }

    #[test]
    fn a_table_has_one_line_per_promise() {
        let rows = [
            row(Verdict::Kept("612,000".to_owned())),
            row(Verdict::Broken("4".to_owned())),
            row(Verdict::Skipped("no\ndata".to_owned())),
        ];
        let text = markdown(&rows, "a machine");
        assert!(text.contains("| speed | 612,000 images/s | ≥ 500,000 images/s | kept |"), "{text}");
        assert!(text.contains("| **broken** |") && text.contains("skipped: no data"), "{text}");
        assert!(text.ends_with("Measured on a machine."));
    }

    #[test]
    fn the_table_replaces_what_is_between_the_markers_and_nothing_else() {
        let page = "before\n<!-- promises: begin -->\nold\n<!-- promises: end -->\nafter\n";
        let once = insert(page, "new").unwrap();
        assert_eq!(once, "before\n<!-- promises: begin -->\nnew\n<!-- promises: end -->\nafter\n");
        assert_eq!(insert(&once, "new").unwrap(), once);
        assert!(insert("no markers", "new").is_err());
    }
}
