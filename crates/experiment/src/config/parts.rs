//! How the schema of an experiment refers to a run's configuration.

use schemars::{Schema, SchemaGenerator, json_schema};
use serde_json::{Value, json};

/// The definition of what a table of a grid says about its runs.
pub const PART: &str = "PartOfARun";

/// Before the name of a definition, for the one in which every value is a list of values.
pub const AXES: &str = "AxesOf";

/// The schema of a table that lists values of keys of a run's configuration.
pub fn axes_of_a_run(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "$ref": format!("#/$defs/{AXES}{PART}") })
}

/// The schema of a table that says a part of a run's configuration.
pub fn part_of_a_run(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "$ref": format!("#/$defs/{PART}") })
}

/// The definition of that name.
pub fn reference(definition: &str) -> Value {
    json!({ "$ref": format!("#/$defs/{definition}") })
}
