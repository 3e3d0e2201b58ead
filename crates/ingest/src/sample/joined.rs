//! Joined rows.

use std::collections::HashMap;

use cliptune_experiment::{Task, Verify};
use cliptune_sample::{Outcome, Place, Request, Sample, Samples};
use cliptune_store::Reason;
use cliptune_terminal::Printer;
use serde::Deserialize;

use super::Subject;
use super::joining::{Found, Joining};
use crate::error::IngestError;
use crate::functions;
use crate::headers::header;
use crate::pipeline::{folds, images, matches, outcomes, reading, rejects};

/// What a row becomes.
#[derive(Deserialize)]
struct Became {
    item: Option<String>,
    label: Option<usize>,
    reason: Option<Reason>,
    detail: Option<String>,
}

/// Returns some of the rows that have an image and that `data.where` and the request keep.
pub(super) fn samples(
    subject: &Subject<'_>,
    request: &Request,
    printer: &Printer,
) -> Result<Samples, IngestError> {
    let mut joining = Joining::open(subject)?;
    let total = choose(&joining, request)?;
    images::inspected(&joining.database, &subject.inputs.images, &[])?;
    decide(&mut joining, printer)?;
    let (found, mut columns, became) = (joining.found()?, joining.columns()?, became(&joining)?);
    let items: Vec<&str> = became.values().filter_map(|became| became.item.as_deref()).collect();
    let splits = joining.splits(&items)?;
    let samples = found.iter().map(|found| {
        let became = became.get(&found.number);
        let right = became.and_then(|became| became.label).filter(|_| joining.is_choice());
        Sample {
            image: found.image.and_then(|image| subject.sample_image(image)),
            row: Some(joining.row(found, columns.remove(&found.number).unwrap_or_default(), right)),
            outcome: joining.outcome(found, became, &splits),
        }
    });
    let samples = samples.collect();
    Ok(Samples { experiment: subject.experiment.to_string(), what: "joined rows".to_owned(), total, samples })
}

/// Makes the table `chosen`, with the numbers of rows and the places in which they are shown. Returns how many there are
/// to choose from.
fn choose(joining: &Joining<'_>, request: &Request) -> Result<u64, IngestError> {
    let database = &joining.database;
    let wanted = match &request.filter {
        None => "",
        Some(sql) => {
            matches::make_where(database, &joining.table, "--where", sql, "wanted")?;
            "SEMI JOIN wanted ON wanted.number = joined.number"
        }
    };
    // A row is drawn by what it is called and not by its place among those that are kept.
    let order = match request.seed {
        None => "number".to_owned(),
        Some(seed) => format!("md5('{seed}:' || number), number"),
    };
    database.make(&format!(
        "CREATE TABLE candidates AS
             SELECT joined.number FROM joined {wanted} WHERE kept AND image IS NOT NULL;
         CREATE TABLE chosen AS
             SELECT number, row_number() OVER (ORDER BY {order}) AS place
             FROM (SELECT number FROM candidates ORDER BY {order} LIMIT {})",
        request.limit
    ))?;
    database.row("SELECT CAST(count(*) AS VARCHAR) FROM candidates")
}

/// Decides how labels are read and what the chosen rows become. Where the labels cannot be read, the rows can still be
/// looked at, which may be what tells how.
fn decide(joining: &mut Joining<'_>, printer: &Printer) -> Result<(), IngestError> {
    let Joining { subject, database, rules, .. } = joining;
    if let Task::Choice { label, .. } = &subject.plan.columns.task {
        match reading::decide(database, label, rules) {
            Ok(reading) => rules.reading = Some(reading),
            Err(IngestError::Label(error)) => {
                printer.failure(&error);
            }
            Err(error) => return Err(error),
        }
    }
    functions::register_labels(database, rules)?;
    folds::make(database, &subject.plan.split)?;
    database.make(
        "CREATE TABLE looked_at AS SELECT joined.* FROM joined SEMI JOIN chosen ON chosen.number = joined.number;
         DROP VIEW joined; ALTER TABLE looked_at RENAME TO joined",
    )?;
    functions::register_images(database, &subject.inputs.images)?;
    outcomes::number_groups(database, subject.plan)?;
    outcomes::make(database, subject.plan, rules.reading)?;
    rejects::make(database)
}

/// Returns what the chosen rows become, by their numbers.
fn became(joining: &Joining<'_>) -> Result<HashMap<u64, Became>, IngestError> {
    let became = joining.database.rows::<(u64, Became)>(
        "SELECT CAST(to_json([to_json(outcomes.number), to_json({
             'item': printf('%016x', outcomes.item), 'label': outcomes.label, 'reason': outcomes.reason,
             'detail': row_rejects.detail})]) AS VARCHAR)
         FROM outcomes LEFT JOIN row_rejects ON row_rejects.number = outcomes.number",
    )?;
    Ok(became.into_iter().collect())
}

impl Joining<'_> {
    fn is_choice(&self) -> bool {
        matches!(self.subject.plan.columns.task, Task::Choice { .. })
    }

    /// Says what became of a row. An image is only looked at here, because few are shown.
    fn outcome(&self, found: &Found, became: Option<&Became>, splits: &HashMap<String, String>) -> Outcome {
        let rejected = |reason: Reason, detail| Outcome::Rejected { reason: reason.to_string(), detail };
        let image = found.image.and_then(|image| self.subject.inputs.images.get(image));
        let is_seen = self.subject.plan.verify != Verify::None;
        let problem = image.filter(|_| is_seen).and_then(|image| header(&self.subject.inputs, image).err());
        match (problem, became) {
            (Some(problem), _) => rejected(Reason::RowImageUnreadable, problem),
            (None, Some(Became { reason: Some(Reason::LabelNotAmongChoices), .. }))
                if self.rules.reading.is_none() =>
            {
                Outcome::Unknown
            }
            (None, Some(Became { reason: Some(reason), detail, .. })) => {
                rejected(*reason, detail.clone().unwrap_or_default())
            }
            (None, Some(Became { item: Some(item), .. })) => {
                let dataset = self.subject.dataset().map(|dataset| dataset.record().hash.clone());
                let place = dataset.map(|dataset| Place { dataset, split: splits.get(item).cloned() });
                Outcome::Item { item_id: item.clone(), place }
            }
            (None, _) => Outcome::Unknown,
        }
    }
}
