//! From a schema to the list of its keys.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{Allowed, KIND, Key, NAME};

/// The keys that `schema` describes, tables before what they hold.
pub(super) fn keys(schema: &Value) -> Vec<Key> {
    let mut walk =
        Walk { definitions: schema.get("$defs").unwrap_or(&Value::Null), open: Vec::new(), keys: Vec::new() };
    for (name, node) in properties(schema) {
        walk.visit(name, node, false);
    }
    walk.keys
}

struct Walk<'a> {
    definitions: &'a Value,
    /// The definitions that are being walked through, and the keys at which they were entered.
    open: Vec<(String, String)>,
    keys: Vec<Key>,
}

impl Walk<'_> {
    fn visit(&mut self, path: &str, node: &Value, required: bool) {
        let (reference, node) = self.resolve(node);
        let mut key = describe(path, &node, required);
        let entered = reference.and_then(|name| self.open.iter().find(|(open, _)| *open == name).cloned());
        if let Some((_, like)) = entered {
            key.like = Some(like);
            self.keys.push(key);
            return;
        }
        let depth = self.open.len();
        self.open.extend(reference_of(&node, path));
        self.keys.push(key);
        if let Some(kinds) = kinds(&node) {
            self.tagged(path, &node, kinds);
        } else {
            let required = strings(&node["required"]);
            for (name, child) in properties(&node) {
                self.visit(&format!("{path}.{name}"), child, required.contains(name));
            }
        }
        if let Some(values @ Value::Object(_)) = node.get("additionalProperties") {
            let mut values = values.clone();
            // The kind that the default has shows how a key is set by itself.
            if let Some((name, value)) = node["default"].as_object().and_then(|default| default.iter().next())
            {
                values["default"] = value.clone();
                values["x-default-name"] = name.clone().into();
            }
            let at = self.keys.len();
            self.visit(&format!("{path}.{NAME}"), &values, false);
            self.keys[at].default = None;
        }
        self.open.truncate(depth);
    }

    /// The keys of a table at `path` that is one of `kinds`; what several kinds say alike is said once.
    fn tagged(&mut self, path: &str, node: &Value, kinds: &[Value]) {
        let named = |name: &str| match path.rsplit_once('.') {
            Some((parent, NAME)) => format!("{parent}.{name}"),
            _ => path.to_owned(),
        };
        let mut tag = describe(&format!("{path}.{KIND}"), &kinds[0]["properties"][KIND], true);
        "The kind of the table, on which its other keys depend.".clone_into(&mut tag.description);
        tag.allowed = kinds.iter().map(allowed_kind).collect();
        let tag_at = self.keys.len();
        self.keys.push(tag);
        for kind in kinds {
            let name = &kind["properties"][KIND]["const"];
            let required = strings(&kind["required"]);
            let default = node["default"].get(KIND) == Some(name);
            let known_name = node.get("x-default-name").filter(|_| default).or(Some(name));
            let place = named(known_name.and_then(Value::as_str).unwrap_or(NAME));
            let mut table = Map::from_iter([(KIND.to_owned(), name.clone())]);
            for (key, child) in properties(kind).filter(|(key, _)| required.contains(key)) {
                table
                    .entry(key.clone())
                    .or_insert_with(|| example(&self.resolve(child).1).unwrap_or_default());
            }
            if default || self.keys[tag_at].whole.is_none() {
                self.keys[tag_at].whole = Some((place.clone(), table.clone().into()));
            }
            for (key, child) in properties(kind).filter(|(key, _)| *key != KIND) {
                let at = self.keys.len();
                self.visit(&format!("{path}.{key}"), child, required.contains(key));
                let new = &mut self.keys[at];
                let mut table = table.clone();
                table.entry(key.clone()).or_insert_with(|| new.example.clone().unwrap_or_default());
                new.whole = Some((place.clone(), table.into()));
                new.alone = default.then(|| format!("{place}.{key}"));
                new.only_with.insert(format!("{path}.{KIND}"), vec![name.clone()]);
                self.merge(at);
            }
        }
        self.keys[tag_at..].sort_by(|left, right| {
            let rank = |key: &Key| key.path != format!("{path}.{KIND}");
            (rank(left), &left.path).cmp(&(rank(right), &right.path))
        });
        // The table itself is one of these kinds.
        let (before, tag) = self.keys.split_at_mut(tag_at);
        if let (Some(table), Some(tag)) = (before.last_mut(), tag.first()) {
            table.whole.clone_from(&tag.whole);
            table.allowed.clone_from(&tag.allowed);
        }
    }

    /// Lays the key at `at`, the last one, onto an earlier one that differs from it in nothing but the kind it is of.
    fn merge(&mut self, at: usize) {
        let last = &self.keys[at];
        let says = |key: &Key| {
            let plain =
                Key { only_with: BTreeMap::new(), whole: None, alone: None, example: None, ..key.clone() };
            (plain, key.only_with.keys().cloned().collect::<Vec<_>>())
        };
        let Some(earlier) = self.keys[..at].iter().position(|key| says(key) == says(last)) else { return };
        if at + 1 != self.keys.len() {
            return;
        }
        let Some(last) = self.keys.pop() else { return };
        let earlier = &mut self.keys[earlier];
        for (key, values) in last.only_with {
            earlier.only_with.entry(key).or_default().extend(values);
        }
        if earlier.alone.is_none() && last.alone.is_some() {
            (earlier.alone, earlier.whole, earlier.example) = (last.alone, last.whole, last.example);
        }
    }

    /// The node itself, with the name of the definition that it refers to and all that this says.
    fn resolve(&self, node: &Value) -> (Option<String>, Value) {
        let Some(name) = node["$ref"].as_str().and_then(|path| path.strip_prefix("#/$defs/")) else {
            return (None, node.clone());
        };
        let mut whole = self.definitions[name].clone();
        for (key, value) in node.as_object().into_iter().flatten() {
            whole[key] = value.clone();
        }
        (Some(name.to_owned()), whole)
    }
}

/// The definition that `node` is, as it is entered at `path`.
fn reference_of(node: &Value, path: &str) -> Option<(String, String)> {
    let name = node["$ref"].as_str()?.strip_prefix("#/$defs/")?;
    Some((name.to_owned(), path.to_owned()))
}

fn describe(path: &str, node: &Value, required: bool) -> Key {
    Key {
        path: path.to_owned(),
        kind: kind_in_words(node),
        description: text(node, "description"),
        default: node.get("default").cloned(),
        required,
        allowed: if kinds(node).is_some() { Vec::new() } else { allowed(node) },
        range: range(node).or_else(|| range(&node["items"]).map(|range| format!("each {range}"))),
        only_with: node["x-only-with"]
            .as_object()
            .into_iter()
            .flatten()
            .map(|(key, value)| (key.clone(), vec![value.clone()]))
            .collect(),
        needs: strings(&node["x-needs"]),
        like: None,
        example: example(node),
        whole: None,
        alone: None,
    }
}

/// What an example of `node` is: one that it gives, or a value other than its default, or its default; a table is
/// shown key by key.
fn example(node: &Value) -> Option<Value> {
    if node["properties"].is_object() {
        return None;
    }
    let given = node["examples"].get(0).cloned();
    let default = node.get("default");
    let other = || {
        let values = allowed(node).into_iter().map(|allowed| allowed.value);
        values.filter(|value| Some(value) != default).find(|value| !value.is_null())
    };
    given.or_else(other).or_else(|| default.cloned())
}

fn kind_in_words(node: &Value) -> String {
    let words = match node["type"].as_str() {
        Some("integer") => "whole number",
        Some("number") => "number",
        Some("boolean") => "true or false",
        Some("string") => "text",
        Some("array") => return format!("list, each a {}", kind_in_words(&node["items"])),
        Some("object") => "table",
        _ if kinds(node).is_some() => "table",
        _ => "text",
    };
    words.to_owned()
}

/// The kinds of a table whose keys depend on its kind.
fn kinds(node: &Value) -> Option<&[Value]> {
    let kinds = node["oneOf"].as_array()?;
    let tagged = |kind: &Value| kind["properties"][KIND]["const"].is_string();
    (!kinds.is_empty() && kinds.iter().all(tagged)).then_some(kinds)
}

fn allowed_kind(kind: &Value) -> Allowed {
    let keys: Vec<String> =
        properties(kind).filter(|(key, _)| *key != KIND).map(|(key, _)| format!("`{key}`")).collect();
    Allowed {
        value: kind["properties"][KIND]["const"].clone(),
        description: format!("{} Keys: {}.", text(kind, "description"), keys.join(", ")),
        needs: Vec::new(),
    }
}

fn allowed(node: &Value) -> Vec<Allowed> {
    let one = |choice: &Value| Allowed {
        value: choice["const"].clone(),
        description: text(choice, "description"),
        needs: strings(&choice["x-needs"]),
    };
    node["oneOf"].as_array().into_iter().flatten().map(one).collect()
}

/// The range of a number in words, if it has one.
fn range(node: &Value) -> Option<String> {
    let low = match (node.get("minimum"), node.get("exclusiveMinimum")) {
        (_, Some(low)) => Some(format!("above {low}")),
        (Some(low), None) => Some(format!("at least {low}")),
        (None, None) => None,
    };
    let high = match (node.get("maximum"), node.get("exclusiveMaximum")) {
        (_, Some(high)) => Some(format!("below {high}")),
        (Some(high), None) => Some(format!("at most {high}")),
        (None, None) => None,
    };
    match (low, high) {
        (Some(low), Some(high)) => Some(format!("{low}, {high}")),
        (low, high) => low.or(high),
    }
}

fn properties(node: &Value) -> impl Iterator<Item = (&String, &Value)> {
    node["properties"].as_object().into_iter().flatten()
}

fn strings(node: &Value) -> Vec<String> {
    node.as_array().into_iter().flatten().filter_map(|name| Some(name.as_str()?.to_owned())).collect()
}

fn text(node: &Value, key: &str) -> String {
    node[key].as_str().unwrap_or_default().to_owned()
}
