//! The reasons why a dataset cannot be made.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use cliptune_durable::DurableError;
use cliptune_experiment::{ImageKey, LabelReading, LoadError, Split};
use cliptune_propose::scalar;
use cliptune_store::{FoundJoin, JoinCounts, SourceNotes, StoreError, as_named, more_time_for_sql};
use cliptune_terminal::format::{self, counted};
use cliptune_terminal::{Diagnostic, Exit, shell_word};

use crate::label::{Example, words};
use crate::problem::Problem;
use crate::shown::{shown, shown_list};
use crate::summary::{sample_keys, such_as};

/// The reason why a dataset could not be made.
#[derive(Debug, thiserror::Error)]
pub enum IngestError {
    /// A signal asked to stop.
    #[error("interrupted; the same command makes what is missing")]
    Interrupted,
    /// The experiments contain errors.
    #[error(transparent)]
    Experiments(Box<LoadError>),
    /// The store could not be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The table is damaged, or is not what its name says.
    #[error("cannot read the table {}: {problem}", as_named(path))]
    Table {
        /// The path of the table.
        path: PathBuf,
        /// What is wrong with the table.
        problem: Problem,
    },
    /// It is not clear which table of a database is meant.
    #[error("{} {}", as_named(path), choice_of_tables(named.as_deref(), tables))]
    WhichTable {
        /// The path of the database.
        path: PathBuf,
        /// The name of the table that the experiment names.
        named: Option<String>,
        /// The tables that the database has.
        tables: Vec<String>,
    },
    /// A column that the experiment names does not exist in the table.
    #[error("{} has no column \"{column}\", which {key} names", as_named(path))]
    NoColumn {
        /// The path of the table.
        path: PathBuf,
        /// The name of the column.
        column: String,
        /// The key in the experiment that names the column.
        key: &'static str,
        /// The columns that the table has.
        columns: Vec<String>,
    },
    /// No column names the images of an experiment that does not say how the two sides join.
    #[error("no column of {} names the images{}", as_named(path), nearest_to(nearest.as_deref()))]
    JoinNotFound {
        /// The path of the table.
        path: PathBuf,
        /// The columns that the table has.
        columns: Vec<String>,
        /// The paths of a few images.
        images: Vec<String>,
        /// The column that names the most images, if any names one.
        nearest: Option<Box<FoundJoin>>,
        /// The SQL that makes names of images of what a column has.
        below: Option<String>,
    },
    /// Several columns name images, and not the same ones.
    #[error(
        "several columns of {} name images, and not the same ones{}",
        as_named(path),
        lines_of(candidates)
    )]
    JoinAmbiguous {
        /// The path of the table.
        path: PathBuf,
        /// The columns, the best one first.
        candidates: Vec<FoundJoin>,
    },
    /// Something is wrong with sources that no experiment is about yet, so that the way out is another one.
    #[error(transparent)]
    ForNew(Box<Self>),
    /// The first line of a table is no header.
    #[error("{} has no header: its first line names the image {}", as_named(path), shown(image))]
    NoHeader {
        /// The path of the table.
        path: PathBuf,
        /// What the image is called.
        image: String,
    },
    /// A table that no experiment is about yet has no rows.
    #[error("{} has no rows", as_named(path))]
    NoRows {
        /// The path of the table.
        path: PathBuf,
    },
    /// No column of a table that no experiment is about yet says anything of its images.
    #[error("nothing in {} can be captions, classes or choices", as_named(path))]
    NothingToLearn {
        /// The path of the table.
        path: PathBuf,
        /// The columns that the table has.
        columns: Vec<String>,
    },
    /// Sources that no experiment is about yet are not there.
    #[error(transparent)]
    NoSources(Box<StoreError>),
    /// No table is named for images that no experiment is about yet, and none lies with them.
    #[error("no table lies with the images at {}", path.display())]
    NoTable {
        /// The folder, file or glob of the images.
        path: PathBuf,
        /// Files nearby that could be meant.
        near: Vec<PathBuf>,
    },
    /// The type of a column cannot be read as what the column should be.
    #[error("{key} has to be {wanted}, and {column} is {sql_type}")]
    ColumnType {
        /// The key in the experiment that names the column.
        key: &'static str,
        /// The column or the SQL expression.
        column: String,
        /// The SQL type of the column.
        sql_type: String,
        /// A description of what the column should be.
        wanted: &'static str,
        /// An SQL expression that gives what is wanted, if there is one.
        expression: Option<String>,
    },
    /// The labels can be read in two ways that differ.
    #[error("the labels in {column} can be read in two ways{}", differing(readings, examples))]
    LabelAmbiguous {
        /// The column or the SQL expression.
        column: String,
        /// The two possible readings.
        readings: [LabelReading; 2],
        /// Some of the rows that the readings read differently.
        examples: Vec<Example>,
    },
    /// No label is 0, and some labels equal the number of texts.
    #[error(
        "the labels in {column} seem to count from 1: none is 0, and {} the number of texts{}",
        if *reaching == 1 { "one is".to_owned() } else { format!("{} are", format::count(*reaching)) },
        reached(examples)
    )]
    LabelsFromOne {
        /// The column or the SQL expression.
        column: String,
        /// The number of labels that equal the number of texts.
        reaching: u64,
        /// Some of the rows whose label is the number of texts.
        examples: Vec<Example>,
    },
    /// DuckDB refuses the SQL of the experiment.
    #[error("{key} is not usable SQL: {sql}\n{problem}")]
    Sql {
        /// The key in the experiment that holds the SQL.
        key: &'static str,
        /// The SQL as it was written.
        sql: String,
        /// DuckDB's message.
        problem: Problem,
    },
    /// DuckDB failed at a statement of our own.
    #[error("the join failed: {0}")]
    Database(Problem),
    /// DuckDB gave an answer that cannot be read.
    #[error("the join gave a row that cannot be read")]
    Row(#[from] serde_json::Error),
    /// No item is left.
    #[error("no item is left of {} and {}{}", counted(join.images, "image"), counted(join.rows, "row"), listed(reasons, notes))]
    NoItems {
        /// The counts of both sides of the join.
        join: Box<JoinCounts>,
        /// The reasons for rejects, with their counts.
        reasons: BTreeMap<String, u64>,
        /// The notes on how the sources were read.
        notes: Box<SourceNotes>,
    },
    /// Less of the sources arrives in the dataset than the plan asks for.
    #[error("`data.require` is not met: {}", unmet.join("; "))]
    Coverage {
        /// What is not met, each with its numbers.
        unmet: Vec<String>,
    },
    /// All items are of one class.
    #[error("all items are of one class, {}: there is nothing to tell it from", shown(class))]
    OneClass {
        /// The name of the class.
        class: String,
    },
    /// There are fewer units than splits.
    #[error("{} cannot fill {splits} splits", counted(*units, unit))]
    TooFewUnits {
        /// The number of units.
        units: u64,
        /// The name of a unit.
        unit: &'static str,
        /// The number of splits with a share.
        splits: usize,
    },
    /// A column does not name the folds that a plan asks for.
    #[error("{column} names {}, which are not the folds that `data.split` asks for", named(names))]
    Folds {
        /// The column or the SQL expression.
        column: String,
        /// The names in order; of very many, the first ones.
        names: Vec<String>,
    },
    /// A split stays far from its share, however the units are dealt.
    #[error("the {split} split would get {:.0} % instead of {:.0} %: {ties}", 100.0 * share, 100.0 * declared)]
    UnevenSplit {
        /// The split.
        split: Split,
        /// The share that the split would get.
        share: f64,
        /// The share that the plan declares.
        declared: f64,
        /// A description of what ties the largest unit together.
        ties: String,
    },
    /// The sources changed while they were being read.
    #[error("the images or the table changed while they were read")]
    Changed,
    /// The dataset existed a moment ago, but does not any more.
    #[error("the dataset {} was removed while it was made", path.display())]
    Removed {
        /// The path of the dataset's folder.
        path: PathBuf,
    },
    /// Several datasets cannot be packed into one folder.
    #[error("one folder holds one dataset, not {}", counted(*datasets, "dataset"))]
    SeveralDatasets {
        /// The number of datasets.
        datasets: u64,
    },
    /// The folder to pack into holds something else.
    #[error("{} holds something else, or an older or a damaged packing", path.display())]
    Occupied {
        /// The path of the folder.
        path: PathBuf,
    },
    /// A folder could not be written.
    #[error(transparent)]
    Durable(#[from] DurableError),
    /// A sample was asked for of several experiments.
    #[error("a sample is of one experiment, not of {}", names.join(", "))]
    SeveralExperiments {
        /// The names of the experiments.
        names: Vec<String>,
    },
    /// There is no dataset that could say what was rejected.
    #[error("there is no dataset of {experiment} yet, so nothing is known of rejects")]
    NotIngested {
        /// The name of the experiment.
        experiment: String,
    },
    /// Nothing is rejected for such a reason.
    #[error("there is no reason \"{asked}\"")]
    NoReason {
        /// What was asked for.
        asked: String,
        /// The reason that may have been meant.
        similar: Option<String>,
    },
    /// What was asked for is a part of several reasons.
    #[error("\"{asked}\" can be {}", reasons.join(" or "))]
    SeveralReasons {
        /// What was asked for.
        asked: String,
        /// The reasons in quotes.
        reasons: Vec<String>,
    },
    /// A source could not be read. fs-err has put the path into the message.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

// The conversion boxes the error by hand, because it carries the files that it is about and would make every result
// as large as itself.
impl From<LoadError> for IngestError {
    fn from(error: LoadError) -> Self {
        Self::Experiments(Box::new(error))
    }
}

impl Diagnostic for IngestError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Store(error) => error.hint(),
            Self::Table { problem: Problem::Stopped(after), .. }
            | Self::Sql { problem: Problem::Stopped(after), .. }
            | Self::Database(Problem::Stopped(after)) => Some(more_time_for_sql(*after)),
            Self::WhichTable { tables, .. } => tables.first().map(|first| {
                format!("name one of them: `metadata: {{ file: FILE, table: {} }}`", scalar(first))
            }),
            Self::NoColumn { column, columns, .. } => Some(column_hint(column, columns)),
            Self::ForNew(error) => Some(match &**error {
                Self::WhichTable { tables, .. } => {
                    let first = tables.first()?;
                    format!("--table names one of them: --table {}", shell_word(first))
                }
                Self::JoinNotFound { columns, images, .. } => format!(
                    "give the table a column that has the name of each row's image, such as {}, or write the experiment yourself, with \
                     an SQL expression for it in data.join; the columns are {}",
                    images.iter().map(|path| shown(path)).collect::<Vec<_>>().join(", "),
                    named_few(columns)
                ),
                other => return other.hint(),
            }),
            Self::NoHeader { .. } => {
                Some("write a line above it that says what the columns are, such as file,caption".to_owned())
            }
            Self::NoRows { .. } => Some("a table has a row for each image, or several".to_owned()),
            Self::NothingToLearn { columns, .. } => Some(format!(
                "captions are a column of texts, classes a column of few values, choices a list of texts, or columns such as option_1 \
                 and option_2, beside a column that says which one is right; the columns are {}",
                named_few(columns)
            )),
            Self::NoTable { near, .. } => Some(match near.as_slice() {
                [] => "name it with --metadata; where folders are classes, every image lies in one of them, and a class has three \
                       images or more"
                    .to_owned(),
                [first, ..] => format!("is it {}? name it with --metadata", as_named(first)),
            }),
            Self::NoSources(_) => Some(
                "--images and --metadata name files, folders, globs or addresses; paths are relative to the folder that you are in"
                    .to_owned(),
            ),
            Self::JoinNotFound { below: Some(sql), .. } => Some(format!(
                "the names of images are at the end of its values: {}",
                declared_join(&ImageKey::Name, sql)
            )),
            Self::JoinNotFound { columns, images, .. } => Some(format!(
                "say how they join: `join: {{ image: name, metadata: COLUMN }}`, where image is path, name, stem or an SQL \
                 expression; images are called {}; the columns are {}",
                images.iter().map(|path| shown(path)).collect::<Vec<_>>().join(", "),
                columns.join(", ")
            )),
            Self::JoinAmbiguous { candidates, .. } => candidates.first().map(|best| {
                format!("say which one, as in {}", declared_join(&best.join.image, &best.join.metadata))
            }),
            Self::ColumnType { key, expression: Some(expression), .. } => {
                Some(format!("name an SQL expression: {}: {}", last_part(key), scalar(expression)))
            }
            Self::ColumnType { wanted: "a list of texts", .. } => {
                Some("give a column of lists, or of JSON arrays such as [\"one\", \"two\"]".to_owned())
            }
            Self::ColumnType { .. } => Some("name an SQL expression that gives it".to_owned()),
            Self::LabelAmbiguous { column, readings: [one, other], .. } => {
                Some(format!("say which in data.columns: {} or {}", declared(column, *one), declared(column, *other)))
            }
            Self::LabelsFromOne { column, .. } => Some(format!(
                "say so in data.columns: {}; or that they count from 0: {}",
                declared(column, LabelReading::Position),
                declared(column, LabelReading::Index)
            )),
            Self::Sql { key, .. } => Some(format!("it can name {}; unusual names need \"double quotes\"", nameable(key))),
            Self::NoItems { join, .. } if join.rows == 0 => Some("the table has no rows".to_owned()),
            Self::NoItems { join, .. } if join.rows_filtered > 0 && join.rows_filtered == join.rows_matched => {
                Some("`data.where` leaves out every row".to_owned())
            }
            Self::NoItems { join, .. } if join.rows_matched > 0 => {
                Some("look at the reasons: every row that has an image was refused".to_owned())
            }
            Self::NoItems { notes, .. } => Some(match sample_keys(notes).as_slice() {
                [] => "let `data.join` tell the images apart, by their path or by an SQL expression: what a row looks for has to \
                       be the key of one image"
                    .to_owned(),
                keys => {
                    format!("check `data.join`: both sides must give the same keys; {}", keys.join(", "))
                }
            }),
            Self::Coverage { .. } => {
                Some("without `data.require` the dataset is made, and its rejects say why each one is missing".to_owned())
            }
            Self::OneClass { .. } => {
                Some("name a column or an SQL expression with at least two values in `data.columns.classes`".to_owned())
            }
            Self::TooFewUnits { unit: "connected component", .. } => Some(
                "shared texts, and near-duplicates that stay together, connect the groups: name other columns in \
                 `split.across`, or split `by: group` and accept that they cross the splits"
                    .to_owned(),
            ),
            Self::Folds { .. } => Some(
                "there have to be from 3 to 100 folds, and `test_fold` counts them from 0 in the order of their names"
                    .to_owned(),
            ),
            Self::UnevenSplit { .. } => Some(
                "if what ties them says nothing about the answer, name other columns in `data.split.across`, or leave \
                 those rows out with `data.where`; or declare shares that can be met"
                    .to_owned(),
            ),
            Self::TooFewUnits { .. } => {
                Some("use more data, or give one of the splits the share 0".to_owned())
            }
            Self::SeveralDatasets { .. } => {
                Some("name one experiment, and fix the point of its matrix with --set".to_owned())
            }
            Self::Occupied { .. } => Some("name another folder, or remove this one".to_owned()),
            Self::Durable(error) => error.hint().map(str::to_owned),
            Self::SeveralExperiments { .. } => Some("name the file of one of them".to_owned()),
            Self::NotIngested { .. } => Some("`cliptune ingest` makes it".to_owned()),
            Self::NoReason { similar: Some(similar), .. } => Some(format!("did you mean \"{similar}\"?")),
            Self::NoReason { .. } => Some("--rejects alone lists the reasons".to_owned()),
            Self::SeveralReasons { .. } => Some("write a little more of the one that you mean".to_owned()),
            Self::Changed | Self::Removed { .. } => Some("run the command again".to_owned()),
            Self::Table { problem, .. } if problem.contains("UTF-8") => {
                Some("iconv -f WINDOWS-1252 -t UTF-8 FILE > NEW does that, if that is its encoding".to_owned())
            }
            Self::Table { problem, .. } if problem.contains("nests more") || problem.contains("has more than") => {
                Some("leave out of the file what the experiment does not need".to_owned())
            }
            Self::Table { path, .. } => Some(format_hint(path).to_owned()),
            _ => None,
        }
    }

    fn exit(&self) -> Exit {
        match self {
            Self::Experiments(_)
            | Self::WhichTable { .. }
            | Self::NoColumn { .. }
            | Self::JoinNotFound { .. }
            | Self::JoinAmbiguous { .. }
            | Self::NoSources(_)
            | Self::NoTable { .. }
            | Self::ForNew(_)
            | Self::NoHeader { .. }
            | Self::NoRows { .. }
            | Self::NothingToLearn { .. }
            | Self::ColumnType { .. }
            | Self::LabelAmbiguous { .. }
            | Self::LabelsFromOne { .. }
            | Self::SeveralExperiments { .. }
            | Self::SeveralDatasets { .. }
            | Self::NoReason { .. }
            | Self::SeveralReasons { .. }
            | Self::Sql { .. } => Exit::Usage,
            Self::Interrupted => Exit::Interrupted,
            Self::Store(error) => error.exit(),
            _ => Exit::Failed,
        }
    }

    fn rendered(&self) -> Option<String> {
        match self {
            Self::Experiments(error) => Some(error.rendered()),
            _ => None,
        }
    }
}

fn listed(reasons: &BTreeMap<String, u64>, notes: &SourceNotes) -> String {
    let line = |(reason, count): (&String, &u64)| {
        format!("\n{}: {reason}{}", format::count(*count), such_as(notes, reason))
    };
    reasons.iter().map(line).collect()
}

/// Says which column comes nearest to naming the images.
fn nearest_to(nearest: Option<&FoundJoin>) -> String {
    nearest.map(|found| format!("; the nearest is {found}")).unwrap_or_default()
}

/// Lists joins that were found, one per line.
fn lines_of(candidates: &[FoundJoin]) -> String {
    candidates.iter().map(|found| format!("\n{found}")).collect()
}

/// Writes a join the way an experiment declares it.
fn declared_join(image: &ImageKey, metadata: &str) -> String {
    format!("`join: {{ image: {}, metadata: {} }}`", image.as_written(), scalar(metadata))
}

/// Says which tables there are, and which of them is missed.
fn choice_of_tables(named: Option<&str>, tables: &[String]) -> String {
    let there_are = match tables {
        [] => "has no tables".to_owned(),
        [only] => format!("has one table, {only}"),
        several => format!("has {} tables: {}", several.len(), named_few(several)),
    };
    match named {
        Some(named) => format!("has no table {}; it {there_are}", shown(named)),
        None => there_are,
    }
}

/// Lists names, and of very many the first ones.
fn named_few(names: &[String]) -> String {
    const FEW: usize = 20;
    let more = if names.len() > FEW { ", …" } else { "" };
    format!("{}{more}", names[..names.len().min(FEW)].join(", "))
}

fn column_hint(column: &str, columns: &[String]) -> String {
    let listed = format!("its columns are {}", columns.join(", "));
    match cliptune_terminal::did_you_mean(column, columns) {
        Some(similar) => format!("did you mean \"{similar}\"? {listed}"),
        None => listed,
    }
}

/// Lists the rows that two readings read differently, one per line.
fn differing(readings: &[LabelReading; 2], examples: &[Example]) -> String {
    let meaning = |(reading, meaning): (&LabelReading, &Option<String>)| {
        let meaning = meaning.as_deref().map_or("none of them".to_owned(), shown);
        format!("as {} {meaning}", words(*reading))
    };
    let line = |example: &Example| {
        let meanings: Vec<String> = readings.iter().zip(&example.meanings).map(meaning).collect();
        format!("\n{}: {}", labelled(example), meanings.join(", "))
    };
    examples.iter().map(line).collect()
}

fn reached(examples: &[Example]) -> String {
    examples.iter().map(|example| format!("\n{}", labelled(example))).collect()
}

fn labelled(example: &Example) -> String {
    let texts: Vec<Option<&str>> = example.texts.iter().map(|text| Some(text.as_str())).collect();
    format!("row {}: label {} of {}", example.row, example.label, shown_list(&texts))
}

/// Writes a label with its reading the way an experiment declares it.
fn declared(column: &str, reading: LabelReading) -> String {
    format!("label: {{ column: {}, is: {} }}", scalar(column), reading.as_str())
}

fn last_part(key: &str) -> &str {
    key.rsplit('.').next().unwrap_or(key)
}

/// Says what the SQL of a key can name.
fn nameable(key: &str) -> &'static str {
    match key {
        "data.join.image" => "path, name, stem, extension and size",
        "data.where" | "--where" => {
            "the table's columns and file.path, file.name, file.stem, file.extension, file.size"
        }
        _ => "the table's columns",
    }
}

fn format_hint(path: &Path) -> &'static str {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    match name {
        name if name.contains(".csv") || name.contains(".tsv") => {
            "values that hold the separator, a quote or a line break stand in double quotes"
        }
        name if name.contains("json") => "a table has one whole JSON object in each line",
        _ => "its format is taken from its name, such as .parquet, .csv, .jsonl, .arrow or .sqlite",
    }
}

/// Names a few values in words.
fn named(names: &[String]) -> String {
    const FEW: usize = 5;
    match names {
        [] => "nothing".to_owned(),
        [few @ .., last] if names.len() <= FEW => {
            let few: String = few.iter().map(|name| format!("{}, ", shown(name))).collect();
            few + &shown(last)
        }
        _ => format!("{} values such as {}", names.len(), shown(&names[0])),
    }
}
