//! Follows the pages of a parquet file's column chunk from one header to the next.
//!
//! A footer may say anything about the length of a chunk. Only its pages tell how far a reader of it reads.

use std::io;
use std::ops::Range;

use cliptune_sources::Sparse;

use crate::parquet_footer::Chunk;
use crate::thrift::{Kind, Thrift};

/// How much is read for the header of a page: nearly always enough, and more where it has long statistics.
const HEADERS: [u64; 3] = [512, 64 << 10, 16 << 20];

/// What the pages of a chunk say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pages {
    /// They have all values and end where the chunk does, or before.
    Within,
    /// They do not, or they cannot be followed.
    Beyond,
    /// The chunk is not there.
    Absent,
}

/// What is known of a page from its header.
struct Page {
    /// The length of the header and the page.
    length: u64,
    values: u64,
}

/// Follows the pages of a chunk until they have as many values as it.
pub(crate) fn follow(file: &Sparse, chunk: &Chunk) -> io::Result<Pages> {
    let (mut at, mut values) = (chunk.start, 0_u64);
    while values < chunk.values {
        let page = match header(file, at..chunk.range.end)? {
            Ok(page) => page,
            Err(pages) => return Ok(pages),
        };
        at = at.saturating_add(page.length);
        values = values.saturating_add(page.values);
    }
    Ok(if at <= chunk.range.end { Pages::Within } else { Pages::Beyond })
}

fn header(file: &Sparse, within: Range<u64>) -> io::Result<Result<Page, Pages>> {
    for length in HEADERS {
        let end = within.end.min(within.start.saturating_add(length));
        if end <= within.start {
            break;
        }
        let Some(bytes) = file.read(within.start..end)? else { return Ok(Err(Pages::Absent)) };
        if let Some(page) = read(&bytes) {
            return Ok(Ok(page));
        }
    }
    Ok(Err(Pages::Beyond))
}

fn read(bytes: &[u8]) -> Option<Page> {
    let mut thrift = Thrift::new(bytes);
    let (mut kind_of_page, mut size, mut values) = (None, None, None);
    thrift.fields(|thrift, field, kind| match (field, kind) {
        (1, Kind::Integer) => {
            kind_of_page = Some(thrift.integer()?);
            Some(())
        }
        (3, Kind::Integer) => {
            size = Some(u64::try_from(thrift.integer()?).ok()?);
            Some(())
        }
        (5 | 8, Kind::Struct) => thrift.fields(|thrift, own, kind| match (own, kind) {
            (1, Kind::Integer) => {
                values = Some((field, u64::try_from(thrift.integer()?).ok()?));
                Some(())
            }
            _ => thrift.skip(kind),
        }),
        _ => thrift.skip(kind),
    })?;
    let values = match (kind_of_page?, values) {
        // A data page of the first or of the second version.
        (0, Some((5, values))) | (3, Some((8, values))) => values,
        // An index or a dictionary.
        (1 | 2, _) => 0,
        _ => return None,
    };
    let header = (bytes.len() - thrift.left()) as u64;
    Some(Page { length: header.checked_add(size?)?, values })
}
