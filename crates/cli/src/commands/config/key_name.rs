//! The name of a key as an argument, so that a shell can complete it.

use std::collections::BTreeSet;
use std::ffi::OsStr;

use clap::builder::{PossibleValue, StringValueParser, TypedValueParser};
use clap::{Arg, Command, Error};

use polder_experiment::config::keys::Keys;

/// Takes any text, since names within a configuration are the user's own, and offers the keys that the schema has.
#[derive(Clone, Copy, Debug)]
pub(super) struct KeyNameParser;

impl TypedValueParser for KeyNameParser {
    type Value = String;

    fn parse_ref(&self, command: &Command, arg: Option<&Arg>, value: &OsStr) -> Result<String, Error> {
        StringValueParser::new().parse_ref(command, arg, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        let names: BTreeSet<&str> = Keys::of_a_run().all().iter().map(|key| key.path.as_str()).collect();
        Some(Box::new(names.into_iter().map(PossibleValue::new)))
    }
}
