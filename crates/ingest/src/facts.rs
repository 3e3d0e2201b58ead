//! What the texts and the label of a row are, in numbers. A function of SQL gives them once for each row, so that no step
//! after it has to read the texts again.

use std::error::Error;
use std::sync::Arc;

use cliptune_experiment::LabelReading;
use cliptune_store::Reason;
use duckdb::arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, RecordBatch, StringArray, StringBuilder, StructArray, UInt32Array,
};
use duckdb::arrow::datatypes::{DataType, Field, Fields};
use duckdb::vscalar::{ArrowFunctionSignature, VArrowScalar};

use crate::encoded::{EncodedTexts, encoded, encoded_texts};
use crate::functions::{Rules, list_of, text, text_at};
use crate::label::Means;
use crate::saying::Saying;
use crate::texts::{self, Listed};

/// The function that gives the facts about a row: from its texts alone, or from its texts and its label.
///
/// | field | what it holds |
/// |---|---|
/// | `said` | the fingerprints of the texts that say something, or NULL where there is no list of texts |
/// | `flaw` | the reason why the texts cannot be an item's, or NULL |
/// | `detail` | the value that is the reason, or NULL |
/// | the others | those of [`Means`], where there is a label and all texts are there |
pub(crate) struct Facts;

/// The SQL of the facts about texts, and about a label if rows have one.
pub(crate) fn facts(texts: &str, label: Option<&str>) -> String {
    let texts = encoded(texts);
    match label {
        Some(label) => format!("cliptune_facts({texts}, {label})"),
        None => format!("cliptune_facts({texts})"),
    }
}

/// Returns the field with the index that a reading makes of the label.
pub(crate) fn index_of(reading: LabelReading) -> &'static str {
    match reading {
        LabelReading::Text => "facts.text",
        LabelReading::Letter => "facts.letter",
        LabelReading::Index => "facts.index",
        LabelReading::Position => "facts.position",
    }
}

impl VArrowScalar for Facts {
    type State = Rules;

    fn invoke(rules: &Rules, input: RecordBatch) -> Result<Arc<dyn Array>, Box<dyn Error>> {
        let lists = EncodedTexts::of(input.column(0))?;
        let labels = (input.num_columns() > 1).then(|| input.column(1).as_string::<i32>());
        let mut about = AboutTexts::default();
        let mut means = Vec::new();
        let (mut listed, mut present) = (Vec::new(), Vec::new());
        for row in 0..input.num_rows() {
            let is_list = lists.read(row, &mut listed);
            present.clear();
            present.extend(listed.iter().copied().flatten());
            let texts = is_list.then_some(Listed { all: &listed, present: &present });
            about.push(rules, texts);
            if let Some(labels) = labels {
                means.push(means_at(rules, labels, row, texts));
            }
        }
        let mut columns = about.finish().to_vec();
        if labels.is_some() {
            columns.extend(of_means(&means));
        }
        Ok(Arc::new(StructArray::new(fields(labels.is_some()), columns, None)))
    }

    fn signatures() -> Vec<ArrowFunctionSignature> {
        let parameters = [encoded_texts(), text()];
        let signature = |parameters: &[DataType]| {
            let gives = DataType::Struct(fields(parameters.len() > 1));
            ArrowFunctionSignature::exact(parameters.to_vec(), gives)
        };
        vec![signature(&parameters[..1]), signature(&parameters)]
    }
}

/// Returns the fields of the facts.
fn fields(has_label: bool) -> Fields {
    let field = |name: &str, kind| Field::new(name, kind, true);
    let mut fields =
        vec![field("said", list_of(DataType::UInt64)), field("flaw", text()), field("detail", text())];
    if has_label {
        fields.extend(["text", "letter", "index", "position"].map(|name| field(name, DataType::UInt32)));
        fields.extend(["is_zero", "is_count"].map(|name| field(name, DataType::Boolean)));
    }
    fields.into()
}

/// What is known about texts, column by column.
#[derive(Default)]
struct AboutTexts<'a> {
    said: Saying<'a>,
    flaws: StringBuilder,
    details: StringBuilder,
}

impl<'a> AboutTexts<'a> {
    fn push(&mut self, rules: &Rules, texts: Option<Listed<'_, 'a>>) {
        self.said.push(texts.map(|texts| texts.present));
        let (flaw, detail) = texts.and_then(|texts| texts::flaw(rules.task, texts)).unzip();
        self.flaws.append_option(flaw.map(Reason::as_str));
        self.details.append_option(detail);
    }

    fn finish(mut self) -> [ArrayRef; 3] {
        [self.said.finish(), Arc::new(self.flaws.finish()), Arc::new(self.details.finish())]
    }
}

/// Returns what the label in a row means, if it is one and all the texts are.
fn means_at(rules: &Rules, labels: &StringArray, row: usize, texts: Option<Listed<'_, '_>>) -> Option<Means> {
    Some(Means::of(rules.spelling, text_at(labels, row)?, texts?.whole()?))
}

fn of_means(means: &[Option<Means>]) -> [ArrayRef; 6] {
    let numbers = |field: fn(&Means) -> Option<u32>| -> ArrayRef {
        Arc::new(means.iter().map(|means| field(means.as_ref()?)).collect::<UInt32Array>())
    };
    let flags = |field: fn(&Means) -> bool| -> ArrayRef {
        Arc::new(means.iter().map(|means| means.as_ref().map(field)).collect::<BooleanArray>())
    };
    [
        numbers(|means| means.text),
        numbers(|means| means.letter),
        numbers(|means| means.index),
        numbers(|means| means.position),
        flags(|means| means.is_zero),
        flags(|means| means.is_count),
    ]
}
