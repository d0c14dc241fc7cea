//! What a report shows, as plain data: the quantities that claims are about, tables, and figures.
//!
//! Nothing here prints or draws. Whoever does finds all experiments in one form.

mod evidence;
mod table;

pub use evidence::{Evidence, Support};
pub use polder_plot::{Axis, AxisScale, Figure, Ink, Panel, Series, Shape};
pub use table::Table;
pub(crate) use table::{estimate_text, number_text};

/// Everything that is to be seen of a report.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Exhibit {
    /// What claims can be about, each under a name of its own.
    pub evidence: Vec<Evidence>,
    /// The numbers, most important first.
    pub tables: Vec<Table>,
    /// The pictures, most important first.
    pub figures: Vec<Figure>,
}

/// A report that can be shown.
pub trait Exhibits {
    /// Sorts out what the report has to show; computes nothing that takes time.
    fn exhibit(&self) -> Exhibit;
}
