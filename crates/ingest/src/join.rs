//! The join of image files and table rows.

use std::ffi::OsStr;
use std::path::Path;

use cliptune_experiment::{DataPlan, ImageKey, SplitBy, Task};
use cliptune_store::ImageFile;
use duckdb::ToSql;
use serde::Deserialize;

use crate::database::Database;
use crate::error::IngestError;
use crate::table::{TABLE, Table};

/// One table row with the image that its key names.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct JoinedRow {
    /// Row number in the table, from 0.
    pub(crate) row: u64,
    /// How many images have its key.
    pub(crate) images: u64,
    /// Index of the image, if exactly one has its key.
    pub(crate) image: Option<usize>,
    /// Whether `where` keeps it; true without one, and for rows without an image.
    pub(crate) kept: bool,
    pub(crate) id: Option<String>,
    pub(crate) group: Option<String>,
    pub(crate) texts: Option<Vec<Option<String>>>,
    pub(crate) label: Option<String>,
    pub(crate) split: Option<String>,
    pub(crate) vocabulary: Vec<Option<String>>,
    pub(crate) across: Vec<Option<String>>,
}

/// Both sides of the join.
pub(crate) struct Joined {
    /// Every table row, in order.
    pub(crate) rows: Vec<JoinedRow>,
    /// Indices of images that no row names.
    pub(crate) images_without_row: Vec<usize>,
    /// Indices of images that share the key of a row with another image.
    pub(crate) ambiguous_images: Vec<usize>,
}

/// `file`: what SQL of the experiment can say about an image. The number has a name that nobody gives a column.
const FILES: &str = "CREATE TABLE file
    (cliptune_file BIGINT, path VARCHAR, name VARCHAR, stem VARCHAR, extension VARCHAR, size BIGINT)";

/// Which image each row names. NULL is nobody's key.
const MATCHES: &str = "CREATE TABLE matches AS
    SELECT row_keys.number AS cliptune_row, count(image_keys.number) AS cliptune_images,
           CASE count(image_keys.number) WHEN 1 THEN min(image_keys.number) END AS cliptune_image
    FROM row_keys LEFT JOIN image_keys USING (key) GROUP BY 1";

const IMAGES_WITHOUT_ROW: &str =
    "SELECT CAST(number AS VARCHAR) FROM image_keys ANTI JOIN row_keys USING (key) ORDER BY number";

const AMBIGUOUS_IMAGES: &str = "SELECT CAST(number AS VARCHAR) FROM image_keys SEMI JOIN row_keys USING (key)
    WHERE key IN (SELECT key FROM image_keys GROUP BY key HAVING count(*) > 1) ORDER BY number";

/// Joins the images with the table; `temporary` is a folder for what does not fit into memory.
pub(crate) fn join(plan: &DataPlan, images: &[ImageFile], temporary: &Path) -> Result<Joined, IngestError> {
    let database = Database::open(temporary)?;
    let table = Table::load(&database, &plan.metadata)?;
    database.close_to_outside()?;
    let fields = fields(&table, plan)?;
    load_files(&database, images)?;
    image_keys(&database, &plan.join.image)?;
    row_keys(&database, &table, &plan.join.metadata)?;
    database.execute(MATCHES)?;
    kept(&database, &table, plan.filter.as_deref())?;
    Ok(Joined {
        rows: database.rows(&rows(&table, &fields))?,
        images_without_row: database.rows(IMAGES_WITHOUT_ROW)?,
        ambiguous_images: database.rows(AMBIGUOUS_IMAGES)?,
    })
}

fn load_files(database: &Database, images: &[ImageFile]) -> Result<(), IngestError> {
    database.execute(FILES)?;
    let part = |part: Option<&OsStr>| part.unwrap_or_default().to_string_lossy().into_owned();
    let files: Vec<_> = images
        .iter()
        .enumerate()
        .map(|(number, image)| {
            let path = Path::new(&image.relative);
            let names = [part(path.file_name()), part(path.file_stem()), part(path.extension())];
            (number as u64, &image.relative, names, image.size)
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
        ImageKey::Sql(sql) => (sql.as_str(), database.expression(KEY, sql)?),
    };
    let statement = format!(
        "CREATE TABLE image_keys AS SELECT cliptune_file AS number, CAST({expression} AS VARCHAR) AS key FROM file"
    );
    database.execute_with(KEY, sql, &statement)
}

fn row_keys(database: &Database, table: &Table, sql: &str) -> Result<(), IngestError> {
    const KEY: &str = "data.join.metadata";
    let expression = table.key(database, KEY, sql)?;
    let statement = format!(
        "CREATE TABLE row_keys AS SELECT {} AS number, CAST({expression} AS VARCHAR) AS key FROM {TABLE}",
        table.number
    );
    database.execute_with(KEY, sql, &statement)
}

/// `kept`: the matched rows that `where` keeps. It sees the columns of the table and of `file`, and no others whose
/// names somebody could use; subqueries have no `rowid`.
fn kept(database: &Database, table: &Table, filter: Option<&str>) -> Result<(), IngestError> {
    const KEY: &str = "data.where";
    let condition = filter.map_or(Ok("true".to_owned()), |sql| database.expression(KEY, sql))?;
    let statement = format!(
        "CREATE TABLE kept AS SELECT {TABLE}.{number} AS row FROM {TABLE}
         JOIN (SELECT * FROM matches) AS matches ON matches.cliptune_row = {TABLE}.{number}
         JOIN (SELECT * FROM file) AS file ON file.cliptune_file = matches.cliptune_image WHERE {condition}",
        number = table.number
    );
    database.execute_with(KEY, filter.unwrap_or_default(), &statement)
}

/// The query for every [`JoinedRow`].
fn rows(table: &Table, fields: &str) -> String {
    format!(
        "SELECT CAST(to_json({{'row': matches.cliptune_row, 'images': matches.cliptune_images,
                'image': matches.cliptune_image,
                'kept': matches.cliptune_image IS NULL OR kept.row IS NOT NULL, {fields}}}) AS VARCHAR)
         FROM matches JOIN {TABLE} ON {TABLE}.{number} = matches.cliptune_row
         LEFT JOIN kept ON kept.row = matches.cliptune_row ORDER BY matches.cliptune_row",
        number = table.number
    )
}

/// The fields of a [`JoinedRow`] that come from columns.
fn fields(table: &Table, plan: &DataPlan) -> Result<String, IngestError> {
    let columns = &plan.columns;
    let (texts, label) = match &columns.task {
        Task::Choice { choices, label } => {
            (table.list(choices, "data.columns.choices")?, table.text(Some(label), "data.columns.label")?)
        }
        Task::Pairs { text } => {
            (format!("[{}]", table.text(Some(text), "data.columns.text")?), "'0'".to_owned())
        }
    };
    let (split, across) = match &plan.split.by {
        SplitBy::Column(column) => (Some(column), [].as_slice()),
        SplitBy::Component { across } => (None, across.as_slice()),
        SplitBy::Group | SplitBy::Row => (None, [].as_slice()),
    };
    Ok(format!(
        "'id': {id}, 'group': {group}, 'texts': {texts}, 'label': {label}, 'split': {split},
         'vocabulary': {vocabulary}, 'across': {across}",
        id = table.text(columns.id.as_ref(), "data.columns.id")?,
        group = table.text(columns.group.as_ref(), "data.columns.group")?,
        split = table.text(split, "data.split.column")?,
        vocabulary = table.lists(&columns.vocabulary, "data.columns.vocabulary")?,
        across = table.lists(across, "data.split.across")?,
    ))
}
