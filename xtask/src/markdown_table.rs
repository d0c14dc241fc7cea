//! A table of measurements in Markdown.

use std::fmt;

/// A head and rows; the first columns hold text, the others numbers.
#[derive(Debug)]
pub(crate) struct Table {
    head: String,
    num_texts: usize,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// `head` is the head line in Markdown without its outer bars; its first `num_texts` columns hold text.
    pub(crate) fn new(head: &str, num_texts: usize) -> Self {
        Self { head: head.to_owned(), num_texts, rows: Vec::new() }
    }

    fn num_columns(&self) -> usize {
        self.head.split(" | ").count()
    }

    /// Adds a row; missing cells are empty.
    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = impl Into<String>>) {
        let mut cells: Vec<String> = cells.into_iter().map(Into::into).collect();
        cells.resize(self.num_columns(), String::new());
        self.rows.push(cells);
    }
}

impl fmt::Display for Table {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "| {} |", self.head)?;
        let num_numbers = self.num_columns() - self.num_texts;
        writeln!(formatter, "|{}{}", "---|".repeat(self.num_texts), "---:|".repeat(num_numbers))?;
        for row in &self.rows {
            let cells: Vec<String> =
                row.iter().map(|cell| cell.replace('|', "\\|").replace('\n', " ")).collect();
            writeln!(formatter, "| {} |", cells.join(" | "))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Table;

    #[test]
    fn a_row_has_a_cell_for_each_column_whatever_is_in_it() {
        let mut table = Table::new("What | Rate | Ratio", 1);
        table.row(["a|b\nc", "1"]);
        assert_eq!(table.to_string(), "| What | Rate | Ratio |\n|---|---:|---:|\n| a\\|b c | 1 |  |\n");
    }
}
