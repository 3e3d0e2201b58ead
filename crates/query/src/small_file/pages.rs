//! The pages in which the values of a column lie.

use std::borrow::Cow;

use cliptune_store::thrift::{Kind, Thrift};
use ruzstd::decoding::FrameDecoder;

use super::footer::{Place, StoredColumn, size};
use super::levels::{levels, numbers, take};
use super::values::{Flat, Values};
use cliptune_store::parquet_format::encoding::{PLAIN, PLAIN_DICTIONARY, RLE_DICTIONARY};
use cliptune_store::parquet_format::{codec, page};

/// The largest page that is read, in bytes.
const LARGEST: usize = 16 << 20;

/// The header of a page.
struct Header {
    kind: usize,
    /// The number of bytes when it is not compressed.
    whole: usize,
    size: usize,
    count: usize,
    encoding: usize,
}

/// Appends the values of a column in one group of rows.
pub(super) fn read(
    bytes: &[u8],
    place: &Place,
    stored: StoredColumn,
    values: &mut Values,
    decoder: &mut FrameDecoder,
) -> Option<()> {
    let mut rest = bytes.get(place.start..place.start.checked_add(place.size)?)?;
    let (mut left, mut dictionary) = (place.count, None);
    while left > 0 {
        let header = header(&mut rest)?;
        let content = plain(place.codec, take(&mut rest, header.size)?, header.whole, decoder)?;
        match header.kind {
            page::DICTIONARY if header.encoding == PLAIN => {
                let mut words = Flat::new(stored.values);
                words.read(&content, header.count, stored.values)?;
                dictionary = Some(words);
            }
            page::DATA => {
                left = left.checked_sub(header.count)?;
                data(&content, &header, stored, dictionary.as_ref(), values)?;
            }
            _ => return None,
        }
    }
    Some(())
}

fn header(bytes: &mut &[u8]) -> Option<Header> {
    let mut thrift = Thrift::new(bytes);
    let [mut kind_of_page, mut whole, mut stored, mut count, mut encoding] = [None; 5];
    thrift.fields(|thrift, field, kind| match (field, kind) {
        (1, Kind::Integer) => set(&mut kind_of_page, thrift),
        (2, Kind::Integer) => set(&mut whole, thrift),
        (3, Kind::Integer) => set(&mut stored, thrift),
        // A page of data, or a dictionary.
        (5 | 7, Kind::Struct) => thrift.fields(|thrift, field, kind| match (field, kind) {
            (1, Kind::Integer) => set(&mut count, thrift),
            (2, Kind::Integer) => set(&mut encoding, thrift),
            _ => thrift.skip(kind),
        }),
        _ => thrift.skip(kind),
    })?;
    *bytes = &bytes[bytes.len() - thrift.left()..];
    Some(Header { kind: kind_of_page?, whole: whole?, size: stored?, count: count?, encoding: encoding? })
}

fn set(number: &mut Option<usize>, thrift: &mut Thrift<'_>) -> Option<()> {
    *number = Some(size(thrift)?);
    Some(())
}

/// Returns the content of a page that has so many bytes.
fn plain<'b>(
    codec: usize,
    page: &'b [u8],
    whole: usize,
    decoder: &mut FrameDecoder,
) -> Option<Cow<'b, [u8]>> {
    match codec {
        codec::UNCOMPRESSED => Some(Cow::Borrowed(page)),
        codec::ZSTD if whole <= LARGEST => {
            let mut content = vec![0; whole];
            let length = decoder.decode_all(page, &mut content).ok()?;
            (length == whole).then_some(Cow::Owned(content))
        }
        _ => None,
    }
}

/// Appends the values of a page.
fn data(
    mut page: &[u8],
    header: &Header,
    stored: StoredColumn,
    dictionary: Option<&Flat>,
    values: &mut Values,
) -> Option<()> {
    let continued = if stored.is_list { levels(&mut page, 1, header.count)? } else { Vec::new() };
    let found = levels(&mut page, if stored.is_list { 2 } else { 1 }, header.count)?;
    let present = values.places(&continued, &found)?;
    match header.encoding {
        _ if present == 0 => Some(()),
        PLAIN => values.flat.read(page, present, stored.values),
        PLAIN_DICTIONARY | RLE_DICTIONARY => {
            let (bits, page) = page.split_first()?;
            values.flat.look_up(dictionary?, &numbers(page, usize::from(*bits), present)?)
        }
        _ => None,
    }
}
