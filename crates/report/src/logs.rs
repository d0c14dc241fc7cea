//! What other programs read of a run: its record as curves for TensorBoard, as CSV and as JSON lines.
//!
//! All of it is computed from records, by code that never trains. A curve has one name in all three: `test/accuracy/tail`,
//! say.

mod curves;
mod event;
mod event_file;
mod folder;
mod table;

pub use curves::RunLog;
pub use folder::{write_event_file, write_event_files_of};
pub use table::{csv, json_lines};
