//! The predictions of one run, read without a database where the file is as the store writes small ones.

use cliptune_experiment::Split;
use cliptune_store::{
    Answered, Chosen, Listed, Prediction, Retrieved, StoreError, read_predictions, verified_predictions_bytes,
};
use ruzstd::decoding::FrameDecoder;

use crate::columns::Column;
use crate::small_file::{SmallFile, Values};
use crate::views::View;

/// Returns the predictions of a run for a split that was scored, in the order of the file.
///
/// # Errors
/// Returns an error when there are no predictions, or when they are damaged or cannot be read.
pub fn predictions_of(run: &impl Listed, split: Split) -> Result<Vec<Prediction>, StoreError> {
    let bytes = verified_predictions_bytes(&run.scores_folder(split))?;
    match bytes.and_then(|bytes| read(&bytes)) {
        Some(predictions) => Ok(predictions),
        None => read_predictions(run, split),
    }
}

/// Returns the rows of a file, or `None` for one that only DuckDB can make sense of.
fn read(bytes: &[u8]) -> Option<Vec<Prediction>> {
    // The first two columns of the view say where a row comes from, which a file does not.
    let columns: Vec<Column> = View::Predictions.columns().into_iter().skip(2).collect();
    let file = SmallFile::read(bytes, &columns, &mut FrameDecoder::new())?;
    let column = |name: &str| file.column(columns.iter().position(|column| column.name == name)?);
    let columns = Columns {
        texts: ["item_id", "id", "group", "task"].map(column),
        numbers: ["share", "rank", "label_prob", "text_to_image_share", "text_to_image_rank"].map(column),
        wholes: ["label", "predicted"].map(column),
        correct: column("correct"),
        lists: ["candidates", "probs", "logits"].map(column),
    };
    (0..file.rows()).map(|row| columns.row(row)).collect()
}

/// The columns of a file by their kinds.
struct Columns<'f> {
    texts: [Option<&'f Values>; 4],
    numbers: [Option<&'f Values>; 5],
    wholes: [Option<&'f Values>; 2],
    correct: Option<&'f Values>,
    lists: [Option<&'f Values>; 3],
}

impl Columns<'_> {
    fn row(&self, row: usize) -> Option<Prediction> {
        let text = |at: usize| self.texts[at]?.text(row).map(str::to_owned);
        let number = |at: usize| self.numbers[at]?.number(row);
        let answered = match text(3)?.as_str() {
            "choice" => Answered::Choice(self.chosen(row)?),
            "classes" => Answered::Classes(self.chosen(row)?),
            "pairs" => Answered::Pairs(Retrieved {
                text_to_image_share: number(3)?,
                text_to_image_rank: number(4)?,
                logits: self.lists[2]?.numbers(row)?.try_into().ok()?,
            }),
            _ => return None,
        };
        Some(Prediction {
            item_id: text(0)?,
            id: text(1)?,
            group: text(2)?,
            correct: self.correct?.truth(row)?,
            share: number(0)?,
            rank: number(1)?,
            label_prob: number(2)?,
            answered,
        })
    }

    fn chosen(&self, row: usize) -> Option<Chosen> {
        let whole = |at: usize| usize::try_from(self.wholes[at]?.whole(row)?).ok();
        let candidates = self.lists[0]?.wholes(row)?;
        Some(Chosen {
            label: whole(0)?,
            predicted: whole(1)?,
            candidates: candidates.into_iter().map(|one| usize::try_from(one).ok()).collect::<Option<_>>()?,
            probs: self.lists[1]?.numbers(row)?,
            logits: self.lists[2]?.numbers(row)?,
        })
    }
}
