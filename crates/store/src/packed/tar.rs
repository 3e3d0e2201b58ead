//! Tar archives, read where they lie.
//!
//! Only headers are read to find out what there is. A name stands for a place in the archive and for nothing else, so that
//! no link is followed and no name leads out of it.

use std::collections::{BTreeMap, HashSet};
use std::os::unix::fs::FileExt;
use std::path::{Component, Path, PathBuf};

use fs_err::File;
use tar::{EntryType, Header};

use super::unreadable;
use crate::error::StoreError;
use crate::image_kinds::extension;

/// The size of a header, and of what everything is padded to.
const BLOCK: u64 = 512;
/// What is said of a compressed archive.
pub(super) const COMPRESSED: &str = "a compressed archive cannot be read where it lies; decompress it first";
/// The size of the parts in which a file is hashed.
const PART: u64 = 1 << 20;
/// The largest size of what says the name of a member that does not fit into its header.
const LONGEST_NAME: u64 = 1 << 20;

/// A tar archive, with the place of each of its files. It is opened for each file that is read, because there may be more
/// archives than a process can have open.
#[derive(Debug)]
pub struct TarArchive {
    path: PathBuf,
    /// The files, in the order of the archive.
    members: Vec<TarMember>,
    /// The numbers of the files in the order of their names.
    by_name: Vec<u32>,
    /// The number of links, devices and sparse files, by extension.
    passed_over: BTreeMap<String, u64>,
}

/// A file in an archive.
#[derive(Clone, Debug)]
pub struct TarMember {
    name: Box<str>,
    start: u64,
    size: u64,
}

impl TarMember {
    /// Returns the path within the archive, with forward slashes.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the size in bytes.
    pub fn size(&self) -> u64 {
        self.size
    }
}

impl TarArchive {
    /// Looks through the headers of an archive.
    ///
    /// # Errors
    /// Returns an error when it is damaged, cut short or compressed, when two files have one name, or when a name leads
    /// out of it.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let file = File::open(path)?;
        let end = file.metadata()?.len();
        let mut headers = Headers { file: &file, end, at: 0, long_name: None, is_sparse: false };
        let (mut members, mut passed_over) = (Vec::new(), BTreeMap::new());
        let refused = |problem: String| unreadable(path, problem);
        while let Some(entry) = headers.next().map_err(refused)? {
            match entry {
                Entry::File(member) if is_hidden(&member.name) => {}
                Entry::File(member) => members.push(member),
                Entry::Other(name) => *passed_over.entry(extension(Path::new(&name))).or_default() += 1,
            }
        }
        let mut names = HashSet::with_capacity(members.len());
        if let Some(twice) = members.iter().find(|member| !names.insert(&*member.name)) {
            return Err(refused(format!("two of its files are called {}", twice.name)));
        }
        let mut by_name: Vec<u32> = (0..members.len() as u32).collect();
        by_name.sort_unstable_by_key(|&at| &*members[at as usize].name);
        Ok(Self { path: path.to_path_buf(), members, by_name, passed_over })
    }

    /// Returns the files in the order of the archive.
    pub fn members(&self) -> &[TarMember] {
        &self.members
    }

    /// Returns the number of links, devices and sparse files, by extension.
    pub(super) fn passed_over(&self) -> &BTreeMap<String, u64> {
        &self.passed_over
    }

    /// Returns the file of a name.
    pub(super) fn member(&self, name: &str) -> Result<&TarMember, StoreError> {
        let found = self.by_name.binary_search_by_key(&name, |&at| &self.members[at as usize].name);
        let found = found.map(|place| &self.members[self.by_name[place] as usize]);
        found.map_err(|_| unreadable(&self.path, format!("it has no file {name}")))
    }

    /// Reads a file.
    ///
    /// # Errors
    /// Returns an error when it cannot be read.
    pub fn read(&self, member: &TarMember) -> Result<Vec<u8>, StoreError> {
        let size = usize::try_from(member.size).map_err(|problem| unreadable(&self.path, problem))?;
        let mut bytes = vec![0; size];
        self.read_part(&File::open(&self.path)?, member.start, &mut bytes)?;
        Ok(bytes)
    }

    /// Returns the BLAKE3 of a file. It is read in parts, because nothing bounds its size.
    pub(super) fn digest(&self, member: &TarMember) -> Result<[u8; 32], StoreError> {
        let file = File::open(&self.path)?;
        let mut hasher = blake3::Hasher::new();
        let mut bytes = vec![0; PART.min(member.size) as usize];
        let mut done = 0;
        while done < member.size {
            let part = &mut bytes[..PART.min(member.size - done) as usize];
            self.read_part(&file, member.start + done, part)?;
            hasher.update(part);
            done += part.len() as u64;
        }
        Ok(*hasher.finalize().as_bytes())
    }

    fn read_part(&self, file: &File, start: u64, bytes: &mut [u8]) -> Result<(), StoreError> {
        let read = file.file().read_exact_at(bytes, start);
        read.map_err(|problem| unreadable(&self.path, problem))
    }
}

/// Checks whether a part of a name starts with a dot. Such files are skipped in folders, too.
fn is_hidden(name: &str) -> bool {
    name.split('/').any(|part| part.starts_with('.'))
}

/// What a header is about.
enum Entry {
    File(TarMember),
    /// A link, a device, a sparse file or something unknown.
    Other(String),
}

/// Reads the headers of an archive in order.
struct Headers<'a> {
    file: &'a File,
    end: u64,
    at: u64,
    /// The name that the next entry has in place of the one in its header.
    long_name: Option<Vec<u8>>,
    /// Whether the next entry is said to have holes.
    is_sparse: bool,
}

impl Headers<'_> {
    /// Returns the next entry that is no folder, or `None` at the end of the archive.
    fn next(&mut self) -> Result<Option<Entry>, String> {
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

#[cfg(test)]
mod tests {
    use tar::Builder;

    use super::*;

    fn regular(name: &str, size: u64) -> Header {
        let mut header = Header::new_gnu();
        header.set_path(name).unwrap();
        header.set_size(size);
        header.set_mode(0o644);
        header.set_cksum();
        header
    }

    /// Returns a header whose name is written as it is, which the library would refuse to do.
    fn named(name: &[u8]) -> Header {
        let mut header = regular("x", 1);
        header.as_old_mut().name.fill(0);
        header.as_old_mut().name[..name.len()].copy_from_slice(name);
        header.set_cksum();
        header
    }

    fn archive(build: impl FnOnce(&mut Builder<Vec<u8>>)) -> Vec<u8> {
        let mut builder = Builder::new(Vec::new());
        build(&mut builder);
        builder.into_inner().unwrap()
    }

    fn opened(bytes: &[u8]) -> Result<(tempfile::TempDir, TarArchive), String> {
        let folder = tempfile::tempdir().unwrap();
        fs_err::write(folder.path().join("a.tar"), bytes).unwrap();
        let archive = TarArchive::open(&folder.path().join("a.tar")).map_err(|error| error.to_string())?;
        Ok((folder, archive))
    }

    fn names(archive: &TarArchive) -> Vec<&str> {
        archive.members().iter().map(TarMember::name).collect()
    }

    fn refusal(bytes: &[u8]) -> String {
        let Err(error) = opened(bytes) else { panic!("the archive is taken") };
        error.split("a.tar: ").nth(1).unwrap().to_owned()
    }

    #[test]
    fn files_are_read_in_the_order_of_the_archive_with_names_of_any_length() {
        let long = format!("{}/1.jpg", "folder".repeat(40));
        let bytes = archive(|builder| {
            builder.append(&regular("./b.jpg", 3), &b"two"[..]).unwrap();
            builder.append_data(&mut regular("x", 3), &long, &b"one"[..]).unwrap();
            builder.append_pax_extensions([("path", "ü\n漫画.jpg".as_bytes()), ("mtime", b"1.5")]).unwrap();
            builder.append(&regular("short", 4), &b"four"[..]).unwrap();
            builder.append(&regular(".hidden.jpg", 1), &b"x"[..]).unwrap();
            builder.append(&regular("a/.x/1.jpg", 1), &b"x"[..]).unwrap();
            builder.append(&regular("a/empty.jpg", 0), &b""[..]).unwrap();
        });
        let (_folder, archive) = opened(&bytes).unwrap();
        assert_eq!(names(&archive), ["b.jpg", &long, "ü\n漫画.jpg", "a/empty.jpg"]);
        let read = |name: &str| archive.read(archive.member(name).unwrap()).unwrap();
        assert_eq!(
            (read("b.jpg"), read(&long), read("a/empty.jpg")),
            (b"two".to_vec(), b"one".to_vec(), Vec::new())
        );
        assert_eq!(
            archive.digest(archive.member("b.jpg").unwrap()).unwrap(),
            *blake3::hash(b"two").as_bytes()
        );
        assert!(archive.member("c.jpg").is_err());
    }

    #[test]
    fn links_devices_and_folders_are_no_files_and_lead_nowhere() {
        let bytes = archive(|builder| {
            for (kind, name) in [
                (EntryType::Symlink, "a.jpg"),
                (EntryType::Link, "b.jpg"),
                (EntryType::Char, "c.dev"),
                (EntryType::Fifo, "d.dev"),
                (EntryType::Directory, "e.jpg"),
                (EntryType::GNUSparse, "f.bin"),
            ] {
                let mut header = regular(name, 0);
                header.set_entry_type(kind);
                header.set_link_name("/etc/hostname").unwrap();
                header.set_cksum();
                builder.append(&header, &b""[..]).unwrap();
            }
            builder.append_pax_extensions([("GNU.sparse.name", &b"g.bin"[..])]).unwrap();
            builder.append(&regular("g.bin", 0), &b""[..]).unwrap();
            builder.append(&regular("h.jpg", 1), &b"h"[..]).unwrap();
        });
        let (_folder, archive) = opened(&bytes).unwrap();
        assert_eq!(names(&archive), ["h.jpg"]);
        let counted = [("bin", 2), ("dev", 2), ("jpg", 2)].map(|(kind, files)| (kind.to_owned(), files));
        assert_eq!(*archive.passed_over(), BTreeMap::from(counted));
    }

    #[test]
    fn a_name_that_leads_out_of_the_archive_is_refused() {
        for name in ["../a.jpg", "a/../../b.jpg", "/etc/a.jpg", ".."] {
            let told =
                refusal(&archive(|builder| builder.append(&named(name.as_bytes()), &b"x"[..]).unwrap()));
            assert_eq!(told, format!("the name {name:?} leads out of it"));
            let long = archive(|builder| {
                builder.append_pax_extensions([("path", name.as_bytes())]).unwrap();
                builder.append(&regular("x", 1), &b"x"[..]).unwrap();
            });
            assert!(refusal(&long).contains("leads out of it"));
        }
        let told = refusal(&archive(|builder| builder.append(&named(b"\xFF.jpg"), &b"x"[..]).unwrap()));
        assert_eq!(told, "a file in it has a name that is not UTF-8");
    }

    #[test]
    fn two_files_of_one_name_are_refused() {
        let twice = archive(|builder| {
            builder.append(&regular("a.jpg", 1), &b"1"[..]).unwrap();
            builder.append(&regular("./a.jpg", 1), &b"2"[..]).unwrap();
        });
        assert_eq!(refusal(&twice), "two of its files are called a.jpg");
    }

    #[test]
    fn an_archive_that_was_cut_short_anywhere_is_refused() {
        let whole = archive(|builder| {
            builder.append(&regular("a.jpg", 600), &[7; 600][..]).unwrap();
            builder.append(&regular("b.jpg", 5), &b"short"[..]).unwrap();
        });
        let content = whole.len() - 1024;
        for length in (0..=content).step_by(100).chain([512, 1024, 1536, content]) {
            assert!(refusal(&whole[..length]).contains("cut short"), "{length}");
        }
    }

    #[test]
    fn a_size_or_a_name_that_is_absurd_takes_no_memory() {
        for size in [1 << 20, 1 << 60, u64::MAX] {
            let claimed = archive(|builder| builder.append(&regular("a.jpg", size), &b""[..]).unwrap());
            let told = refusal(&claimed);
            assert!(told.contains("claims more than there is") || told.contains("damaged"), "{told}");
        }
        let mut header = regular("x", 2 << 20);
        header.set_entry_type(EntryType::GNULongName);
        header.set_cksum();
        let long = archive(|builder| builder.append(&header, &vec![b'a'; 2 << 20][..]).unwrap());
        assert_eq!(refusal(&long), "a file in it has an absurdly long name");
        for record in [&b"9999 path=a\n"[..], b"path=a\n", b"0 =\n", b"7 path\n", b"-1 a=b\n"] {
            let mut header = regular("x", record.len() as u64);
            header.set_entry_type(EntryType::XHeader);
            header.set_cksum();
            let broken = archive(|builder| builder.append(&header, record).unwrap());
            assert!(refusal(&broken).contains("damaged"), "{record:?}");
        }
    }

    #[test]
    fn what_is_no_archive_says_what_it_is() {
        assert_eq!(refusal(&[b'x'; 2048]), "it is no tar archive");
        let mut compressed = vec![0x1F, 0x8B, 8, 0];
        compressed.resize(1024, 1);
        assert!(refusal(&compressed).contains("decompress it first"));
        let mut damaged = archive(|builder| {
            builder.append(&regular("a.jpg", 1), &b"1"[..]).unwrap();
            builder.append(&regular("b.jpg", 1), &b"2"[..]).unwrap();
        });
        damaged[1024 + 3] ^= 1;
        assert_eq!(refusal(&damaged), "it is damaged at byte 1024");
        assert!(names(&opened(&[0; 1024]).unwrap().1).is_empty());
    }
}
