//! The answers as one JSON object.

use polder_experiment::sharpness::Moments;
use serde_json::{Map, Value, json};

use super::confidence;
use polder_experiment::sharpness::measurement::{CONFIDENCE, Found, Measurement};
use polder_experiment::sharpness::{SharpnessReport as Report, StageReport};

/// Estimates have `mean`, `lower`, `upper` at `confidence`; numbers that are not finite are `null`.
pub fn json(report: &Report) -> Value {
    json!({
        "run": report.run,
        "network": report.network,
        "dataset": report.dataset,
        "num_parameters": report.num_parameters,
        "subset": report.subset,
        "complete": report.is_complete,
        "checkpoints": report.stages.iter().map(stage).collect::<Vec<_>>(),
    })
}

fn stage(stage: &StageReport) -> Value {
    let weights = stage.of_one.iter().map(|of_one| {
        let answers: Vec<Value> = of_one.answers.iter().map(answer).collect();
        (of_one.name.clone(), json!({ "norm": of_one.norm, "measures": answers }))
    });
    let sections = |sections: &[(Vec<String>, Measurement)]| -> Vec<Value> {
        let named = sections.iter().map(|(names, found)| {
            let mut value = answer(found);
            value["through"] = json!(names);
            value
        });
        named.collect()
    };
    json!({
        "epoch": stage.epoch,
        "step": stage.step,
        "weights": weights.collect::<Map<_, _>>(),
        "lines": sections(&stage.lines),
        "planes": sections(&stage.planes),
    })
}

/// The settings, whether it is finished, and what was found.
fn answer(answer: &Measurement) -> Value {
    let measure = &answer.question.measure;
    let mut value = json!(measure);
    let object = value.as_object_mut().expect("a measure has a tag");
    object.insert("finished".to_owned(), json!(answer.is_finished));
    object.insert("seconds".to_owned(), json!(answer.seconds));
    let estimate = |moments: &Moments| json!(moments.estimate(confidence(measure)));
    let found = match &answer.found {
        Found::Loss(at) => json!(at),
        Found::Trace(state) => {
            json!({ "raw": estimate(&state.trace), "scale-invariant": estimate(&state.weighted) })
        }
        Found::Eigenvalues(found) => json!(found),
        Found::Density(state) => json!({
            "quadratures": state.quadratures,
            "mean": state.mean_of(|x| x, CONFIDENCE),
            "negative_part": state.mean_of(|x| x.min(0.0), CONFIDENCE),
        }),
        Found::WorstCaseSharpness(rise) => match rise {
            Some(rise) => {
                json!({ "loss": rise.loss, "largest": rise.worst(), "sam": rise.sam(), "rises": rise.rises })
            }
            None => Value::Null,
        },
        Found::AverageSharpness(state) => json!({ "loss": state.loss, "mean": estimate(&state.rises) }),
        Found::MSharpness(rises) => estimate(rises),
        Found::Line { distance, losses } => json!({ "distance": distance, "losses": losses }),
        Found::Plane(section) => json!(section),
    };
    object.insert("found".to_owned(), found);
    value
}
