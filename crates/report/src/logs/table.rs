//! Runs as a table: one row per run and epoch, in CSV or as JSON lines.

use serde::Serializer as _;
use serde_json::Value;

use super::RunLog;
use super::curves::{Row, names};
use polder_experiment::csv;

/// The columns before the curves.
const COLUMNS: [&str; 9] =
    ["run", "dataset", "model", "method", "seed", "epoch", "steps", "seconds", "ended_at"];

/// RFC 4180 with a header; a field is empty where there is no value or it is not finite.
pub fn csv(logs: &[RunLog<'_>]) -> String {
    let curves = names(logs);
    let mut text = csv::row(COLUMNS.iter().copied().chain(curves.iter().map(String::as_str)));
    for log in logs {
        let run = run_cells(log);
        for row in &log.rows {
            let value = |curve| {
                row.values.iter().find(|(name, _)| name == curve).map_or(Value::Null, |(_, v)| number(*v))
            };
            let cells = run.iter().cloned().chain(row_cells(row)).chain(curves.iter().map(value));
            text += &csv::row(cells.map(|cell| match cell {
                Value::Null => String::new(),
                Value::String(text) => text,
                other => other.to_string(),
            }));
        }
    }
    text
}

/// An object to a line, with the columns of [`csv()`] in their order; `null` where a number is not finite or a time not known,
/// and no entry where a run has no such curve.
pub fn json_lines(logs: &[RunLog<'_>]) -> anyhow::Result<Vec<u8>> {
    let mut text = Vec::new();
    for log in logs {
        let run = run_cells(log);
        for row in &log.rows {
            let cells = COLUMNS.map(str::to_owned).into_iter().zip(run.iter().cloned().chain(row_cells(row)));
            let curves = row.values.iter().map(|(name, value)| (name.clone(), number(*value)));
            serde_json::Serializer::new(&mut text).collect_map(cells.chain(curves))?;
            text.push(b'\n');
        }
    }
    Ok(text)
}

/// The first columns, which are the same for all rows of a run.
fn run_cells(log: &RunLog<'_>) -> [Value; 5] {
    let config = &log.records.run.config;
    // As in the configuration, not as in a report: what is filtered by is what was typed.
    let typed = |name: serde_json::Result<Value>| name.unwrap_or_default();
    [
        log.name.clone().into(),
        typed(serde_json::to_value(config.data.dataset)),
        config.model.name.clone().into(),
        typed(serde_json::to_value(config.optimizer.method)),
        config.seed.into(),
    ]
}

fn row_cells(row: &Row) -> [Value; 4] {
    [row.epoch.into(), row.steps.into(), row.seconds.into(), number(row.ended_at)]
}

fn number(value: Option<f64>) -> Value {
    value.map_or(Value::Null, Value::from)
}
