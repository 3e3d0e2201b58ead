//! Samples as JSON.

use serde_json::{Map, Value, json};

use crate::picture;
use crate::sample::{Outcome, Place, Row, Sample, SampleImage, Samples};

/// Returns the samples as a list of objects.
pub(crate) fn json(samples: &Samples) -> Value {
    samples.samples.iter().map(sample).collect()
}

fn sample(Sample { image, row, outcome }: &Sample) -> Value {
    let became = match outcome {
        Outcome::Item { item_id, place } => {
            json!({ "item_id": item_id, "place": place.as_ref().map(place_of) })
        }
        Outcome::Rejected { reason, detail } => json!({ "rejected": reason, "detail": detail }),
        Outcome::Unknown => Value::Null,
    };
    json!({ "file": image.as_ref().map(file), "row": row.as_ref().map(row_of), "outcome": became })
}

fn place_of(Place { dataset, split }: &Place) -> Value {
    json!({ "dataset": dataset, "split": split })
}

fn file(image: &SampleImage) -> Value {
    let mut file = json!({ "path": image.path, "size": image.size });
    match picture::decode(image, 1) {
        Ok(picture) => {
            file["width"] = picture.size[0].into();
            file["height"] = picture.size[1].into();
        }
        Err(problem) => file["problem"] = problem.into(),
    }
    file
}

fn row_of(row: &Row) -> Value {
    let columns: Map<String, Value> = row.columns.iter().cloned().collect();
    let texts = row.texts.as_ref();
    json!({
        "name": row.name,
        "columns": columns,
        "texts": texts.map(|texts| &texts.texts),
        "right": texts.and_then(|texts| texts.right),
    })
}
