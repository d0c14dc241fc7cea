//! Settings as a person types them: `1e6` for a whole number, `0.01,0.02` for a list, dots into tables.

use anyhow::{Context, bail, ensure};
use toml::{Table, Value};

/// A setting that has a word of its own on the command line.
#[derive(Clone, Copy, Debug)]
pub struct Flag {
    /// Without the dashes.
    pub name: &'static str,
    /// The setting; dots lead into tables.
    pub key: &'static str,
    pub help: &'static str,
}

impl Flag {
    pub const SEED: Self = Self::new("seed", "seed", "Seed of everything random");

    pub const fn new(name: &'static str, key: &'static str, help: &'static str) -> Self {
        Self { name, key, help }
    }

    /// What the flag is where nobody sets it, as one would type it.
    pub fn default_in(&self, settings: &Table) -> anyhow::Result<String> {
        let (table, last) = self.key.rsplit_once('.').map_or((Some(settings), self.key), |(path, last)| {
            (path.split('.').try_fold(settings, |table, key| table.get(key)?.as_table()), last)
        });
        let value =
            table.and_then(|table| table.get(last)).with_context(|| format!("no setting `{}`", self.key))?;
        Ok(typed(value))
    }
}

/// All settings that exist, with dots into tables.
fn keys(settings: &Table) -> Vec<String> {
    let inner = |(key, value): (&String, &Value)| match value {
        Value::Table(table) => {
            keys(table).into_iter().map(|inner| format!("{key}.{inner}")).chain([key.clone()]).collect()
        }
        _ => vec![key.clone()],
    };
    settings.iter().flat_map(inner).collect()
}

/// Sets `key` to what `text` says, as the same kind of value that is there.
///
/// # Errors
/// If there is no such setting (the nearest name is given), or `text` cannot be read as its kind.
pub fn set(settings: &mut Table, key: &str, text: &str) -> anyhow::Result<()> {
    let unknown = unknown(settings, key);
    let (path, last) = match key.rsplit_once('.') {
        Some((path, last)) => (path.split('.').collect(), last),
        None => (Vec::new(), key),
    };
    let mut table = settings;
    for part in path {
        table = match table.get_mut(part) {
            Some(Value::Table(inner)) => inner,
            _ => bail!(unknown),
        };
    }
    let Some(known) = table.get_mut(last) else { bail!(unknown) };
    *known = read(known, text.trim()).with_context(|| format!("`{key}` cannot be `{text}`"))?;
    Ok(())
}

/// Checks that all of `over` are settings, tables within tables as well.
///
/// # Errors
/// If one is not: the nearest name is given.
pub fn check(settings: &Table, over: &Table) -> anyhow::Result<()> {
    check_below(settings, settings, over, "")
}

fn check_below(all: &Table, settings: &Table, over: &Table, prefix: &str) -> anyhow::Result<()> {
    for (key, value) in over {
        let path = format!("{prefix}{key}");
        let Some(known) = settings.get(key) else { bail!(unknown(all, &path)) };
        if let (Value::Table(known), Value::Table(value)) = (known, value)
            // Which settings a table of another kind has is for the law to say.
            && !known.contains_key("kind")
        {
            check_below(all, known, value, &format!("{path}."))?;
        }
    }
    Ok(())
}

fn unknown(settings: &Table, key: &str) -> String {
    let keys = keys(settings);
    let near = |known: &&String| strsim::jaro_winkler(known, key);
    match keys.iter().max_by(|a, b| near(a).total_cmp(&near(b))).filter(|known| near(known) > 0.8) {
        Some(nearest) => format!("there is no setting `{key}`; did you mean `{nearest}`?"),
        None => format!("there is no setting `{key}`; there are {}", keys.join(", ")),
    }
}

fn read(known: &Value, text: &str) -> anyhow::Result<Value> {
    Ok(match known {
        Value::Integer(_) => whole(text)?,
        Value::Float(_) => Value::Float(text.parse().context("a number is expected")?),
        Value::Boolean(_) => Value::Boolean(text.parse().context("`true` or `false` is expected")?),
        Value::String(_) => Value::String(text.to_owned()),
        Value::Array(known) if !text.starts_with('[') => {
            let element = |part: &str| match known.first() {
                Some(Value::Float(_)) | None => read(&Value::Float(0.0), part),
                Some(Value::Integer(_)) => whole(part).or_else(|_| Ok(Value::String(part.to_owned()))),
                Some(other) => read(other, part),
            };
            Value::Array(text.split(',').map(|part| element(part.trim())).collect::<Result<_, _>>()?)
        }
        _ => {
            let mut line: Table = toml::from_str(&format!("value = {text}"))?;
            line.remove("value").context("a value is expected")?
        }
    })
}

/// `1e6` is a whole number as well.
fn whole(text: &str) -> anyhow::Result<Value> {
    if let Ok(number) = text.replace('_', "").parse() {
        return Ok(Value::Integer(number));
    }
    let number: f64 = text.parse().context("a whole number is expected")?;
    ensure!(number.fract() == 0.0 && number.abs() < 2.0_f64.powi(53), "a whole number is expected");
    Ok(Value::Integer(number as i64))
}

/// A value as one would type it.
fn typed(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(parts)
            if parts.iter().all(|part| !matches!(part, Value::Table(_) | Value::Array(_))) =>
        {
            parts.iter().map(typed).collect::<Vec<_>>().join(",")
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> Table {
        toml::from_str(
            "num_steps = 5\nnoise = 1.0\nsizes = [0.1, 0.2]\nbatch_sizes = [1, \"all\"]\n\
             runs = { seed = 0 }\nlaw = { kind = \"two\", low = 1.0 }\n",
        )
        .unwrap()
    }

    #[test]
    fn values_are_read_as_the_kind_that_is_there() {
        let mut settings = settings();
        for (key, text) in [
            ("num_steps", "1e6"),
            ("noise", "2"),
            ("sizes", "0.5, 1"),
            ("batch_sizes", "10,all"),
            ("runs.seed", "7"),
            ("law", "{ kind = \"one\", at = 3.0 }"),
        ] {
            set(&mut settings, key, text).unwrap();
        }
        let expected: Table = toml::from_str(
            "num_steps = 1000000\nnoise = 2.0\nsizes = [0.5, 1.0]\nbatch_sizes = [10, \"all\"]\n\
             runs = { seed = 7 }\nlaw = { kind = \"one\", at = 3.0 }\n",
        )
        .unwrap();
        assert_eq!(settings, expected);
    }

    #[test]
    fn settings_of_a_file_are_checked_table_by_table() {
        let refused =
            |text: &str| check(&settings(), &text.parse().unwrap()).map_err(|error| error.to_string());
        assert_eq!(refused("noise = 2\nruns.seed = 1\nlaw = { kind = \"one\", at = 3.0 }"), Ok(()));
        assert!(refused("num_step = 1").unwrap_err().contains("did you mean `num_steps`"));
        assert!(refused("runs.sede = 1").unwrap_err().contains("did you mean `runs.seed`"));
    }

    #[test]
    fn what_cannot_be_set_is_refused_with_the_nearest_name() {
        let refused = |key: &str, text: &str| format!("{:#}", set(&mut settings(), key, text).unwrap_err());
        assert!(refused("num_step", "5").contains("did you mean `num_steps`"));
        assert!(refused("runs.sede", "5").contains("runs.seed"));
        assert!(refused("noise.radius", "5").contains("no setting"));
        assert!(refused("num_steps", "1.5").contains("whole number"));
        assert!(refused("noise", "loud").contains("`noise` cannot be `loud`"));
        assert!(refused("sizes", "0.1,x").contains("number"));
        assert!(refused("law", "{ kind").contains("law"));
    }
}
