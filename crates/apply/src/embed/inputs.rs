//! What a command line wants embedded.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use cliptune_sources::{Access, Remote, Settings, Shown, Sources, Wanted};
use cliptune_store::{ImageNames, image_columns, is_image_name, text_column};
use cliptune_terminal::Printer;

use super::Kind;
use crate::error::ApplyError;
use crate::lines;

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// Paths, globs and addresses.
    pub paths: &'a [String],
    /// The column of tables, if they are tables.
    pub column: Option<&'a str>,
    /// Whether no credentials are sent to stores.
    pub anonymous: bool,
    /// Whether nothing is asked over the network.
    pub offline: bool,
}

/// What is embedded, listed but not read.
#[derive(Clone, Debug)]
pub enum Inputs {
    /// Images.
    Images(Images),
    /// Texts.
    Texts(Texts),
}

/// Images, folder by folder.
#[derive(Clone, Debug, Default)]
pub struct Images(Vec<ImageNames>);

/// Files of texts.
#[derive(Clone, Debug, Default)]
pub struct Texts(Vec<TextFile>);

/// A file of texts.
#[derive(Clone, Debug)]
enum TextFile {
    /// One text in a line.
    Lines(PathBuf),
    /// A table, with the column that has them.
    Column(PathBuf, String),
}

/// A text, or why there is none.
pub(super) type Text = Result<String, NoText>;

/// A cell of a table that has no text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct NoText {
    /// How it begins.
    pub(super) beginning: String,
    pub(super) reason: &'static str,
}

/// The longest text in bytes. Of a text, a model reads the first few hundred bytes.
const LONGEST: usize = lines::LONGEST_LINE as usize;
/// The number of letters that stand for a text that is too long.
const BEGINNING: usize = 80;

impl Inputs {
    /// Lists what is asked for. What lies elsewhere is fetched into the cache first.
    ///
    /// # Errors
    /// Returns an error if there is nothing at a path, or if some of it are images and some texts.
    pub fn find(
        request: &Request<'_>,
        printer: &Printer,
        interrupted: &AtomicBool,
    ) -> Result<Self, ApplyError> {
        let (mut images, mut texts) = (Images::default(), Texts::default());
        for path in request.paths {
            let found = match Remote::is_remote(path) {
                true => Found::elsewhere(path, request, printer, interrupted)?,
                false => Found::here(PathBuf::from(path), request.column)?,
            };
            images.0.extend(found.images);
            texts.0.extend(found.texts);
        }
        match (images.0.is_empty(), texts.0.is_empty()) {
            (false, true) => Ok(Self::Images(images)),
            (true, false) => Ok(Self::Texts(texts)),
            _ => Err(ApplyError::ImagesAndTexts),
        }
    }

    /// Returns what they are.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Images(_) => Kind::Images,
            Self::Texts(_) => Kind::Texts,
        }
    }

    /// Returns their number, or 0 if it is not known before they are read.
    pub fn count(&self) -> u64 {
        match self {
            Self::Images(images) => images.0.iter().map(|names| names.relative.len() as u64).sum(),
            Self::Texts(_) => 0,
        }
    }
}

/// What was found at one path.
#[derive(Default)]
struct Found {
    images: Vec<ImageNames>,
    texts: Vec<TextFile>,
}

/// The endings of tables.
const TABLES: [&str; 5] = ["parquet", "csv", "tsv", "jsonl", "ndjson"];

impl Found {
    fn here(path: PathBuf, column: Option<&str>) -> Result<Self, ApplyError> {
        let ending = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
        let is_file = path.is_file();
        match column {
            Some(column) if is_file && TABLES.contains(&ending.as_str()) => {
                Self::column(path, &ending, column)
            }
            Some(_) if is_file => Err(ApplyError::NoTable { path }),
            None if is_file && ending == "txt" => {
                Ok(Self { texts: vec![TextFile::Lines(path)], ..Self::default() })
            }
            None if is_file && TABLES.contains(&ending.as_str()) && ending != "parquet" => {
                Err(ApplyError::NoColumn { path })
            }
            None if is_file && ending == "parquet" && image_columns(&path)?.is_empty() => {
                Err(ApplyError::NoColumn { path })
            }
            _ => Ok(Self { images: vec![ImageNames::at(&path)?], ..Self::default() }),
        }
    }

    /// Returns the texts of a column, or the images if these are what it has.
    fn column(path: PathBuf, ending: &str, column: &str) -> Result<Self, ApplyError> {
        let has_images = ending == "parquet" && image_columns(&path)?.iter().any(|own| own == column);
        match has_images {
            true => Ok(Self { images: vec![ImageNames::at(&path)?], ..Self::default() }),
            false => Ok(Self { texts: vec![TextFile::Column(path, column.to_owned())], ..Self::default() }),
        }
    }

    /// Fetches what an address stands for.
    fn elsewhere(
        address: &str,
        request: &Request<'_>,
        printer: &Printer,
        interrupted: &AtomicBool,
    ) -> Result<Self, ApplyError> {
        let remote = Remote::parse(address)?;
        let mut settings = Settings::from_env()?;
        settings.offline |= request.offline;
        let access = Access { anonymous: request.anonymous, ..Access::default() };
        let is_folder = remote.is_in_bucket() && !remote.is_pattern();
        let is_wanted = |name: &str| {
            !is_folder || is_image_name(Path::new(name)) || remote.file_name().is_some_and(|own| own == name)
        };
        let shown = Shown::new(printer, interrupted);
        let fetched = Sources::new(settings)?.fetch(&remote, &access, Wanted::whole(&is_wanted), &shown)?;
        let (mut found, mut images) = (Self::default(), Vec::new());
        for file in fetched.files {
            match is_image_name(Path::new(&file.relative)) {
                true => images.push(file.relative),
                false => {
                    let other = Self::here(fetched.folder.join(&file.relative), request.column)?;
                    found.images.extend(other.images);
                    found.texts.extend(other.texts);
                }
            }
        }
        if !images.is_empty() {
            found.images.push(ImageNames::among(fetched.folder, images)?);
        }
        match found.images.is_empty() && found.texts.is_empty() {
            true => Err(ApplyError::NothingElsewhere { address: address.to_owned() }),
            false => Ok(found),
        }
    }
}

impl Images {
    /// Returns their paths, in order.
    pub(super) fn paths(&self) -> impl Iterator<Item = PathBuf> + Clone + '_ {
        self.0.iter().flat_map(|names| names.relative.iter().map(|name| names.folder.join(name)))
    }
}

impl Texts {
    /// Reads the texts, one after the other.
    pub(super) fn read(&self) -> impl Iterator<Item = Result<Text, ApplyError>> + '_ {
        let read = |file: &TextFile| -> Box<dyn Iterator<Item = Result<Text, ApplyError>>> {
            match file {
                TextFile::Lines(path) => match lines::lines(path) {
                    Ok(lines) => Box::new(lines.map(|line| line.map(Ok))),
                    Err(error) => Box::new(std::iter::once(Err(error))),
                },
                TextFile::Column(path, column) => {
                    Box::new(text_column(path, column).map(|cell| Ok(of_cell(cell?))))
                }
            }
        };
        self.0.iter().flat_map(read)
    }
}

/// Returns the text of a cell.
fn of_cell(cell: Option<String>) -> Text {
    match cell {
        None => Err(NoText { beginning: String::new(), reason: "the cell is empty" }),
        Some(text) if text.len() > LONGEST => {
            let beginning = format!("{}…", text.chars().take(BEGINNING).collect::<String>());
            Err(NoText { beginning, reason: "it is too long for a text" })
        }
        Some(text) => Ok(text),
    }
}
