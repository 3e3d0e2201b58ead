//! Images and rows that are in no item.

use std::collections::HashMap;

use cliptune_sample::{Outcome, Request, Sample, Samples};
use cliptune_store::{Dataset, JoinSide, Reject, sql_text};
use cliptune_terminal::{Column, Printer, Table, format};
use serde::Deserialize;

use super::Subject;
use super::joining::{Found, Joining};
use super::reason;
use crate::error::{IngestError, SampleError};
use crate::pipeline::ROW_NAME;

/// Lists the reasons for which something was rejected, with their counts.
pub(super) fn list(subject: &Subject<'_>, printer: &Printer) -> Result<(), IngestError> {
    let counts = &dataset(subject, printer)?.record().rejects;
    let mut table = Table::new([Column::right("rejected"), Column::left("reason")]);
    for (reason, count) in counts {
        table.row([format::count(*count), reason.clone()]);
    }
    if printer.is_json() {
        printer.json(counts);
    } else if table.is_empty() {
        printer.status("nothing was rejected");
    } else {
        printer.table(&table);
    }
    Ok(())
}

/// Returns the dataset, which says what was rejected. To find it out anew, every image would have to be decoded.
fn dataset<'a>(subject: &'a Subject<'_>, printer: &Printer) -> Result<&'a Dataset, IngestError> {
    let not_ingested = || SampleError::NotIngested { experiment: subject.experiment.to_string() };
    let dataset = subject.dataset().ok_or_else(not_ingested)?;
    if subject.fresh.is_none() {
        let hash = dataset.record().hash.get(..12).unwrap_or_default();
        printer.warn(&format!("dataset {hash} is stale: its sources or its recipe have changed since"));
    }
    Ok(dataset)
}

/// Returns some of the images and rows that were rejected for a reason.
pub(super) fn samples(
    subject: &Subject<'_>,
    asked: &str,
    request: &Request,
    printer: &Printer,
) -> Result<Samples, IngestError> {
    let dataset = dataset(subject, printer)?;
    let reason = reason::find(asked, &dataset.record().rejects)?;
    let mut rejects = dataset.rejects()?;
    rejects.retain(|reject| reject.reason == reason);
    if let Some(seed) = request.seed {
        rejects.sort_by_cached_key(|Reject { key, join_key, .. }| {
            *blake3::hash(format!("{seed}\n{key}\n{join_key:?}").as_bytes()).as_bytes()
        });
    }
    let total = rejects.len() as u64;
    rejects.truncate(request.limit as usize);
    let samples = match reason_side(&rejects) {
        JoinSide::Image => rejects.iter().map(|reject| image(subject, reject)).collect(),
        JoinSide::Row => rows(&Joining::open(subject)?, &rejects)?,
    };
    let what = format!("rejected for \"{reason}\"");
    Ok(Samples { experiment: subject.experiment.to_string(), what, total, samples })
}

/// Returns the side that rejects of one reason come from.
fn reason_side(rejects: &[Reject]) -> JoinSide {
    rejects.first().map_or(JoinSide::Image, |reject| reject.side)
}

fn outcome(reject: &Reject) -> Outcome {
    Outcome::Rejected { reason: reject.reason.to_string(), detail: reject.detail.clone() }
}

fn image(subject: &Subject<'_>, reject: &Reject) -> Sample {
    let number = subject.inputs.images.iter().position(|image| image.name() == reject.key);
    Sample {
        image: number.and_then(|number| subject.sample_image(number)),
        row: None,
        outcome: outcome(reject),
    }
}

/// Returns rejected rows as the table has them now.
fn rows(joining: &Joining<'_>, rejects: &[Reject]) -> Result<Vec<Sample>, IngestError> {
    let numbers = choose(joining, rejects)?;
    let found = joining.found()?;
    let mut columns = joining.columns()?;
    let found: HashMap<u64, &Found> = found.iter().map(|found| (found.number, found)).collect();
    let sample = |(reject, number): (&Reject, &Option<u64>)| {
        let found = number.and_then(|number| found.get(&number)).copied();
        Sample {
            image: found.and_then(|found| joining.subject.sample_image(found.image?)),
            row: found
                .map(|found| joining.row(found, columns.remove(&found.number).unwrap_or_default(), None)),
            outcome: outcome(reject),
        }
    };
    Ok(rejects.iter().zip(&numbers).map(sample).collect())
}

#[derive(Deserialize)]
struct Named {
    number: u64,
    name: String,
    key: Option<String>,
}

/// Makes the table `chosen` of the rows that were rejected, and returns the number of each. Rows that are called the same
/// and look for the same image are taken in order.
fn choose(joining: &Joining<'_>, rejects: &[Reject]) -> Result<Vec<Option<u64>>, IngestError> {
    let names: Vec<String> = rejects.iter().map(|reject| sql_text(&reject.key)).collect();
    let mut named: Vec<Named> = joining.database.rows(&format!(
        "SELECT CAST(to_json({{'number': cells.number, 'name': {ROW_NAME}, 'key': cells.key}}) AS VARCHAR)
         FROM cells WHERE {ROW_NAME} IN ({}) ORDER BY cells.number",
        names.join(", ")
    ))?;
    let take = |reject: &Reject| {
        let is_it = |row: &Named| row.name == reject.key && row.key == reject.join_key;
        named.iter().position(is_it).map(|at| named.remove(at).number)
    };
    let numbers: Vec<Option<u64>> = rejects.iter().map(take).collect();
    let values: Vec<String> =
        numbers.iter().flatten().enumerate().map(|(at, number)| format!("({number}, {at})")).collect();
    joining.database.make("CREATE TABLE chosen (number BIGINT, place BIGINT)")?;
    if !values.is_empty() {
        joining.database.make(&format!("INSERT INTO chosen VALUES {}", values.join(", ")))?;
    }
    Ok(numbers)
}
