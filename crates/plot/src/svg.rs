//! Figures as SVG: panels for a page, and files that follow the light or dark theme of their reader.

mod file;
mod legend;
mod marks;
mod panel;
mod text;

#[cfg(test)]
pub(crate) use file::tests::example;
pub use file::{file, frame, without_dark_theme};
pub use legend::{LegendEntry, Mark, legend};
pub use panel::{SIZE, panel};
pub use text::escape;
