//! The keys of a configuration for a reader: one in full, or all in a list.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::keys::{Allowed, Key, Keys, inline, shown};

/// Columns that are filled.
const WIDTH: usize = 110;

/// Where the second column of an explanation begins.
const INDENT: usize = 14;

/// Everything about the key called `path`.
///
/// # Errors
/// If there is none: the nearest name is given, or those that exist beside it.
pub fn text(keys: &Keys, path: &str) -> anyhow::Result<String> {
    let found = keys.find(path);
    if found.is_empty() {
        return Err(keys.unknown(path));
    }
    let parts: Result<Vec<String>, _> = found.iter().map(|key| one(keys, key)).collect();
    Ok(parts?.join("\n"))
}

/// Likewise as a list of JSON objects, one per meaning of the key; of every key without a `path`.
///
/// # Errors
/// As of [`text`].
pub fn json(keys: &Keys, path: Option<&str>) -> anyhow::Result<Value> {
    let found = match path {
        Some(path) => keys.find(path),
        None => keys.all().iter().collect(),
    };
    if let (Some(path), true) = (path, found.is_empty()) {
        return Err(keys.unknown(path));
    }
    let object = |key: &&Key| {
        let mut object = serde_json::to_value(key)?;
        if key.has_example() {
            object["file"] = json!(keys.lines(key)?);
            object["set"] = json!(keys.flags(key)?);
        }
        Ok(object)
    };
    found.iter().map(object).collect()
}

/// All keys, a line each, with their defaults.
pub fn list(keys: &Keys) -> String {
    let width = keys.all().iter().map(|key| key.path.len()).max().unwrap_or(0);
    let default =
        |key: &Key| if key.is_table() && !key.required { String::new() } else { key.default_in_words() };
    let default_width = keys.all().iter().map(|key| default(key).len()).max().unwrap_or(0);
    let mut text =
        "Key, default and meaning; `polder config explain KEY` says everything about one.\n".to_owned();
    let mut before: Option<&Key> = None;
    for key in keys.all() {
        let is_top = !key.path.contains('.');
        if is_top {
            text.push('\n');
        }
        let again = before.is_some_and(|before| before.path == key.path);
        let name = if again { "" } else { &key.path };
        let default = default(key);
        let kinds = key.kinds();
        let kinds = if kinds.is_empty() { String::new() } else { format!("{}: ", kinds.join(", ")) };
        let meaning = format!("{kinds}{}", first_sentence(&key.description));
        let meaning = wrapped(&meaning, width + default_width + 4);
        let _ = writeln!(text, "{name:width$}  {default:default_width$}  {meaning}");
        before = Some(key);
    }
    text
}

/// One key with one meaning.
fn one(keys: &Keys, key: &Key) -> anyhow::Result<String> {
    let mut text = format!("{}\n  {}\n\n", key.path, wrapped(&key.description, 2));
    let mut row = |name: &str, value: &str| {
        let _ = writeln!(text, "  {name:width$}{}", wrapped(value, INDENT), width = INDENT - 2);
    };
    let kind = match &key.range {
        Some(range) => format!("{}, {range}", key.kind),
        None => key.kind.clone(),
    };
    row("type", &kind);
    if let Some(like) = &key.like {
        row("keys", &format!("those of `{like}`"));
    }
    let inner: Vec<String> = keys.directly_in(&key.path).map(|inner| format!("`{inner}`")).collect();
    if !inner.is_empty() && key.allowed.is_empty() {
        row("keys", &inner.join(", "));
    }
    if !key.is_table() || (key.has_example() && key.default.is_some()) {
        row("default", &key.default_in_words());
    }
    let values: Vec<String> = key.allowed.iter().map(|allowed| inline(&allowed.value)).collect();
    let width = values.iter().map(String::len).max().unwrap_or(0);
    for (at, (value, Allowed { description, .. })) in values.iter().zip(&key.allowed).enumerate() {
        let description = wrapped(description, INDENT + width + 2);
        let name = if at > 0 {
            ""
        } else if key.is_table() {
            "kinds"
        } else {
            "allowed"
        };
        let _ = writeln!(text, "  {name:name_width$}{value:width$}  {description}", name_width = INDENT - 2);
    }
    let mut row = |name: &str, value: &str| {
        let _ = writeln!(text, "  {name:width$}{value}", width = INDENT - 2);
    };
    for (at, (other, values)) in key.only_with.iter().enumerate() {
        let values: Vec<String> = values.iter().map(inline).collect();
        row(if at == 0 { "belongs to" } else { "" }, &format!("{other} = {}", values.join(" or ")));
    }
    if !key.needs.is_empty() {
        row("needs", &key.needs.join(", "));
    }
    if key.has_example() {
        for (at, line) in keys.lines(key)?.iter().enumerate() {
            row(if at == 0 { "in a file" } else { "" }, line);
        }
        let flags: Vec<String> = keys.flags(key)?.iter().map(|flag| format!("--set {flag}")).collect();
        row("as a flag", &flags.join(" "));
    }
    Ok(text)
}

impl Key {
    fn is_table(&self) -> bool {
        self.kind == "table"
    }

    fn default_in_words(&self) -> String {
        if self.required {
            return "required".to_owned();
        }
        shown(self.default.as_ref())
    }
}

fn first_sentence(text: &str) -> &str {
    let end = [". ", "; ", "\n"].iter().filter_map(|end| text.find(end)).min().unwrap_or(text.len());
    text[..end].trim_end_matches('.')
}

/// `text` in lines of [`WIDTH`], all but the first indented by `indent`.
fn wrapped(text: &str, indent: usize) -> String {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let last = lines.last_mut().expect("there is one from the beginning");
        if last.is_empty() {
            last.push_str(word);
        } else if indent + last.chars().count() + 1 + word.chars().count() <= WIDTH {
            let _ = write!(last, " {word}");
        } else {
            lines.push(word.to_owned());
        }
    }
    lines.join(&format!("\n{:indent$}", ""))
}
