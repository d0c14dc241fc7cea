//! The one table: images per second, ratio to the limit, ratio to each peer.

use serde_json::{Value, json};

use crate::bench::criterion::Measured;
use crate::bench::peer::{self, Peer};
use crate::markdown_table::Table;
use crate::number::whole;

/// Everything that was measured.
#[derive(Debug)]
pub(crate) struct Report {
    /// Which images.
    pub(crate) data: String,
    /// Processor, cores, commit.
    pub(crate) machine: String,
    /// Loader and limit in alternating rounds, as `loader_speed` prints it.
    pub(crate) interleaved: Option<Value>,
    pub(crate) benches: Vec<Measured>,
    pub(crate) peers: Vec<Peer>,
}

impl Report {
    /// The table in Markdown, the interleaved ratios above it and what it means below.
    pub(crate) fn markdown(&self) -> String {
        let peers = self.measured_peers();
        let letters: Vec<char> = ('a'..).take(peers.len()).collect();
        let mut columns = vec!["What | Workers | images/s | of the limit".to_owned()];
        columns.extend(letters.iter().map(|letter| format!("× {letter}")));
        let mut table = Table::new(&columns.join(" | "), 1);
        for bench in &self.benches {
            let workers = bench.workers.map_or(String::new(), |workers| workers.to_string());
            let of_limit = self.of_limit(bench).map_or(String::new(), |ratio| format!("{ratio:.2}"));
            let mut cells = vec![title(bench), workers, whole(bench.images_per_second), of_limit];
            if bench.group == LOADER {
                cells
                    .extend(peers.iter().map(|peer| ratio(bench.images_per_second / peer.images_per_second)));
            }
            table.row(cells);
        }
        for (peer, letter) in peers.iter().zip(letters) {
            let note = peer.note.as_ref().map_or(String::new(), |note| format!(" ({note})"));
            let of_limit = self.limit("f32").map(|limit| format!("{:.4}", peer.images_per_second / limit));
            table.row([
                format!("**{letter}** {}{note}", peer.name),
                peer.workers.to_string(),
                whole(peer.images_per_second),
                of_limit.unwrap_or_default(),
            ]);
        }
        for peer in &self.peers {
            if let Peer::Missing { name, missing } = peer {
                table.row([name, "", &format!("not measured: {missing}")]);
            }
        }
        let headlines = self.interleaved.as_ref().map_or(String::new(), headlines);
        let peers = peers.first().map_or(String::new(), |peer| {
            format!(
                "\nPeers: {} images per round, median of {} rounds; 32-bit floats; one thread per process of PyTorch; \
                 workers 0 means that the consumer does the work.",
                whole(peer.images as f64),
                peer.rounds
            )
        });
        format!("{headlines}{table}\nMedians on {}, on {}.\n{LEGEND}{peers}", self.data, self.machine)
    }

    /// The same as one line of JSON. `of_peers` has, for each output of the whole loader with one worker as measured in
    /// alternation with its limit, the ratio to each peer by `name, workers`.
    pub(crate) fn json(&self) -> String {
        let peers = self.measured_peers();
        let rows: Vec<Value> = self
            .benches
            .iter()
            .map(|bench| {
                let mut row = json!(bench);
                row["of_limit"] = json!(self.of_limit(bench));
                if bench.group == LOADER {
                    let ratios = peers.iter().map(|peer| {
                        json!({
                            "name": peer.name,
                            "workers": peer.workers,
                            "ratio": bench.images_per_second / peer.images_per_second,
                        })
                    });
                    row["of_peers"] = ratios.collect();
                }
                row
            })
            .collect();
        let report = json!({
            "data": self.data,
            "machine": self.machine,
            "interleaved": self.interleaved,
            "of_peers": self.interleaved.as_ref().map(|interleaved| of_peers(interleaved, &peers)),
            "rows": rows,
            "peers": self.peers,
        });
        report.to_string()
    }

    fn measured_peers(&self) -> Vec<&peer::Measured> {
        let measured = self.peers.iter().filter_map(|peer| match peer {
            Peer::Measured(measured) => Some(measured),
            Peer::Missing { .. } => None,
        });
        measured.collect()
    }

    fn limit(&self, output: &str) -> Option<f64> {
        let limit = self.benches.iter().find(|bench| bench.group == LIMIT && bench.output() == Some(output));
        limit.map(|limit| limit.images_per_second)
    }

    fn of_limit(&self, bench: &Measured) -> Option<f64> {
        Some(bench.images_per_second / self.limit(bench.output()?)?)
    }
}

fn of_peers(interleaved: &Value, peers: &[&peer::Measured]) -> Value {
    let outputs = ["f32", "u8"].into_iter().filter_map(|output| {
        let rate = interleaved[output]["images_per_second"].as_f64()?;
        let ratios = peers
            .iter()
            .map(|peer| (format!("{}, {}", peer.name, peer.workers), json!(rate / peer.images_per_second)));
        Some((output.to_owned(), Value::Object(ratios.collect())))
    });
    Value::Object(outputs.collect())
}

const LIMIT: &str = "limit";
const LOADER: &str = "loader";

const LEGEND: &str = "The limit is one core's, with the same flags: mapped records in shuffled order into recycled \
                      buffers of 128 images, nothing but `byte * scale + shift` (f32, and rounded: bf16) or the copy (u8).";

fn title(bench: &Measured) -> String {
    match bench.group.as_str() {
        LIMIT => format!("Limit: {}", bench.name),
        LOADER => format!("Whole loader: {}", bench.name),
        _ => bench.name.clone(),
    }
}

/// Large ratios are no more exact than their measurement.
fn ratio(value: f64) -> String {
    if value < 10.0 { format!("{value:.1}") } else { format!("{value:.0}") }
}

/// A heading, and one line per output: rate, ratio to the limit, the share of its time that is not the augmentation.
fn headlines(interleaved: &Value) -> String {
    let outputs = interleaved.as_object().into_iter().flatten();
    let lines = outputs.filter_map(|(output, measured)| {
        let number = |name: &str| measured.get(name)?.as_f64();
        Some(format!(
            "* {output}: {} images/s, {:.2} of the limit ({} images/s); {:.1} % of its time beyond the augmentation itself\n",
            whole(number("images_per_second")?),
            number("ratio_to_limit")?,
            whole(number("limit_images_per_second")?),
            100.0 * number("overhead")?,
        ))
    });
    let lines: String = lines.collect();
    format!("Whole loader with one worker and limit, in alternating rounds of one process:\n\n{lines}\n")
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::Report;
    use crate::bench::criterion::Measured;
    use crate::bench::peer;

    fn report() -> Report {
        let bench = |group: &str, name: &str, workers, images_per_second| Measured {
            group: group.to_owned(),
            name: name.to_owned(),
            workers,
            images_per_second,
        };
        Report {
            data: "images".to_owned(),
            machine: "a machine".to_owned(),
            interleaved: Some(json!({
                "rounds": 9,
                "f32": {
                    "images_per_second": 900_000, "limit_images_per_second": 1e6, "ratio_to_limit": 0.9,
                    "overhead": 0.012
                }
            })),
            benches: vec![
                bench("limit", "f32", None, 1_000_000.0),
                bench("stage", "choices", None, 20_000_000.0),
                bench("stage", "f32 NHWC augmentation", None, 500_000.0),
                bench("loader", "f32 NCHW", Some(1), 800_000.0),
                bench("loader", "u8 NCHW", Some(1), 900_000.0),
            ],
            peers: peer::parse(
                "{\"name\": \"slow\", \"images_per_second\": 4000, \"workers\": 0, \"rounds\": 5, \"images\": 12800}\n\
                 {\"name\": \"absent\", \"missing\": \"no such module\"}",
            )
            .unwrap(),
        }
    }

    #[test]
    fn each_row_stands_beside_its_own_limit_and_loaders_beside_peers() {
        let text = report().markdown();
        for expected in [
            "* f32: 900,000 images/s, 0.90 of the limit (1,000,000 images/s); 1.2 % of its time",
            "| What | Workers | images/s | of the limit | × a |",
            "| Limit: f32 |  | 1,000,000 | 1.00 |  |",
            "| choices |  | 20,000,000 |  |  |",
            "| f32 NHWC augmentation |  | 500,000 | 0.50 |  |",
            "| Whole loader: f32 NCHW | 1 | 800,000 | 0.80 | 200 |",
            "| Whole loader: u8 NCHW | 1 | 900,000 |  | 225 |",
            "| **a** slow | 0 | 4000 | 0.0040 |  |",
            "| absent |  | not measured: no such module |  |  |",
            "Medians on images, on a machine.",
        ] {
            assert!(text.contains(expected), "`{expected}` is not in\n{text}");
        }
    }

    #[test]
    fn json_has_the_same_numbers() {
        let value: Value = serde_json::from_str(&report().json()).unwrap();
        assert_eq!(value["rows"][3]["of_limit"], 0.8);
        assert_eq!(value["of_peers"]["f32"]["slow, 0"], 225.0);
        assert_eq!(value["rows"][3]["of_peers"][0]["ratio"], 200.0);
        assert_eq!(value["peers"][1]["missing"], "no such module");
    }
}
