//! Looks through the messages of an IPC file or stream before it is read, because what a message says of its sizes is
//! taken at its word by whoever reads it.

use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use arrow_ipc::{CompressionType, Message, RecordBatch, root_as_message};
use fs_err::File;

use super::MAGIC;
use crate::table::limits;

/// The mark of a message. Streams that were written before it was introduced are not read.
const CONTINUATION: [u8; 4] = [0xFF; 4];
/// The largest size of the description of a message.
const DESCRIPTION: u64 = 64 << 20;
/// The largest size of what one message holds when it is decompressed.
const LARGEST: u64 = 4 << 30;
/// The largest number of rows of a batch, and of values within one column of it. Nothing needs to stand in the file for
/// missing ones.
const ROWS: i64 = 1 << 28;
/// The length of a compressed buffer that says that it is not compressed.
const NOT_COMPRESSED: i64 = -1;

/// The largest number of bytes before the stream in a file.
const LONGEST_START: usize = 4096;

/// Returns where the stream begins: at the beginning, or in a file after the mark and the zeros that align what follows.
pub(super) fn start(path: &Path) -> io::Result<u64> {
    let mut head = Vec::new();
    File::open(path)?.take(LONGEST_START as u64).read_to_end(&mut head)?;
    let Some(rest) = head.strip_prefix(MAGIC) else { return Ok(0) };
    let zeros = rest.iter().take_while(|byte| **byte == 0).count();
    Ok(((MAGIC.len() + zeros) as u64 / 8).max(1) * 8)
}

/// Refuses a file that is cut short, that is none of Arrow's, or whose messages claim absurd sizes.
pub(super) fn guard(path: &Path) -> Result<(), String> {
    let mut at = start(path).map_err(|problem| problem.to_string())?;
    let mut file = File::open(path).map_err(|problem| problem.to_string())?;
    let size = file.metadata().map_err(|problem| problem.to_string())?.len();
    let cut_short = || "it is cut short".to_owned();
    if at > 0 {
        let mut end = [0; 6];
        let tail = size.checked_sub(6).ok_or_else(cut_short)?;
        read_at(&mut file, tail, &mut end).map_err(|_| cut_short())?;
        if end != *MAGIC {
            return Err(cut_short());
        }
    }
    let mut is_first = true;
    while at < size {
        let mut head = [0; 8];
        read_at(&mut file, at, &mut head).map_err(|_| cut_short())?;
        let [mark @ .., a, b, c, d] = head;
        let length = u64::from(u32::from_le_bytes([a, b, c, d]));
        match (mark == CONTINUATION, length) {
            (true, 0) => return Ok(()),
            (true, _) => {}
            (false, _) if is_first => return Err("it is no file or stream of Arrow's IPC format".to_owned()),
            (false, _) => return Err("it is damaged".to_owned()),
        }
        at = after_message(&mut file, at + 8, length, size)?;
        is_first = false;
    }
    Ok(())
}

/// Checks a message, and returns where the next one begins.
fn after_message(file: &mut File, at: u64, length: u64, size: u64) -> Result<u64, String> {
    if length > DESCRIPTION {
        return Err("it is damaged".to_owned());
    }
    let mut description = vec![0; usize::try_from(length).unwrap_or_default()];
    read_at(file, at, &mut description).map_err(|_| "it is cut short".to_owned())?;
    let message = root_as_message(&description).map_err(|_| "it is damaged".to_owned())?;
    let body = at + length;
    let end = u64::try_from(message.bodyLength()).ok().and_then(|length| body.checked_add(length));
    let end = end.filter(|end| *end <= size).ok_or_else(|| "it is cut short".to_owned())?;
    if let Some(schema) = message.header_as_schema()
        && schema.fields().is_some_and(|fields| fields.len() > limits::COLUMNS)
    {
        return Err(limits::too_wide());
    }
    if let Some(batch) = batch(&message) {
        check_rows(&batch)?;
        check_buffers(file, &batch, body, end)?;
    }
    Ok(end)
}

fn batch<'a>(message: &Message<'a>) -> Option<RecordBatch<'a>> {
    message.header_as_record_batch().or_else(|| message.header_as_dictionary_batch()?.data())
}

fn check_rows(batch: &RecordBatch<'_>) -> Result<(), String> {
    let is_usual = |length: i64| (0..=ROWS).contains(&length);
    let nodes = batch.nodes();
    match is_usual(batch.length()) && nodes.iter().flatten().all(|node| is_usual(node.length())) {
        true => Ok(()),
        false => Err(format!("one of its batches has more than {ROWS} rows, or fewer than none")),
    }
}

/// Checks that each buffer lies within its message, and that they are not absurdly large when they are decompressed.
fn check_buffers(file: &mut File, batch: &RecordBatch<'_>, body: u64, end: u64) -> Result<(), String> {
    let is_compressed = batch.compression().map(|compression| compression.codec());
    if is_compressed
        .is_some_and(|codec| ![CompressionType::LZ4_FRAME, CompressionType::ZSTD].contains(&codec))
    {
        return Err("it is compressed in an unknown way".to_owned());
    }
    let mut total = 0;
    for buffer in batch.buffers().iter().flatten() {
        let damaged = || "it is damaged".to_owned();
        let start = u64::try_from(buffer.offset()).ok().and_then(|offset| body.checked_add(offset));
        let start = start.ok_or_else(damaged)?;
        let length = u64::try_from(buffer.length()).map_err(|_| damaged())?;
        start.checked_add(length).filter(|stop| *stop <= end).ok_or_else(damaged)?;
        if is_compressed.is_none() || length == 0 {
            continue;
        }
        let mut prefix = [0; 8];
        if length < 8 || read_at(file, start, &mut prefix).is_err() {
            return Err(damaged());
        }
        total += match i64::from_le_bytes(prefix) {
            NOT_COMPRESSED => length,
            decompressed => u64::try_from(decompressed).map_err(|_| damaged())?.min(LARGEST + 1),
        };
        if total > LARGEST {
            return Err(format!("one of its batches is larger than {} GB", LARGEST >> 30));
        }
    }
    Ok(())
}

fn read_at(file: &mut File, at: u64, bytes: &mut [u8]) -> io::Result<()> {
    file.seek(SeekFrom::Start(at))?;
    file.read_exact(bytes)
}
