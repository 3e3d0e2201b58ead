//! The headers of a tar archive, one after the other.

use std::os::unix::fs::FileExt;
use std::path::{Component, Path};

use fs_err::File;
use tar::{EntryType, Header};

use super::{COMPRESSED, TarMember};

/// The size of a header, and of what everything is padded to.
const BLOCK: u64 = 512;
/// The largest size of what says the name of a member that does not fit into its header.
const LONGEST_NAME: u64 = 1 << 20;

/// What a header is about.
pub(super) enum Entry {
    File(TarMember),
    /// A link, a device, a sparse file or something unknown.
    Other(String),
}

/// Reads the headers of an archive in order.
pub(super) struct Headers<'a> {
    file: &'a File,
    end: u64,
    at: u64,
    /// The name that the next entry has in place of the one in its header.
    long_name: Option<Vec<u8>>,
    /// Whether the next entry is said to have holes.
    is_sparse: bool,
}

impl<'a> Headers<'a> {
    /// Begins at the first header of a file.
    pub(super) fn of(file: &'a File) -> std::io::Result<Self> {
        let end = file.metadata()?.len();
        Ok(Self { file, end, at: 0, long_name: None, is_sparse: false })
    }

    /// Returns the next entry that is no folder, or `None` at the end of the archive.
    pub(super) fn next(&mut self) -> Result<Option<Entry>, String> {
        loop {
            let block = self.block()?;
            if block.iter().all(|&byte| byte == 0) {
                return Ok(None);
            }
            let header = Header::from_byte_slice(&block);
            self.check_sum(header, &block)?;
            let start = self.at + BLOCK;
            let size = header.entry_size().map_err(|_| self.damaged())?;
            let stop = start.checked_add(size).filter(|stop| *stop <= self.end);
            let stop = stop.ok_or("it is cut short, or a file in it claims more than there is")?;
            self.at = stop.div_ceil(BLOCK) * BLOCK;
            match header.entry_type() {
                EntryType::GNULongName => self.long_name = Some(self.description(start, size)?),
                EntryType::XHeader => self.extend(&self.description(start, size)?)?,
                EntryType::GNULongLink | EntryType::XGlobalHeader => {}
                EntryType::Directory => self.forget(),
                kind => return self.entry(kind, header, start, size).map(Some),
            }
        }
    }

    fn block(&self) -> Result<[u8; BLOCK as usize], String> {
        let mut block = [0; BLOCK as usize];
        match self.file.file().read_exact_at(&mut block, self.at) {
            Ok(()) => Ok(block),
            Err(_) if self.at + BLOCK > self.end => Err("it is cut short: it has no end".to_owned()),
            Err(problem) => Err(problem.to_string()),
        }
    }

    /// Checks that a header is one. The bytes of its sum count as spaces.
    fn check_sum(&self, header: &Header, block: &[u8]) -> Result<(), String> {
        let counted = |(at, &byte): (usize, &u8)| if (148..156).contains(&at) { 32 } else { u32::from(byte) };
        let sum: u32 = block.iter().enumerate().map(counted).sum();
        match (header.cksum().is_ok_and(|written| written == sum), self.at) {
            (true, _) => Ok(()),
            (false, 0) if block.starts_with(&[0x1F, 0x8B]) => Err(COMPRESSED.to_owned()),
            (false, 0) => Err("it is no tar archive".to_owned()),
            (false, _) => Err(self.damaged()),
        }
    }

    fn damaged(&self) -> String {
        format!("it is damaged at byte {}", self.at)
    }

    fn description(&self, start: u64, size: u64) -> Result<Vec<u8>, String> {
        if size > LONGEST_NAME {
            return Err("a file in it has an absurdly long name".to_owned());
        }
        let mut bytes = vec![0; size as usize];
        self.file.file().read_exact_at(&mut bytes, start).map_err(|problem| problem.to_string())?;
        Ok(bytes)
    }

    /// Takes over what an extended header says of the next entry: `LENGTH KEY=VALUE` and a line end for each key.
    fn extend(&mut self, records: &[u8]) -> Result<(), String> {
        let mut rest = records;
        while !rest.is_empty() {
            let record = record(rest).ok_or_else(|| self.damaged())?;
            rest = &rest[record.length..];
            match record.key {
                b"path" => self.long_name = Some(record.value.to_vec()),
                // The next header has the size, too, unless the file is larger than any image.
                b"size" => return Err("a file in it is larger than 8 GB".to_owned()),
                key if key.starts_with(b"GNU.sparse") => self.is_sparse = true,
                _ => {}
            }
        }
        Ok(())
    }

    fn forget(&mut self) {
        self.long_name = None;
        self.is_sparse = false;
    }

    fn entry(&mut self, kind: EntryType, header: &Header, start: u64, size: u64) -> Result<Entry, String> {
        let name = match self.long_name.take() {
            Some(mut name) => {
                name.truncate(name.iter().position(|&byte| byte == 0).unwrap_or(name.len()));
                name
            }
            None => header.path_bytes().into_owned(),
        };
        let is_file = matches!(kind, EntryType::Regular | EntryType::Continuous) && !self.is_sparse;
        self.forget();
        let name = inside(name)?;
        Ok(match is_file {
            true => Entry::File(TarMember { name: name.into(), start, size }),
            false => Entry::Other(name),
        })
    }
}

/// A record of an extended header.
struct Record<'a> {
    /// The length of the whole record.
    length: usize,
    key: &'a [u8],
    value: &'a [u8],
}

fn record(records: &[u8]) -> Option<Record<'_>> {
    let space = records.iter().position(|&byte| byte == b' ')?;
    let length: usize = std::str::from_utf8(&records[..space]).ok()?.parse().ok()?;
    let (line_end, body) = records.get(space + 1..length)?.split_last()?;
    let equals = body.iter().position(|&byte| byte == b'=')?;
    (*line_end == b'\n').then_some(Record { length, key: &body[..equals], value: &body[equals + 1..] })
}

/// Returns a name as a path below the archive, or says why it is none.
fn inside(name: Vec<u8>) -> Result<String, String> {
    let name = String::from_utf8(name).map_err(|_| "a file in it has a name that is not UTF-8".to_owned())?;
    let mut parts = Vec::new();
    for part in Path::new(&name).components() {
        match part {
            Component::Normal(part) => parts.push(part.to_string_lossy()),
            Component::CurDir => {}
            _ => return Err(format!("the name {name:?} leads out of it")),
        }
    }
    match parts.is_empty() || name.contains('\0') {
        true => Err(format!("a file in it has the name {name:?}")),
        false => Ok(parts.join("/")),
    }
}
