//! Reads the schema in a parquet file's footer, without building it, to find out how deep and how wide it is.

use std::path::Path;

use cliptune_sources::Sparse;

use crate::parquet_footer::{Place, locate};
use crate::table_limits as limits;
use crate::thrift::{Kind, Thrift};

/// Refuses a file whose schema is too deep or too wide to be built.
///
/// Nothing else is checked. A damaged file passes, and the code that reads it reports the damage.
///
/// # Errors
/// Returns the reason as a phrase.
pub fn guard_parquet(path: &Path) -> Result<(), String> {
    let Ok(Some(footer)) = footer(path) else { return Ok(()) };
    let Some(children) = children(&mut Thrift::new(&footer)) else { return Ok(()) };
    let leaves = children.iter().filter(|children| **children == 0).count();
    if leaves > limits::COLUMNS {
        return Err(limits::too_wide());
    }
    // A list takes up two levels of the schema.
    if depth(&children) > 2 * limits::DEPTH { Err(limits::too_deep()) } else { Ok(()) }
}

fn footer(path: &Path) -> std::io::Result<Option<Vec<u8>>> {
    let file = Sparse::whole(path)?;
    match locate(&file)? {
        Place::At(at) => file.read(at),
        Place::Beyond(_) | Place::Nowhere => Ok(None),
    }
}

/// Returns the number of children of each element of the schema, which is the second field of the footer.
fn children(footer: &mut Thrift<'_>) -> Option<Vec<u64>> {
    let mut all = Vec::new();
    footer.fields(|thrift, field, kind| match (field, kind) {
        (2, Kind::List) => thrift.structs(|element| {
            let mut own = 0;
            element.fields(|thrift, field, kind| match (field, kind) {
                (5, Kind::Integer) => {
                    own = u64::try_from(thrift.integer()?).ok()?;
                    Some(())
                }
                _ => thrift.skip(kind),
            })?;
            all.push(own);
            Some(())
        }),
        _ => thrift.skip(kind),
    })?;
    Some(all)
}

/// Returns the depth of a schema that is listed depth first, where each element is given by its number of children.
fn depth(children: &[u64]) -> usize {
    let mut open: Vec<u64> = Vec::new();
    let mut deepest = 0;
    for &number in children {
        while open.last() == Some(&0) {
            open.pop();
        }
        if let Some(left) = open.last_mut() {
            *left -= 1;
        }
        open.push(number);
        deepest = deepest.max(open.len());
    }
    deepest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parquet_footer::MAGIC;

    /// Writes a file that contains only a schema, given by the number of children of each element.
    fn file(children: &[u64]) -> tempfile::NamedTempFile {
        let varint = |mut value: u64| {
            let mut bytes = Vec::new();
            while value >= 0x80 {
                bytes.push(value as u8 | 0x80);
                value >>= 7;
            }
            bytes.push(value as u8);
            bytes
        };
        // The footer has version 1, followed by the list of elements.
        let mut footer = vec![0x15, 2, 0x19, 0xFC];
        footer.extend(varint(children.len() as u64));
        for &children in children {
            footer.extend([0x48, 1, b'x']);
            if children > 0 {
                footer.push(0x15);
                footer.extend(varint(children << 1));
            }
            footer.push(0);
        }
        footer.extend([0x16, 0, 0x19, 0x0C, 0]);
        let bytes = [MAGIC, footer.as_slice(), &(footer.len() as u32).to_le_bytes(), MAGIC].concat();
        let file = tempfile::NamedTempFile::new().unwrap();
        fs_err::write(file.path(), bytes).unwrap();
        file
    }

    #[test]
    fn a_schema_that_nobody_could_build_is_refused() {
        let nested = |depth: usize| [vec![1; depth], vec![0]].concat();
        let wide = |columns: usize| [vec![columns as u64], vec![0; columns]].concat();
        assert_eq!(guard_parquet(file(&nested(100)).path()), Ok(()));
        assert_eq!(guard_parquet(file(&wide(limits::COLUMNS)).path()), Ok(()));
        assert!(guard_parquet(file(&nested(200_000)).path()).unwrap_err().contains("nests"));
        assert!(guard_parquet(file(&wide(100_000)).path()).unwrap_err().contains("columns"));
    }

    #[test]
    fn the_depth_of_a_schema_is_that_of_its_deepest_column() {
        assert_eq!(depth(&[3, 0, 1, 2, 0, 0, 0]), 4);
        assert_eq!(depth(&[2, 1, 0, 0]), 3);
    }

    #[test]
    fn what_is_damaged_is_left_to_whoever_reads_it() {
        for bytes in [&b""[..], b"PAR1", b"PAR1____\xFF\xFF\xFF\xFFPAR1", b"PAR1____\x04\0\0\0PAR1"] {
            let file = tempfile::NamedTempFile::new().unwrap();
            fs_err::write(file.path(), bytes).unwrap();
            assert_eq!(guard_parquet(file.path()), Ok(()));
        }
    }
}
