//! A run as an event file of TensorBoard: records with checksums, in each of which lies one event.
//!
//! Source: `record_writer.cc` and `crc32c.h` of TensorFlow. A record is the length of its data (u64), a checksum of these
//! eight bytes (u32), the data, and a checksum of the data (u32), all little-endian.

use std::fmt::Write as _;

use super::RunLog;
use super::event;

/// The event file of `log`: the configuration and what else is known of the run as texts, then a point of each curve for
/// each epoch.
///
/// TensorBoard keeps numbers in f32; one that was not finite is NaN, which it marks.
///
/// # Errors
/// If the configuration cannot be put into TOML.
pub(super) fn event_file(log: &RunLog<'_>) -> anyhow::Result<Vec<u8>> {
    let began_at = log.began_at();
    let config = toml::to_string(&log.records.run.config)?;
    let mut file = Vec::new();
    add(&mut file, &event::file_version(began_at));
    add(&mut file, &event::text(began_at, "run/config", &format!("```toml\n{config}```\n")));
    add(&mut file, &event::text(began_at, "run/about", &about(log)));
    for row in &log.rows {
        let values = row.values.iter().map(|(name, value)| (name.clone(), value.unwrap_or(f64::NAN) as f32));
        add(&mut file, &event::scalars(log.wall_time(row), row.steps, values));
    }
    Ok(file)
}

/// What is known of the run apart from its configuration, as a table in Markdown.
fn about(log: &RunLog<'_>) -> String {
    let (run, data) = (&log.records.run, &log.records.run.data);
    let verification = format!("{:?}", data.verification).to_lowercase();
    let mut rows = vec![
        ("run", run.id.clone()),
        ("state", log.state()),
        ("network", format!("{}, {} parameters", run.config.model.name, run.num_parameters)),
        (
            "data",
            format!(
                "{}, {} training and {} test images, {verification}",
                run.config.data.dataset, data.train_images, data.test_images
            ),
        ),
        ("device", run.device.clone()),
        ("Polder", run.version.clone()),
    ];
    if let Some(machine) = &log.records.environment {
        rows.push(("processor", format!("{}, {} threads", machine.processor, machine.threads)));
        rows.push(("libtorch", machine.libtorch.clone()));
    }
    let mut table = "| | |\n|---|---|\n".to_owned();
    for (name, value) in rows {
        let _ = writeln!(table, "| {name} | {value} |");
    }
    table
}

fn add(file: &mut Vec<u8>, data: &[u8]) {
    let len = (data.len() as u64).to_le_bytes();
    file.extend_from_slice(&len);
    file.extend_from_slice(&masked_crc32c(&len).to_le_bytes());
    file.extend_from_slice(data);
    file.extend_from_slice(&masked_crc32c(data).to_le_bytes());
}

/// The checksum of data that may hold checksums itself: rotated and shifted, so that these do not cancel.
fn masked_crc32c(data: &[u8]) -> u32 {
    crc32c::crc32c(data).rotate_right(15).wrapping_add(0xa282_ead8)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first twelve bytes of any event file that TensorBoard's own writer begins with a record of 24 bytes.
    #[test]
    fn a_header_of_24_bytes_is_that_of_tensorboards_own_writer() {
        let mut file = Vec::new();
        add(&mut file, &[0; 24]);
        assert_eq!(file[..12], [0x18, 0, 0, 0, 0, 0, 0, 0, 0xa3, 0x7f, 0x4b, 0x22]);
        assert_eq!(file.len(), 8 + 4 + 24 + 4);
    }
}
