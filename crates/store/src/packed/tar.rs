//! Tar archives, read where they lie.
//!
//! Only headers are read to find out what there is. A name stands for a place in the archive and for nothing else, so that
//! no link is followed and no name leads out of it.

mod headers;

use std::collections::{BTreeMap, HashSet};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use fs_err::File;

use super::unreadable;
use crate::error::StoreError;
use crate::image_kinds::extension;
use headers::{Entry, Headers};

/// What is said of a compressed archive.
pub(super) const COMPRESSED: &str = "a compressed archive cannot be read where it lies; decompress it first";
/// The size of the parts in which a file is hashed.
const PART: u64 = 1 << 20;

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
        let mut headers = Headers::of(&file)?;
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

#[cfg(test)]
mod tests {
    use tar::{Builder, EntryType, Header};

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
