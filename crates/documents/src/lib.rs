//! Documents that hold texts of strangers and do nothing where they are opened: one gate for each format.
//!
//! Captions, file names, names of classes and of machines, notes and the errors of others end up in all of them. A page and
//! its drawings are one file that runs nothing and loads nothing; Markdown has no markup but its author's; a spreadsheet
//! finds no formula. Names that are written from right to left turn nothing around them. Characters that no output may hold are escaped as `cliptune_terminal` does it.

mod bidi;
mod csv;
mod cut;
mod markdown;
mod page;
mod texts;
mod xml;

pub use csv::csv_line;
pub use cut::{beginning, both_ends};
pub use markdown::{fenced, markdown_line, markdown_text};
pub use page::{page, page_with_script};
pub use texts::{folded, named};
pub use xml::xml_text;
