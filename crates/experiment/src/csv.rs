//! Rows of CSV, as RFC 4180 describes them but for the line end, which is a line feed alone.

/// One row with its line end; fields with commas, quotes or line ends are quoted.
pub fn row<T: AsRef<str>>(fields: impl IntoIterator<Item = T>) -> String {
    let fields: Vec<String> = fields.into_iter().map(|field| quoted(field.as_ref())).collect();
    fields.join(",") + "\n"
}

fn quoted(field: &str) -> String {
    if field.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", field.replace('"', "\"\""))
    } else {
        field.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::row;

    #[test]
    fn fields_with_commas_and_quotes_are_quoted() {
        assert_eq!(
            row(["a", "small steps, SGD", "a \"b\"", ""]),
            "a,\"small steps, SGD\",\"a \"\"b\"\"\",\n"
        );
    }
}
