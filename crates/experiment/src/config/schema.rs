//! The JSON Schema of a run's configuration, drawn from the types that read it.

use schemars::generate::SchemaSettings;
use schemars::transform::{RecursiveTransform, transform_subschemas};
use schemars::{JsonSchema, Schema};
use serde_json::{Map, Value};

use super::RunConfig;

/// Says what the schema has that its draft does not.
const OUR_KEYWORDS: &str = "x-only-with: other keys, and the values with which a key has an effect; x-needs: keys that must \
    be given as well";

/// The schema of a file that `polder train` reads (draft 2020-12).
///
/// Two keywords are our own: `x-only-with` names other keys and the values with which a key has an effect, `x-needs` the
/// keys that must be given as well.
pub fn schema() -> Value {
    let mut schema = schema_of::<RunConfig>();
    schema["$comment"] = OUR_KEYWORDS.into();
    schema
}

/// The schema of what `T` reads from TOML, which has no null.
pub fn schema_of<T: JsonSchema>() -> Value {
    let settings = SchemaSettings::draft2020_12()
        .with_transform(RecursiveTransform(without_null))
        .with_transform(RecursiveTransform(plain));
    settings.into_generator().into_root_schema_for::<T>().to_value()
}

/// A key that may be left out has the type that it has when it is there.
fn without_null(schema: &mut Schema) {
    let Some(object) = schema.as_object_mut() else { return };
    if let Some(Value::Array(types)) = object.get_mut("type") {
        types.retain(|kind| kind != "null");
        if let [only] = types.as_slice() {
            let only = only.clone();
            object.insert("type".to_owned(), only);
        }
    }
    if let Some(Value::Array(choices)) = object.get_mut("anyOf") {
        choices.retain(|choice| choice.get("type").is_none_or(|kind| kind != "null"));
        if let [Value::Object(only)] = choices.as_slice() {
            let only = only.clone();
            object.remove("anyOf");
            for (key, value) in only {
                object.entry(key).or_insert(value);
            }
        }
    }
}

/// Formats say how numbers are held in memory, and line ends in a description where its source was wrapped.
fn plain(schema: &mut Schema) {
    schema.remove("format");
    if let Some(Value::String(description)) = schema.get_mut("description") {
        let paragraphs = description.split("\n\n").map(|paragraph| paragraph.replace('\n', " "));
        *description = paragraphs.collect::<Vec<_>>().join("\n\n");
    }
}

/// What `schema` says of a table that is laid over another: nothing must be there and nothing has a default, and of a
/// table of a tagged kind the kind may be missing.
pub fn partial(schema: &Value) -> Value {
    let mut schema = Schema::try_from(schema.clone()).expect("a schema of a table is an object");
    loosen(&mut schema);
    schema.to_value()
}

fn loosen(schema: &mut Schema) {
    transform_subschemas(&mut loosen, schema);
    schema.remove("required");
    schema.remove("default");
    let Some(kinds) = schema.get("oneOf").and_then(Value::as_array) else { return };
    if kinds.iter().any(|kind| kind.get("properties").is_none()) {
        return;
    }
    let mut properties = Map::new();
    for (key, value) in kinds.iter().filter_map(|kind| kind["properties"].as_object()).flatten() {
        match properties.get_mut(key) {
            None => {
                properties.insert(key.clone(), serde_json::json!({ "anyOf": [value] }));
            }
            Some(known) => {
                let known = known["anyOf"].as_array_mut().expect("just made");
                if !known.contains(value) {
                    known.push(value.clone());
                }
            }
        }
    }
    for property in properties.values_mut() {
        if let Some([only]) = property["anyOf"].as_array().map(Vec::as_slice) {
            *property = only.clone();
        }
    }
    schema.remove("oneOf");
    schema.insert("type".to_owned(), "object".into());
    schema.insert("properties".to_owned(), properties.into());
    schema.insert("additionalProperties".to_owned(), false.into());
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use serde_json::json;

    use super::*;
    use crate::config::keys::{Key, Keys, inline};
    use crate::experiment::{Selection, read_all};
    use crate::scale::ScaleName;

    fn load(settings: &[(String, Value)]) -> anyhow::Result<RunConfig> {
        let settings: Vec<String> =
            settings.iter().map(|(path, value)| format!("{path}={}", inline(value))).collect();
        RunConfig::load(None, &settings)
    }

    /// The default configuration with `settings`, unchecked, as the schema sees it.
    fn instance(settings: &[(String, Value)]) -> Value {
        let mut table = toml::Table::try_from(RunConfig::default()).unwrap();
        for (path, value) in settings {
            crate::config::set(&mut table, &format!("{path}={}", inline(value))).unwrap();
        }
        serde_json::to_value(table).unwrap()
    }

    /// The example of `key` with another value for it, or without it.
    fn with(keys: &Keys, key: &Key, value: Option<&Value>) -> Vec<(String, Value)> {
        let mut settings = keys.example(key).unwrap();
        let name = key.path.rsplit('.').next().unwrap();
        match settings.as_mut_slice() {
            [(path, Value::Object(table))] if *path != key.path => {
                table.remove(name);
                table.extend(value.map(|value| (name.to_owned(), value.clone())));
            }
            _ => {
                // What follows it is what its value needs.
                let at = settings.iter().position(|(path, _)| *path == key.path).unwrap();
                settings.truncate(at);
                settings.extend(value.map(|value| (key.path.clone(), value.clone())));
            }
        }
        settings
    }

    #[test]
    fn what_the_parser_makes_of_files_is_what_the_schema_describes() {
        let schema = schema();
        jsonschema::meta::validate(&schema).unwrap();
        let validator = jsonschema::validator_for(&schema).unwrap();
        let mut configs = vec![RunConfig::default()];
        for experiment in read_all(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../experiments")).unwrap()
        {
            for scale in ScaleName::ALL.into_iter().filter(|scale| experiment.scale(*scale).is_ok()) {
                configs.extend(
                    experiment.runs(Selection::all(scale)).unwrap().into_iter().map(|run| run.config),
                );
            }
        }
        assert!(configs.len() > 1, "no shipped experiment trains a network");
        for config in configs {
            let config = serde_json::to_value(config).unwrap();
            validator.validate(&config).unwrap();
        }
    }

    #[test]
    fn keys_that_do_not_exist_are_refused_in_every_table() {
        let validator = jsonschema::validator_for(&schema()).unwrap();
        let file = |text: &str| serde_json::to_value(text.parse::<toml::Table>().unwrap()).unwrap();
        for (known, unknown) in [
            ("seed = 1", "sede = 1"),
            ("training.epochs = 3", "training.epoch = 3"),
            ("optimizer = { method = 'sam', rho = 0.1 }", "optimizer = { method = 'sam', roh = 0.1 }"),
            ("optimizer.method = 'sam'", "optimizer.method = 'sma'"),
            (
                "averages.a = { kind = 'tail', start = 0 }",
                "averages.a = { kind = 'tail', start = 0, decay = 0 }",
            ),
            (
                "schedule = { kind = 'cosine', learning_rate = 0.1, floor = 0 }",
                "schedule = { kind = 'cosine', learning_rate = 0.1, flor = 0 }",
            ),
        ] {
            assert!(validator.is_valid(&file(known)), "{known}");
            assert!(!validator.is_valid(&file(unknown)), "{unknown}");
            assert!(RunConfig::from_table(&unknown.parse().unwrap()).is_err(), "{unknown}");
        }
    }

    /// Numbers around the ends of every range: the schema and the parser refuse the same ones.
    #[test]
    fn the_schema_and_the_parser_have_the_same_ranges() {
        let schema = schema();
        let (keys, validator) = (Keys::of_a_run(), jsonschema::validator_for(&schema).unwrap());
        let numbers = keys.all().iter().filter(|key| matches!(key.kind.as_str(), "number" | "whole number"));
        let mut refused = 0;
        for key in numbers {
            for probe in [json!(-1), json!(0), json!(1), json!(2), json!(3), json!(4), json!(257), json!(0.5)]
            {
                // A schema cannot set one key beside another: what is said in words.
                let in_words = match key.path.as_str() {
                    "schedule.floor" => probe.as_f64() > Some(0.1),
                    "averages.NAME.every" => probe.as_f64() > Some(3.0),
                    _ => false,
                };
                if in_words {
                    continue;
                }
                let settings = with(keys, key, Some(&probe));
                let by_schema = validator.is_valid(&instance(&settings));
                assert_eq!(by_schema, load(&settings).is_ok(), "{settings:?}: {:?}", load(&settings));
                refused += usize::from(!by_schema);
            }
        }
        assert!(refused > 40, "only {refused} numbers were refused");
    }

    #[test]
    fn a_key_at_its_default_changes_nothing() {
        let keys = Keys::of_a_run();
        for key in keys.all().iter().filter(|key| key.default.is_some() && key.kind != "table") {
            let (absent, given) = (with(keys, key, None), with(keys, key, key.default.as_ref()));
            assert_eq!(load(&absent).unwrap(), load(&given).unwrap(), "{}", key.path);
        }
        let without: Vec<&str> = keys
            .all()
            .iter()
            .filter(|key| key.default.is_none() && !key.required && key.kind != "table")
            .map(|key| key.path.as_str())
            .collect();
        let optional = [
            "data.image_size",
            "data.num_classes",
            "data.path",
            "data.test_images",
            "data.test_path",
            "data.train_images",
            "data.validation_images",
            "optimizer.clip_norm",
            "optimizer.euler_steps",
            "optimizer.lambda",
            "optimizer.rho",
        ];
        assert_eq!(without, optional);
    }

    #[test]
    fn every_example_is_one_that_can_be_read() {
        let keys = Keys::of_a_run();
        for key in keys.all().iter().filter(|key| key.has_example()) {
            let flags: Vec<String> =
                keys.flags(key).unwrap().iter().map(|flag| flag.trim_matches('\'').to_owned()).collect();
            RunConfig::load(None, &flags).unwrap_or_else(|error| panic!("{flags:?}: {error:#}"));
            let file = keys.lines(key).unwrap().join("\n");
            RunConfig::from_table(&file.parse().unwrap()).unwrap_or_else(|error| panic!("{file}: {error:#}"));
        }
        let missing = keys.all().iter().find(|key| key.kind != "table" && !key.has_example());
        assert_eq!(missing.map(|key| &key.path), None);
    }

    #[test]
    fn keys_that_belong_to_others_are_refused_without_them() {
        let keys = Keys::of_a_run();
        let mut checked = 0;
        for key in keys.all() {
            let tag = key.path.rsplit_once('.').map(|(table, _)| format!("{table}.kind"));
            let others = key.only_with.keys().any(|other| Some(other) != tag.as_ref());
            let value = (others || !key.needs.is_empty()).then(|| {
                let example = keys.example(key).unwrap();
                example.into_iter().find(|(path, _)| *path == key.path).unwrap().1
            });
            let needy = key.allowed.iter().filter(|allowed| !allowed.needs.is_empty());
            for value in value.into_iter().chain(needy.map(|allowed| allowed.value.clone())) {
                let alone = [(key.path.clone(), value)];
                assert!(load(&alone).is_err(), "{alone:?} by itself");
                checked += 1;
            }
        }
        assert!(checked >= 12, "{checked}");
    }

    #[test]
    fn every_key_and_every_value_is_described() {
        for key in Keys::of_a_run().all() {
            let texts = key.allowed.iter().map(|allowed| &allowed.description).chain([&key.description]);
            for text in texts {
                assert!(
                    text.len() > 5 && !text.contains("[`") && !text.contains('\n'),
                    "{}: `{text}`",
                    key.path
                );
            }
        }
    }

    #[test]
    fn a_part_of_a_configuration_may_leave_out_what_another_part_says() {
        let part = jsonschema::validator_for(&partial(&schema())).unwrap();
        let whole = jsonschema::validator_for(&schema()).unwrap();
        let factor = json!({ "schedule": { "factor": 0.2 } });
        assert!(part.is_valid(&factor) && !whole.is_valid(&factor));
        assert!(part.is_valid(&json!({ "averages": { "a": { "start": 0.5 } } })));
        for unknown in [
            json!({ "schedule": { "facto": 0.2 } }),
            json!({ "schedule": { "kind": "multistep" } }),
            json!({ "schedule": { "then": { "facto": 0.2 } } }),
            json!({ "averages": { "a": { "strt": 0.5 } } }),
        ] {
            assert!(!part.is_valid(&unknown), "{unknown}");
        }
    }
}
