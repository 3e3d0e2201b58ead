//! What a command line wants embedded.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use cliptune_sources::{Access, Remote, Settings, Shown, Sources, Wanted};
use cliptune_store::{
    Cell, Holds, ImageNames, MissingImages, StoreError, TableColumn, TableForm, image_columns, is_image_name,
    tables_at,
};
use cliptune_terminal::Printer;
use cliptune_terminal::format::visible;

use super::Kind;
use crate::error::{ApplyError, Sought};
use crate::lines;
use crate::pictures::at_each;

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
    Column(TableColumn),
}

/// A text, or why there is none.
pub(super) type Text = Result<String, NoText>;

/// A cell of a table that has no text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct NoText {
    /// How it begins.
    pub(super) beginning: String,
    pub(super) reason: String,
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
        let finder = Finder { request, printer, interrupted };
        // What is here is looked at before anything is fetched.
        let here = at_each(request.paths, Sought::ImagesOrTexts, |path| match Remote::is_remote(path) {
            true => Ok(None),
            false => finder.here(Path::new(path)).map(Some),
        })?;
        let (mut images, mut texts) = (Images::default(), Texts::default());
        for (path, here) in request.paths.iter().zip(here) {
            let found = match here {
                Some(found) => found,
                None => finder.elsewhere(path)?,
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
            Self::Images(images) => images.0.iter().map(|names| names.count() as u64).sum(),
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

/// Finds what a command line names.
struct Finder<'a> {
    request: &'a Request<'a>,
    printer: &'a Printer,
    interrupted: &'a AtomicBool,
}

impl Finder<'_> {
    /// Finds what a path stands for.
    fn here(&self, path: &Path) -> Result<Found, ApplyError> {
        match self.request.column {
            None => self.among(ImageNames::files_at(path)?),
            Some(column) => {
                match tables_at(path)? {
                    tables if !tables.is_empty() => self.columns(tables, column),
                    _ if path.exists() => Err(ApplyError::NoTable { path: path.to_path_buf() }),
                    _ => Err(StoreError::NoImages { path: path.to_path_buf(), missing: MissingImages::Path }
                        .into()),
                }
            }
        }
    }

    /// Returns what is in files, by what they are.
    fn among(&self, files: ImageNames) -> Result<Found, ApplyError> {
        let (others, images) = files.split(|path| is_lines(path) || TableForm::of(path).is_some())?;
        let mut found = Found::default();
        found.images.extend((images.count() > 0).then_some(images));
        for path in others {
            match TableForm::of(&path) {
                None => found.texts.push(TextFile::Lines(path)),
                Some(TableForm::Parquet) if !image_columns(&path)?.is_empty() => {
                    found.images.push(ImageNames::at(&path)?);
                }
                Some(_) => return Err(ApplyError::NoColumn { path }),
            }
        }
        Ok(found)
    }

    /// Returns the texts of a column of tables, or the images if these are what it has.
    fn columns(&self, tables: Vec<PathBuf>, name: &str) -> Result<Found, ApplyError> {
        let mut found = Found::default();
        for path in tables {
            let Some(form) = TableForm::of(&path) else { return Err(ApplyError::NoTable { path }) };
            match TableColumn::find(&path, form, name)? {
                (_, Holds::Images) => found.images.push(ImageNames::of_column(&path, name)?),
                (column, Holds::Texts) => {
                    self.tell_of_paths(&column);
                    found.texts.push(TextFile::Column(column));
                }
            }
        }
        Ok(found)
    }

    /// Warns of texts that are the paths of images.
    fn tell_of_paths(&self, column: &TableColumn) {
        if names_images(column) {
            self.printer.warn(&format!(
                "the column {} of {} has the paths of images, which are embedded as texts; to embed the images, name their files or \
                 their folder in place of the table",
                visible(column.name()),
                visible(&column.path().to_string_lossy())
            ));
        }
    }

    /// Fetches what an address stands for.
    fn elsewhere(&self, address: &str) -> Result<Found, ApplyError> {
        let remote = Remote::parse(address)?;
        let mut settings = Settings::from_env()?;
        settings.offline |= self.request.offline;
        let access = Access { anonymous: self.request.anonymous, ..Access::default() };
        let is_folder = remote.is_in_bucket() && !remote.is_pattern();
        let is_of_kind = |name: &Path| match self.request.column {
            Some(_) => TableForm::of(name).is_some(),
            None => is_image_name(name),
        };
        let is_wanted = |name: &str| {
            !is_folder || is_of_kind(Path::new(name)) || remote.file_name().is_some_and(|own| own == name)
        };
        let shown = Shown::new(self.printer, self.interrupted);
        let fetched = Sources::new(settings)?.fetch(&remote, &access, Wanted::whole(&is_wanted), &shown)?;
        let files: Vec<String> = fetched.files.into_iter().map(|file| file.relative).collect();
        if files.is_empty() {
            return Err(ApplyError::NothingElsewhere { address: address.to_owned() });
        }
        match self.request.column {
            None => self.among(ImageNames::files(fetched.folder, files)?),
            Some(column) => {
                self.columns(files.iter().map(|file| fetched.folder.join(file)).collect(), column)
            }
        }
    }
}

/// Checks whether a file has a text in each line.
fn is_lines(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("txt"))
}

/// The number of the first texts of a column that have to be paths before it counts as one of paths.
const LOOKED_AT: usize = 20;

/// Checks whether the first texts of a column are all paths of images, below the folder of the table or as they are.
fn names_images(column: &TableColumn) -> bool {
    let folder = column.path().parent().unwrap_or(Path::new(""));
    let texts = column.cells().take(LOOKED_AT).filter_map(|cell| match cell {
        Ok(Cell::Text(text)) => Some(text),
        _ => None,
    });
    let is_image = |text: String| {
        is_image_name(Path::new(&text)) && (folder.join(&text).is_file() || Path::new(&text).is_file())
    };
    let found: Vec<bool> = texts.map(is_image).collect();
    !found.is_empty() && found.into_iter().all(|is_image| is_image)
}

impl Images {
    /// Returns their paths, in order.
    pub(super) fn paths(&self) -> impl Iterator<Item = PathBuf> + Clone + '_ {
        self.0.iter().flat_map(ImageNames::paths)
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
                TextFile::Column(column) => Box::new(column.cells().map(|cell| Ok(of_cell(cell?)))),
            }
        };
        self.0.iter().flat_map(read)
    }
}

/// Returns the text of a cell.
fn of_cell(cell: Cell) -> Text {
    let none = |beginning: String, reason: String| Err(NoText { beginning, reason });
    match cell {
        Cell::Text(text) if text.trim().is_empty() => none(String::new(), "the cell is empty".to_owned()),
        Cell::Text(text) if text.len() > LONGEST => {
            let beginning = format!("{}…", text.chars().take(BEGINNING).collect::<String>());
            none(beginning, "it is too long for a text".to_owned())
        }
        Cell::Text(text) => Ok(text),
        Cell::Missing => none(String::new(), "the cell is empty".to_owned()),
        Cell::Other(kind) => none(String::new(), format!("the cell has {kind} in place of a text")),
    }
}
