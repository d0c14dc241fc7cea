//! The JSON Schema of a file under `experiments/`.

use schemars::{Schema, SchemaGenerator, json_schema};
use serde_json::{Map, Value, json};

use super::Experiment;
use crate::config::parts::{AXES, PART, reference};
use crate::config::schema::{partial, schema_of};
use crate::scale::ScaleName;
use crate::simulation_kind::SimulationKind;

/// The schema of an experiment, of Polder's or of a user's own (draft 2020-12).
///
/// # Errors
/// If the settings of a law cannot be listed.
pub fn schema() -> anyhow::Result<Value> {
    let mut schema = schema_of::<Experiment>();
    let mut part = partial(&crate::config::schema::schema());
    let definitions = std::mem::take(&mut part["$defs"]);
    for of_a_document in ["$schema", "$comment", "$defs", "title", "description"] {
        part.as_object_mut().map(|part| part.remove(of_a_document));
    }
    let mut definitions = definitions.as_object().cloned().unwrap_or_default();
    definitions.insert(PART.to_owned(), part);
    for (name, definition) in &definitions {
        schema["$defs"][name] = definition.clone();
        if is_table(definition, &definitions) {
            schema["$defs"][format!("{AXES}{name}")] = axes(definition, &definitions);
        }
    }
    let names = SimulationKind::ALL
        .iter()
        .map(|law| law.name)
        .chain(SimulationKind::ALL.iter().flat_map(|law| [law.id, law.typed_id]));
    schema["$defs"]["TheorySettings"]["properties"]["law"]["enum"] = names.collect();
    let of_scales = |set: &Value| json!({ "additionalProperties": { "properties": { "set": set } } });
    let mut rules = vec![json!({
        "if": { "required": ["grid"] },
        "then": { "properties": { "scales": of_scales(&reference(PART)) } },
    })];
    for law in &SimulationKind::ALL {
        let name = format!("SettingsOf{}", law.id);
        schema["$defs"][&name] = names_in(&law.preset(ScaleName::Desk)?);
        let settings = reference(&name);
        let is_this_law = json!({ "properties": { "law": { "enum": [law.name, law.id, law.typed_id] } } });
        rules.push(json!({
            "if": { "required": ["theory"], "properties": { "theory": is_this_law } },
            "then": {
                "properties": {
                    "theory": { "properties": { "settings": settings } },
                    "scales": of_scales(&settings),
                },
            },
        }));
    }
    schema["allOf"] = rules.into();
    let one_of_these = ["grid", "theory", "runs_of"].map(|key| json!({ "required": [key] }));
    schema["oneOf"] = one_of_these.as_slice().into();
    Ok(schema)
}

/// The schema of a table whose keys depend on what else the file says.
pub(super) fn table(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "object" })
}

/// Whether `node` is a table whose keys are known.
fn is_table(node: &Value, definitions: &Map<String, Value>) -> bool {
    let node = definition_of(node).map_or(Some(node), |name| definitions.get(name));
    node.is_some_and(|node| node.get("properties").is_some() || node["additionalProperties"].is_object())
}

/// A table of the same keys as `node`, in which every value is a list of what stands there.
fn axes(node: &Value, definitions: &Map<String, Value>) -> Value {
    let of_child = |child: &Value| match definition_of(child) {
        Some(name) if is_table(child, definitions) => reference(&format!("{AXES}{name}")),
        None if is_table(child, definitions) => axes(child, definitions),
        _ => json!({ "type": "array", "items": child, "minItems": 1 }),
    };
    let mut table = json!({ "type": "object", "additionalProperties": false });
    if let Some(properties) = node["properties"].as_object() {
        let of_property = |(key, child): (&String, &Value)| (key.clone(), of_child(child));
        table["properties"] = properties.iter().map(of_property).collect::<Map<_, _>>().into();
    }
    if let Some(values) = node.get("additionalProperties").filter(|values| values.is_object()) {
        table["additionalProperties"] = of_child(values);
    }
    table
}

/// The name of the definition that `node` refers to.
fn definition_of(node: &Value) -> Option<&str> {
    node["$ref"].as_str()?.strip_prefix("#/$defs/")
}

/// A table of the same names as `settings`, whatever their values; a table of a tagged kind may have others.
fn names_in(settings: &toml::Table) -> Value {
    if settings.contains_key("kind") {
        return json!({ "type": "object" });
    }
    let properties: Map<String, Value> = settings
        .iter()
        .map(|(name, value)| (name.clone(), value.as_table().map_or_else(|| json!({}), names_in)))
        .collect();
    json!({ "type": "object", "properties": properties, "additionalProperties": false })
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    /// The texts of the shipped experiments.
    fn shipped() -> Vec<(PathBuf, String)> {
        let dir = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../experiments");
        let paths = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
        let paths = paths.filter(|path| !path.ends_with(crate::experiment::PUBLISHED_FILE));
        paths.map(|path| (path.clone(), std::fs::read_to_string(path).unwrap())).collect()
    }

    fn instance(text: &str) -> Value {
        serde_json::to_value(text.parse::<toml::Table>().unwrap()).unwrap()
    }

    #[test]
    fn the_shipped_experiments_are_as_the_schema_says() {
        let schema = schema().unwrap();
        jsonschema::meta::validate(&schema).unwrap();
        let validator = jsonschema::validator_for(&schema).unwrap();
        let shipped = shipped();
        assert!(shipped.len() > 10, "{}", shipped.len());
        for (path, text) in shipped {
            let instance = instance(&text);
            let errors: Vec<String> = validator
                .iter_errors(&instance)
                .map(|error| format!("{}: {error}", error.instance_path()))
                .collect();
            assert!(errors.is_empty(), "{}: {errors:?}", path.display());
        }
    }

    #[test]
    fn unknown_keys_are_refused_in_every_table_as_the_parser_does() {
        let validator = jsonschema::validator_for(&schema().unwrap()).unwrap();
        let shipped = shipped();
        let text_of = |id: &str| {
            let line = format!("id = \"{id}\"");
            &shipped.iter().find(|(_, text)| text.lines().any(|found| found == line)).unwrap().1
        };
        for (id, old, new, nearest) in [
            ("A4", "title =", "tittle =", "`title`"),
            ("A4", "momentum = 0.0", "momentun = 0.0", "`grid.base`: there is no key `optimizer.momentun`"),
            ("A4", "{ schedule.factor = 0.8", "{ schedule.facto = 0.8", "cell `large steps, SGD`"),
            ("A4", "training.epochs = 3", "training.epoch = 3", "`scales.smoke.set`"),
            ("A4", "seeds = [0", "seed = [0", "`seeds`"),
            (
                "C2",
                "vary = { schedule.learning_rate",
                "vary = { schedule.learning_rat",
                "`vary` of the cell `SGD`",
            ),
            ("C2", "vary = { optimizer.lambda = [", "vary = { optimizer.lamda = [", "`optimizer.lambda`"),
            ("C2", "best_over", "best_ovr", "`best_over`"),
            ("A6", "\nimages =", "\nimage =", "`images`"),
            ("A4", "minimum_seeds = 2", "minimum_seed = 2", "`minimum_seeds`"),
            ("A4", "expect = { above", "expect = { abov", "`above`"),
            ("A4", "coefficient = -1", "coeficient = -1", "`coefficient`"),
            ("B1", "kind = \"quantity\"", "kind = \"quantiti\"", "`quantity`"),
            ("B1", "law = \"thresholds\"", "law = \"threshold\"", "`threshold`"),
            (
                "B1",
                "law = \"thresholds\"",
                "law = \"thresholds\"\nsettings = { step_sizs = [1.0] }",
                "there is no setting `step_sizs`",
            ),
        ] {
            let text = text_of(id);
            let changed = text.replacen(old, new, 1);
            assert_ne!(*text, changed, "{old}");
            assert!(!validator.is_valid(&instance(&changed)), "{new}");
            let error = format!("{:#}", Experiment::parse(&changed).unwrap_err());
            assert!(error.contains(nearest), "{new}: {error}");
        }
    }
}
