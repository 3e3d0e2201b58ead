//! The parts of a parquet table that an experiment reads, by which the table is known.

use std::io;
use std::ops::Range;
use std::path::Path;

use cliptune_sources::{Need, Ranges, Sparse};

use crate::error::StoreError;
use crate::named_columns::NamedColumns;
use crate::parquet_footer::{self, Place};
use crate::parquet_pages::{Pages, follow};
use crate::regular::{check, file_digest};

/// What the hash of parts is made for. It never equals that of a whole file.
const CONTEXT: &str = "cliptune: the parts of a parquet table that are read";
/// The number of bytes that are read and hashed at a time.
const PIECE: usize = 128 << 10;

/// Tells what of a parquet file is read by whoever reads the named columns: its footer, and the chunks of these columns in
/// all row groups. All of it is, where the footer leaves any doubt, or where the pages of a chunk are not where it says.
pub(crate) fn need(file: &Sparse, columns: &NamedColumns) -> io::Result<Need> {
    if columns.are_all() {
        return Ok(Need::Whole);
    }
    let at = match parquet_footer::locate(file)? {
        Place::At(at) => at,
        Place::Beyond(first) => return Ok(Need::First(first)),
        Place::Nowhere => return Ok(Need::Whole),
    };
    let end = at.start..file.size();
    let Some(footer) = file.read(at.clone())? else { return Ok(Need::First(end)) };
    let is_wanted = |name: &str| columns.have(name);
    let Some(chunks) = parquet_footer::chunks(&footer, at.start, &is_wanted) else {
        return Ok(Need::Whole);
    };
    for chunk in &chunks {
        if follow(file, chunk)? == Pages::Beyond {
            return Ok(Need::Whole);
        }
    }
    let ranges = chunks.into_iter().flat_map(|chunk| chunk.aids.into_iter().chain([chunk.range]));
    Ok(Need::Parts(ranges.chain([end]).collect()))
}

/// Returns the BLAKE3 of what is read of a parquet file by whoever reads the named columns.
pub(crate) fn digest(path: &Path, columns: &NamedColumns) -> Result<[u8; 32], StoreError> {
    check(path)?;
    let file = Sparse::whole(path)?;
    match need(&file, columns)? {
        Need::Parts(ranges) => Ok(digest_of(&file, &ranges)?),
        Need::Whole | Need::First(_) => file_digest(path),
    }
}

/// Returns the hash of the bytes in some ranges and of where these are.
fn digest_of(file: &Sparse, ranges: &Ranges) -> io::Result<[u8; 32]> {
    let mut hasher = blake3::Hasher::new_derive_key(CONTEXT);
    // Pieces of one length are hashed faster than the ranges as they come.
    let (mut piece, mut filled) = (vec![0; PIECE], 0);
    for Range { mut start, end } in ranges.iter() {
        while start < end {
            let length = (end - start).min((PIECE - filled) as u64) as usize;
            if !file.read_into(&mut piece[filled..filled + length], start)? {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            (start, filled) = (start + length as u64, filled + length);
            if filled == PIECE {
                hasher.update(&piece);
                filled = 0;
            }
        }
    }
    hasher.update(&piece[..filled]);
    let places: Vec<u64> = ranges.iter().flat_map(|range| [range.start, range.end]).collect();
    for number in places.iter().chain([&(places.len() as u64)]) {
        hasher.update(&number.to_le_bytes());
    }
    Ok(*hasher.finalize().as_bytes())
}
