//! The pages in which the values of a column lie.

use std::borrow::Cow;

use cliptune_store::thrift::{Kind, Thrift};
use ruzstd::decoding::FrameDecoder;

use super::footer::{Place, StoredColumn};
use super::levels::{levels, numbers, take};
use super::values::{Flat, Values};

/// The largest page that is read, in bytes.
const LARGEST: usize = 16 << 20;

/// The numbers of what is understood: how pages are compressed and what they hold, and how values are written.
const AS_IT_IS: i64 = 0;
const ZSTD: i64 = 6;
const DATA: i64 = 0;
const DICTIONARY: i64 = 2;
const PLAIN: i64 = 0;
const IN_DICTIONARY: [i64; 2] = [2, 8];

/// The header of a page.
struct Header {
    kind: i64,
    /// The number of bytes when it is not compressed.
    whole: usize,
    size: usize,
    count: usize,
    encoding: i64,
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
        let page = plain(place.codec, take(&mut rest, header.size)?, header.whole, decoder)?;
        match header.kind {
            DICTIONARY if header.encoding == PLAIN => {
                let mut words = Flat::new(stored.values);
                words.read(&page, header.count, stored.values)?;
                dictionary = Some(words);
            }
            DATA => {
                left = left.checked_sub(header.count)?;
                data(&page, &header, stored, dictionary.as_ref(), values)?;
            }
            _ => return None,
        }
    }
    Some(())
}

fn header(bytes: &mut &[u8]) -> Option<Header> {
    let mut thrift = Thrift::new(bytes);
    let [mut kind_of_page, mut whole, mut size, mut count, mut encoding] = [None; 5];
    thrift.fields(|thrift, field, kind| match (field, kind) {
        (1, Kind::Integer) => set(&mut kind_of_page, thrift),
        (2, Kind::Integer) => set(&mut whole, thrift),
        (3, Kind::Integer) => set(&mut size, thrift),
        // A page of data, or a dictionary.
        (5 | 7, Kind::Struct) => thrift.fields(|thrift, field, kind| match (field, kind) {
            (1, Kind::Integer) => set(&mut count, thrift),
            (2, Kind::Integer) => set(&mut encoding, thrift),
            _ => thrift.skip(kind),
        }),
        _ => thrift.skip(kind),
    })?;
    *bytes = &bytes[bytes.len() - thrift.left()..];
    Some(Header {
        kind: kind_of_page?,
        whole: usize::try_from(whole?).ok()?,
        size: usize::try_from(size?).ok()?,
        count: usize::try_from(count?).ok()?,
        encoding: encoding?,
    })
}

fn set(number: &mut Option<i64>, thrift: &mut Thrift<'_>) -> Option<()> {
    *number = Some(thrift.integer()?);
    Some(())
}

/// Returns the content of a page that has so many bytes.
fn plain<'b>(codec: i64, page: &'b [u8], whole: usize, decoder: &mut FrameDecoder) -> Option<Cow<'b, [u8]>> {
    match codec {
        AS_IT_IS => Some(Cow::Borrowed(page)),
        ZSTD if whole <= LARGEST => {
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
        encoding if IN_DICTIONARY.contains(&encoding) => {
            let (bits, page) = page.split_first()?;
            values.flat.look_up(dictionary?, &numbers(page, usize::from(*bits), present)?)
        }
        _ => None,
    }
}
