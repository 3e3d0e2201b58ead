//! Numbers the folds that a column names.

use cliptune_experiment::{FoldSource, Folds, SplitPlan};
use cliptune_store::sql_text;

use crate::database::Database;
use crate::error::{IngestError, SplitError};

/// The largest number of folds. A column with more values is not one of folds.
const MOST: usize = 100;

/// Makes the table `fold_names`: the name, the number and the split of each fold that a column names. Without such a
/// column it has no rows.
pub(crate) fn make(database: &Database, plan: &SplitPlan) -> Result<(), IngestError> {
    database.make("CREATE TABLE fold_names (name VARCHAR, fold INTEGER, split split_name)")?;
    let Some(Folds { of: FoldSource::Column(column), .. }) = &plan.folds else { return Ok(()) };
    let names: Vec<String> = database.rows(&format!(
        "SELECT CAST(to_json(split) AS VARCHAR) FROM (
             SELECT DISTINCT split FROM joined WHERE kept AND image IS NOT NULL AND split IS NOT NULL LIMIT {})",
        MOST + 1
    ))?;
    let values = values(plan.folds.as_ref(), sorted(names), column)?;
    database.make(&format!("INSERT INTO fold_names VALUES {values}"))
}

/// Returns the rows of the table as SQL.
fn values(folds: Option<&Folds>, names: Vec<String>, column: &str) -> Result<String, SplitError> {
    let count = names.len() as u32;
    let folds = folds.filter(|folds| names.len() <= MOST && count >= Folds::FEWEST && folds.test < count);
    let Some(folds) = folds else {
        let names = names.into_iter().take(MOST).collect();
        return Err(SplitError::Folds { column: column.to_owned(), names });
    };
    let row = |(fold, name): (u32, &String)| {
        format!("({}, {fold}, '{}')", sql_text(name), folds.split(fold, count))
    };
    Ok((0..count).zip(&names).map(row).collect::<Vec<_>>().join(", "))
}

/// Sorts the names of folds: as numbers where all of them are whole numbers, and as texts elsewhere.
fn sorted(mut names: Vec<String>) -> Vec<String> {
    let numbers: Option<Vec<i64>> = names.iter().map(|name| name.parse().ok()).collect();
    match numbers {
        Some(_) => names.sort_by_key(|name| (name.parse::<i64>().unwrap_or_default(), name.clone())),
        None => names.sort_unstable(),
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(names: &[&str]) -> Vec<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    #[test]
    fn folds_that_are_numbers_are_sorted_as_numbers() {
        assert_eq!(sorted(named(&["10", "9", "0"])), ["0", "9", "10"]);
        assert_eq!(sorted(named(&["b10", "b9", "a"])), ["a", "b10", "b9"]);
    }

    #[test]
    fn the_fold_after_the_tested_one_validates() {
        let folds = Folds { of: FoldSource::Column("fold".to_owned()), test: 2 };
        let values = values(Some(&folds), named(&["a", "b", "it's"]), "fold").unwrap();
        assert_eq!(values, "('a', 0, 'validation'), ('b', 1, 'train'), ('it''s', 2, 'test')");
    }

    #[test]
    fn a_column_that_names_no_folds_is_refused() {
        let folds = |test| Folds { of: FoldSource::Column("fold".to_owned()), test };
        for (test, names) in [(0, &["a", "b"][..]), (3, &["a", "b", "c"]), (0, &[])] {
            assert!(matches!(
                values(Some(&folds(test)), named(names), "fold"),
                Err(SplitError::Folds { .. })
            ));
        }
    }
}
