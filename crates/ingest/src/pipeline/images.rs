//! The image files as columns, before and after they are inspected.

use std::sync::Arc;

use cliptune_store::ImageFile;
use duckdb::arrow::array::{
    Array as _, ArrayRef, BooleanArray, Int32Array, Int64Array, RecordBatch, StringArray, UInt64Array,
};
use duckdb::arrow::error::ArrowError;
use rayon::slice::ParallelSliceMut as _;

use crate::database::Database;
use crate::error::IngestError;
use crate::headers::Header;

/// The number of images that are appended at once.
const BATCH: usize = 1 << 14;

/// The SQL of the view `file`, which is what the SQL of an experiment can use about an image. The number column has a
/// name that no user would give a column.
const FILE: &str = r"CREATE VIEW file AS
    SELECT number AS cliptune_file, path, name,
           CASE WHEN regexp_matches(name, '(?s)^.+\.[^.]*$') THEN regexp_extract(name, '(?s)^(.+)\.[^.]*$', 1) ELSE name END
               AS stem,
           regexp_extract(name, '(?s)^.+\.([^.]*)$', 1) AS extension, size
    FROM (SELECT number, path, split_part(path, '/', -1) AS name, size FROM files)";

/// Makes the table `files` and the view `file`.
pub(crate) fn load(database: &Database, images: &[ImageFile]) -> Result<(), IngestError> {
    let batches = images.chunks(BATCH).enumerate().map(|(at, images)| {
        let folders: Int32Array = images.iter().map(|image| image.folder.cast_signed()).collect();
        let paths = StringArray::from_iter_values(images.iter().map(|image| &*image.relative));
        let sizes: Int64Array = images.iter().map(|image| image.size.cast_signed()).collect();
        files(at * BATCH, folders, paths, sizes)
    });
    append_files(database, batches)
}

/// Returns what is known of images before they are read: what they are called, given by the sorted paths below each folder.
pub(crate) fn names(folders: &[&[String]]) -> Result<Vec<RecordBatch>, ArrowError> {
    let named: Vec<(i32, &str)> = (0..)
        .zip(folders)
        .flat_map(|(folder, paths)| paths.iter().map(move |path| (folder, path.as_str())))
        .collect();
    let batches = named.chunks(BATCH).enumerate().map(|(at, named)| {
        let folders: Int32Array = named.iter().map(|(folder, _)| *folder).collect();
        let paths = StringArray::from_iter_values(named.iter().map(|(_, path)| path));
        files(at * BATCH, folders, paths, Int64Array::new_null(named.len()))
    });
    batches.collect()
}

/// Makes the table `files` and the view `file` of what images are called. Their sizes are not known.
pub(crate) fn load_names(database: &Database, names: &[RecordBatch]) -> Result<(), IngestError> {
    append_files(database, names.iter().cloned().map(Ok))
}

/// Returns consecutive rows of the table `files`.
fn files(
    first: usize,
    folders: Int32Array,
    paths: StringArray,
    sizes: Int64Array,
) -> Result<RecordBatch, ArrowError> {
    let numbers: Int32Array = (first..first + paths.len()).map(|number| number as i32).collect();
    let files: [ArrayRef; 4] = [Arc::new(numbers), Arc::new(folders), Arc::new(paths), Arc::new(sizes)];
    columns(["number", "folder", "path", "size"], files)
}

fn append_files(
    database: &Database,
    batches: impl Iterator<Item = Result<RecordBatch, ArrowError>>,
) -> Result<(), IngestError> {
    database.make("CREATE TABLE files (number INTEGER, folder INTEGER, path VARCHAR, size BIGINT)")?;
    database.append("files", batches)?;
    database.make(FILE)
}

/// Makes the table `images` from `files`, from what each image is known by, and from what their inspection found, and removes
/// `files`. Images with the same content have the same number in `content`, and `look` is how an image looks. Without an
/// inspection there are no headers, and nothing is known about how any image looks.
pub(crate) fn inspected(
    database: &Database,
    images: &[ImageFile],
    headers: &[Header],
) -> Result<(), IngestError> {
    database.make(
        "CREATE TABLE inspected (number INTEGER, hash VARCHAR, width INTEGER, height INTEGER, rotated BOOLEAN, deep BOOLEAN,
                                 look UBIGINT, problem VARCHAR, content INTEGER)",
    )?;
    let contents = contents(images);
    let batches = (0..images.len()).step_by(BATCH).map(|first| {
        let numbers = first..images.len().min(first + BATCH);
        let side = |side: u32| i32::try_from(side).ok();
        let whole = || numbers.clone().map(|number| headers.get(number)?.as_ref().ok());
        let problem = |number: usize| headers.get(number)?.as_ref().err();
        let hashes = images[numbers.clone()].iter().map(|image| image.identity.to_string());
        let problems: StringArray = numbers.clone().map(problem).collect();
        let columns_of: [ArrayRef; 9] = [
            Arc::new(numbers.clone().map(|number| number as i32).collect::<Int32Array>()),
            Arc::new(StringArray::from_iter_values(hashes)),
            Arc::new(whole().map(|header| side(header?.width)).collect::<Int32Array>()),
            Arc::new(whole().map(|header| side(header?.height)).collect::<Int32Array>()),
            Arc::new(whole().map(|header| Some(header?.rotated)).collect::<BooleanArray>()),
            Arc::new(whole().map(|header| Some(header?.deep)).collect::<BooleanArray>()),
            Arc::new(whole().map(|header| Some(header?.hash?.bits())).collect::<UInt64Array>()),
            Arc::new(problems),
            Arc::new(Int32Array::from(contents[numbers].to_vec())),
        ];
        let names = ["number", "hash", "width", "height", "rotated", "deep", "look", "problem", "content"];
        columns(names, columns_of)
    });
    database.append("inspected", batches)?;
    database.make(
        "CREATE TABLE images AS
             SELECT files.number, folder, path, hash, width, height, rotated, deep, look, problem, content
             FROM files JOIN inspected ON inspected.number = files.number;
         DROP TABLE inspected; DROP VIEW file; DROP TABLE files",
    )
}

/// Numbers the contents of images: those with the same content have the same number.
fn contents(images: &[ImageFile]) -> Vec<i32> {
    let identity = |image: &u32| images[*image as usize].identity;
    let mut sorted: Vec<u32> = (0..images.len() as u32).collect();
    sorted.par_sort_unstable_by_key(identity);
    let mut contents = vec![0; images.len()];
    for (content, same) in (0..).zip(sorted.chunk_by(|one, other| identity(one) == identity(other))) {
        same.iter().for_each(|image| contents[*image as usize] = content);
    }
    contents
}

/// Returns columns with their names as a batch.
pub(crate) fn columns<const N: usize>(
    names: [&'static str; N],
    columns: [ArrayRef; N],
) -> Result<RecordBatch, ArrowError> {
    RecordBatch::try_from_iter_with_nullable(
        names.into_iter().zip(columns).map(|(name, column)| (name, column, true)),
    )
}

#[cfg(test)]
mod tests {
    use cliptune_store::ImageIdentity;

    use super::*;

    #[test]
    fn images_with_the_same_content_and_no_others_have_the_same_number() {
        let images = ["a", "b", "a", "c", "b", "a"].map(|content| {
            let identity = ImageIdentity::of(content.as_bytes());
            ImageFile { folder: 0, relative: "1.png".into(), size: 1, identity }
        });
        let numbers = contents(&images);
        for (one, image) in images.iter().enumerate() {
            for (other, compared) in images.iter().enumerate() {
                assert_eq!(numbers[one] == numbers[other], image.identity == compared.identity);
            }
        }
    }
}
