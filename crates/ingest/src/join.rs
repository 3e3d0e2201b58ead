//! Joins image files with table rows.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use cliptune_experiment::{DataPlan, ImageKey, SplitBy, Task};
use cliptune_store::ImageFile;
use duckdb::ToSql;

use crate::database::Database;
use crate::error::IngestError;
use crate::expression::{execute_with, operand};
use crate::label::Spelling;
pub(crate) use crate::row::JoinedRow;
use crate::table::{Kind, TABLE, Table};
use crate::value::Values;

/// The result of the join, with both of its sides.
pub(crate) struct Joined {
    /// All table rows, in order.
    pub(crate) rows: Vec<JoinedRow>,
    /// The key of each image.
    pub(crate) image_keys: Vec<Option<String>>,
    /// The indices of images that no row names.
    pub(crate) images_without_row: Vec<usize>,
    /// The indices of images that share the key of a row with another image.
    pub(crate) ambiguous_images: Vec<usize>,
    /// How the labels are spelled, which follows from their SQL type.
    pub(crate) spelling: Spelling,
}

/// Makes the table `file`, which is what the SQL of an experiment can use about an image. The number column has a
/// name that no user would give a column.
const FILES: &str = "CREATE TABLE file
    (cliptune_file BIGINT, path VARCHAR, name VARCHAR, stem VARCHAR, extension VARCHAR, size BIGINT)";

/// Makes the table of which image each row names. NULL matches no key.
const MATCHES: &str = "CREATE TABLE matches AS
    SELECT row_keys.number AS cliptune_row, any_value(row_keys.key) AS cliptune_key,
           count(image_keys.number) AS cliptune_images,
           CASE count(image_keys.number) WHEN 1 THEN min(image_keys.number) END AS cliptune_image
    FROM row_keys LEFT JOIN image_keys USING (key) GROUP BY 1";

const IMAGE_KEYS: &str =
    "SELECT coalesce(CAST(to_json(key) AS VARCHAR), 'null') FROM image_keys ORDER BY number";

const IMAGES_WITHOUT_ROW: &str =
    "SELECT CAST(number AS VARCHAR) FROM image_keys ANTI JOIN row_keys USING (key) ORDER BY number";

const AMBIGUOUS_IMAGES: &str = "SELECT CAST(number AS VARCHAR) FROM image_keys SEMI JOIN row_keys USING (key)
    WHERE key IN (SELECT key FROM image_keys GROUP BY key HAVING count(*) > 1) ORDER BY number";

/// Joins the images with the table, whose files are given. `temporary` is a folder for data that does not fit into
/// memory.
pub(crate) fn join(
    plan: &DataPlan,
    images: &[ImageFile],
    table_files: &[PathBuf],
    temporary: &Path,
) -> Result<Joined, IngestError> {
    let database = Database::open(temporary)?;
    let table = Table::load(&database, &plan.metadata, table_files)?;
    database.close_to_outside()?;
    let mut values = Values::of(&database, &table);
    let (fields, spelling) = fields(&mut values, plan)?;
    load_files(&database, images)?;
    image_keys(&database, &plan.join.image)?;
    row_keys(&database, &table, &plan.join.metadata)?;
    database.execute(MATCHES).map_err(IngestError::Database)?;
    kept(&database, &table, plan.filter.as_deref())?;
    Ok(Joined {
        rows: database.rows(&rows(&table, &fields, &values.joins()))?,
        image_keys: database.rows(IMAGE_KEYS)?,
        images_without_row: database.rows(IMAGES_WITHOUT_ROW)?,
        ambiguous_images: database.rows(AMBIGUOUS_IMAGES)?,
        spelling,
    })
}

fn load_files(database: &Database, images: &[ImageFile]) -> Result<(), IngestError> {
    database.execute(FILES).map_err(IngestError::Database)?;
    let part = |part: Option<&OsStr>| part.unwrap_or_default().to_string_lossy().into_owned();
    let files: Vec<_> = images
        .iter()
        .enumerate()
        .map(|(number, image)| {
            let path = Path::new(&*image.relative);
            let names = [part(path.file_name()), part(path.file_stem()), part(path.extension())];
            (number as u64, &*image.relative, names, image.size)
        })
        .collect();
    let rows = files.iter().map(|(number, path, [name, stem, extension], size)| {
        [number as &dyn ToSql, path, name, stem, extension, size]
    });
    database.append("file", rows)
}

fn image_keys(database: &Database, key: &ImageKey) -> Result<(), IngestError> {
    const KEY: &str = "data.join.image";
    let (sql, expression) = match key {
        ImageKey::Path => ("path", "path".to_owned()),
        ImageKey::Name => ("name", "name".to_owned()),
        ImageKey::Stem => ("stem", "stem".to_owned()),
        ImageKey::Sql(sql) => (sql.as_str(), operand(database, KEY, sql, &[])?),
    };
    let statement = format!(
        "CREATE TABLE image_keys AS SELECT cliptune_file AS number, CAST({expression} AS VARCHAR) AS key FROM file"
    );
    execute_with(database, KEY, sql, &statement)
}

fn row_keys(database: &Database, table: &Table, sql: &str) -> Result<(), IngestError> {
    const KEY: &str = "data.join.metadata";
    let mut values = Values::of(database, table);
    let key = values.key(sql, KEY)?;
    let statement = format!(
        "CREATE TABLE row_keys AS SELECT {TABLE}.{} AS number, {key} AS key FROM {TABLE}{}",
        table.number,
        values.joins()
    );
    execute_with(database, KEY, sql, &statement)
}

/// Makes the table `kept`, which holds the matched rows that `where` keeps. The condition sees the columns of the
/// table and of `file`, and no others whose names an experiment might use. Subqueries have no `rowid`.
fn kept(database: &Database, table: &Table, filter: Option<&str>) -> Result<(), IngestError> {
    const KEY: &str = "data.where";
    let names = table.names();
    let condition = filter.map_or(Ok("true".to_owned()), |sql| operand(database, KEY, sql, &names))?;
    let statement = format!(
        "CREATE TABLE kept AS SELECT {TABLE}.{number} AS row FROM {TABLE}
         JOIN (SELECT * FROM matches) AS matches ON matches.cliptune_row = {TABLE}.{number}
         JOIN (SELECT * FROM file) AS file ON file.cliptune_file = matches.cliptune_image WHERE {condition}",
        number = table.number
    );
    execute_with(database, KEY, filter.unwrap_or_default(), &statement)
}

/// Returns the query that gives every [`JoinedRow`].
fn rows(table: &Table, fields: &str, joins: &str) -> String {
    format!(
        "SELECT CAST(to_json({{'row': matches.cliptune_row, 'key': matches.cliptune_key,
                'images': matches.cliptune_images, 'image': matches.cliptune_image,
                'kept': matches.cliptune_image IS NULL OR kept.row IS NOT NULL, {fields}}}) AS VARCHAR)
         FROM matches JOIN {TABLE} ON {TABLE}.{number} = matches.cliptune_row{joins}
         LEFT JOIN kept ON kept.row = matches.cliptune_row ORDER BY matches.cliptune_row",
        number = table.number
    )
}

/// Returns the SQL for the fields of a [`JoinedRow`] that the plan names, and how the labels are spelled.
fn fields(values: &mut Values<'_>, plan: &DataPlan) -> Result<(String, Spelling), IngestError> {
    let columns = &plan.columns;
    let (texts, label, spelling) = match &columns.task {
        Task::Choice { choices, label } => {
            let choices = values.named(choices, "data.columns.choices")?;
            let label = values.named(&label.column, "data.columns.label")?;
            (values.list(&choices)?, values.text(&label)?, spelling(label.kind()))
        }
        Task::Pairs { text } => {
            let text = values.key(text, "data.columns.text")?;
            (format!("CAST(to_json([{text}]) AS VARCHAR)"), "'0'".to_owned(), Spelling::Number)
        }
    };
    let (split, across) = match &plan.split.by {
        SplitBy::Column(column) => (Some(column), [].as_slice()),
        SplitBy::Component { across } => (None, across.as_slice()),
        SplitBy::Group | SplitBy::Row => (None, [].as_slice()),
    };
    let fields = format!(
        "'id': {id}, 'group': {group}, 'texts': {texts}, 'label': {label}, 'split': {split},
         'vocabulary': {vocabulary}, 'across': {across}",
        id = values.text_of(columns.id.as_ref(), "data.columns.id")?,
        group = values.text_of(columns.group.as_ref(), "data.columns.group")?,
        split = values.text_of(split, "data.split.column")?,
        vocabulary = values.lists(&columns.vocabulary, "data.columns.vocabulary")?,
        across = values.lists(across, "data.split.across")?,
    );
    Ok((fields, spelling))
}

fn spelling(kind: &Kind) -> Spelling {
    match kind {
        Kind::Number => Spelling::Number,
        Kind::Boolean => Spelling::Boolean,
        _ => Spelling::Text,
    }
}
