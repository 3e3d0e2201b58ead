//! `data.split`: which items go to which split.

use super::columns::{COLUMN, SEVERAL};
use super::words::{word, words};
use super::{SEED, inherited_advice};
use crate::plan::{FoldSource, Folds, NearDuplicates, SplitBy, SplitPlan, SplitShares, Verify};
use crate::problem::{Problem, Problems};
use crate::shape::{Key, Shape};
use crate::values::{Fraction, Seed};
use crate::yaml::{Entry, Node};

const SHARE: Shape = Shape::between(0.0, 1.0);
/// The tolerance for the sum of the shares, which allows for the rounding of three decimal fractions such as 0.333.
const ROUNDING: f64 = 1e-6;
const MOST_FOLDS: i64 = 100;
/// How messages name the wish that images which look alike stay together.
const TOGETHER: &str = "`near_duplicates: together`";
const DEALT: Shape = Shape::Whole { min: Folds::FEWEST as i64, max: MOST_FOLDS };

/// The keys of `data.split`.
pub(super) const KEYS: &[Key] = &[
    Key::with_default("by", word::<Unit>(), "component", "the unit that is assigned as a whole"),
    Key::with_default(
        "across",
        SEVERAL,
        "[]",
        "columns that connect rows beside the group, for `by: component`; the item's own texts when absent",
    ),
    Key::with_default("train", SHARE, "0.8", "the share of `train`; the three shares sum to 1"),
    Key::with_default("validation", SHARE, "0.1", "the share of `validation`"),
    Key::with_default("test", SHARE, "0.1", "the share of `test`"),
    Key::optional(
        "folds",
        Shape::Either(&[DEALT, COLUMN]),
        "the number of folds of a cross-validation, or the column or SQL expression that names each row's fold, instead \
         of the three shares",
    ),
    Key::optional(
        "test_fold",
        Shape::Whole { min: 0, max: MOST_FOLDS - 1 },
        "the fold that is the test split, counted from 0, and 0 when absent; the next fold is the validation split, and \
         the others are the train split",
    ),
    Key::optional(
        "stratify",
        COLUMN,
        "the column or SQL expression whose values all splits share alike, such as a class",
    ),
    Key::with_default(
        "near_duplicates",
        word::<NearDuplicates>(),
        "report",
        "what becomes of images that look alike though their files differ",
    ),
    Key::with_default("seed", SEED, "0", "the seed of the assignment"),
    Key::optional(
        "column",
        COLUMN,
        "the column or SQL expression that gives `train`, `validation` or `test`, instead of the other keys",
    ),
];

words! {
    /// The words of `by`. The fourth way to split, `column`, is a key of its own.
    enum Unit {
        /// Connected components of groups and the texts they share are assigned as a whole.
        Component = "component",
        /// Each group is assigned on its own, and texts may cross.
        Group = "group",
        /// Each item is assigned on its own. Images and texts may cross, and the report says so.
        Row = "row",
    }
}

/// Reads `data.split`.
pub(super) fn decode(node: &Node, problems: &mut Problems) -> Option<SplitPlan> {
    let folds = folds(node, problems);
    let by = match (node.entry_of("column"), &folds) {
        (Some(column), _) => by_column(node, column, problems),
        (None, Some(Some(Folds { of: FoldSource::Column(column), .. }))) => by_fold(node, column, problems),
        (None, _) => by_unit(node, problems),
    };
    let shares = match &folds {
        Some(Some(folds)) => Some(folds.of.shares()),
        _ => shares(node, problems),
    };
    Some(SplitPlan {
        by: by?,
        shares: shares?,
        folds: folds?,
        stratify: node.read("stratify"),
        seed: Seed(node.read("seed")?),
    })
}

/// Reads the folds. `Some(None)` means that there are none.
fn folds(node: &Node, problems: &mut Problems) -> Option<Option<Folds>> {
    let Some(folds) = node.entry_of("folds") else {
        return match node.entry_of("test_fold") {
            None => Some(None),
            Some(alone) => problems.refuse(
                Problem::at(alone.key_span, "`test_fold` without `folds`")
                    .label("expected `folds` beside it: how many there are"),
            ),
        };
    };
    for other in written(node).filter(|entry| matches!(entry.key.as_str(), "train" | "validation" | "test")) {
        problems.add(
            Problem::at(other.key_span, format!("`{}` has no meaning beside `folds`", other.key))
                .label("expected nothing: one fold is tested, one validates, and the others train")
                .related(folds.key_span, "the folds are counted here")
                .maybe_help(inherited_advice(other, folds))
                .idle(),
        );
    }
    let test = node.entry_of("test_fold").map_or(Some(0), |_| node.read("test_fold"))?;
    let of = match (node.read("folds"), node.read("folds")) {
        (Some(count), _) => FoldSource::Dealt(count),
        (None, column) => FoldSource::Column(column?),
    };
    let last = match &of {
        FoldSource::Dealt(count) => count - 1,
        FoldSource::Column(_) => u32::MAX,
    };
    if test <= last {
        return Some(Some(Folds { of, test }));
    }
    let span = node.entry_of("test_fold").map_or(node.span, |entry| entry.value.span);
    let found = format!("expected a number from 0 to {last}, found {test}");
    problems.refuse(Problem::at(span, "there is no such fold").label(found))
}

fn by_column(node: &Node, column: &Entry, problems: &mut Problems) -> Option<SplitBy> {
    for other in written(node).filter(|entry| entry.key != "column") {
        problems.add(
            Problem::at(other.key_span, format!("`{}` has no meaning beside `column`", other.key))
                .label("expected nothing: the column says where every row goes")
                .related(column.key_span, "the column is named here")
                .maybe_help(inherited_advice(other, column))
                .idle(),
        );
    }
    node.read("column").map(SplitBy::Column)
}

/// Rows go where the column of their folds says, so nothing is dealt.
fn by_fold(node: &Node, column: &str, problems: &mut Problems) -> Option<SplitBy> {
    let folds = node.entry_of("folds")?;
    let dealing = ["by", "across", "stratify", "near_duplicates", "seed"];
    for other in written(node).filter(|entry| dealing.contains(&entry.key.as_str())) {
        problems.add(
            Problem::at(other.key_span, format!("`{}` has no meaning beside a column of folds", other.key))
                .label("expected nothing: the column says which fold every row is in")
                .related(folds.key_span, "the column is named here")
                .maybe_help(inherited_advice(other, folds))
                .idle(),
        );
    }
    Some(SplitBy::Column(column.to_owned()))
}

fn by_unit(node: &Node, problems: &mut Problems) -> Option<SplitBy> {
    let unit: Unit = node.read("by")?;
    let near_duplicates: NearDuplicates = node.read("near_duplicates")?;
    if unit != Unit::Component {
        refuse_without_component(node, "across", "`across`", problems);
        if near_duplicates == NearDuplicates::Together {
            refuse_without_component(node, "near_duplicates", TOGETHER, problems);
        }
    }
    Some(match unit {
        Unit::Component => SplitBy::Component { across: node.read("across")?, near_duplicates },
        Unit::Group => SplitBy::Group,
        Unit::Row => SplitBy::Row,
    })
}

/// Refuses a key that connects groups where they are not to be connected. `said` is what messages call it.
fn refuse_without_component(node: &Node, key: &str, said: &str, problems: &mut Problems) {
    let Some(entry) = written(node).find(|entry| entry.key == key) else { return };
    problems.add(
        Problem::at(entry.key_span, format!("{said} has a meaning only with `by: component`"))
            .label(format!("expected `by: component`, or no {said}"))
            .maybe_help(node.entry_of("by").and_then(|by| inherited_advice(entry, by)))
            .idle(),
    );
}

/// Refuses to hold images together that nobody looks at.
pub(super) fn check_verified(data: &Node, split: &SplitPlan, verify: Verify, problems: &mut Problems) {
    let asked = data.get("split").and_then(|split| split.entry_of("near_duplicates"));
    let (true, Some(asked)) = (split.by.holds_near_duplicates() && !verify.sees_pixels(), asked) else {
        return;
    };
    let examined = data.entry_of("verify");
    let problem = Problem::at(asked.key_span, format!("{TOGETHER} needs `data.verify: whole`"))
        .label("expected `report`, or images that are looked at")
        .maybe_help(examined.and_then(|examined| inherited_advice(asked, examined)));
    problems.add(match examined {
        Some(examined) => problem.related(examined.key_span, "no pixels are looked at"),
        None => problem,
    });
}

fn shares(node: &Node, problems: &mut Problems) -> Option<SplitShares> {
    let [train, validation, test] = ["train", "validation", "test"].map(|key| node.read::<f64>(key));
    let (train, validation, test) = (train?, validation?, test?);
    let sum = train + validation + test;
    if (sum - 1.0).abs() > ROUNDING {
        let place = written(node).find(|entry| matches!(entry.key.as_str(), "train" | "validation" | "test"));
        let found = format!("expected train + validation + test = 1, found {train} + {validation} + {test}");
        let span = place.map_or(node.span, |entry| entry.key_span);
        return problems.refuse(Problem::at(span, "the shares of `data.split` do not sum to 1").label(found));
    }
    let share = |value| Fraction::try_from(value).ok();
    Some(SplitShares { train: share(train)?, validation: share(validation)?, test: share(test)? })
}

/// Returns the entries that a file declares, without the defaults.
fn written(node: &Node) -> impl Iterator<Item = &Entry> {
    node.entries().iter().filter(|entry| !entry.key_span.is_default())
}
