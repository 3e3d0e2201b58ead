//! The rows that are refused and the images that no row can use, and the reasons why.

use std::fmt;

use serde::{Deserialize, Serialize};

/// One image or row that was left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reject {
    /// The side of the join that it comes from.
    pub side: JoinSide,
    /// The image's path below the images folder, or the row's identifier.
    pub key: String,
    /// The value that the join compared: the key of the image, or the key that the row looked for. `None` when there
    /// is none.
    pub join_key: Option<String>,
    /// The reason why it was left out.
    pub reason: Reason,
    /// The details: a decoder's message, or the value that was refused. May be empty.
    pub detail: String,
}

/// The two sides of the join of images and table rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum JoinSide {
    /// An image file.
    Image,
    /// A table row.
    Row,
}

impl JoinSide {
    /// Returns the name used in files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Row => "row",
        }
    }
}

/// The reason why an image or a row was left out. Tables and reports show its text, and `rejects.parquet` contains
/// it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
#[expect(missing_docs, reason = "each variant's text says what it means")]
pub enum Reason {
    ImageWithoutRow,
    ImageKeyAmbiguous,
    ImageUnreadable,
    RowWithoutImage,
    RowImageAmbiguous,
    RowImageUnreadable,
    NoGroup,
    NoId,
    ChoicesMissing,
    ChoicesTooFew,
    ChoicesWithNull,
    ChoicesRepeated,
    TextEmpty,
    ClassMissing,
    LabelMissing,
    LabelNotAmongChoices,
    SplitUnknown,
    NoFold,
}

impl Reason {
    /// All reasons.
    pub const ALL: [Self; 18] = [
        Self::ImageWithoutRow,
        Self::ImageKeyAmbiguous,
        Self::ImageUnreadable,
        Self::RowWithoutImage,
        Self::RowImageAmbiguous,
        Self::RowImageUnreadable,
        Self::NoGroup,
        Self::NoId,
        Self::ChoicesMissing,
        Self::ChoicesTooFew,
        Self::ChoicesWithNull,
        Self::ChoicesRepeated,
        Self::TextEmpty,
        Self::ClassMissing,
        Self::LabelMissing,
        Self::LabelNotAmongChoices,
        Self::SplitUnknown,
        Self::NoFold,
    ];

    /// Returns the reason in words.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ImageWithoutRow => "no row for this image",
            Self::ImageKeyAmbiguous => "another image has the same key",
            Self::ImageUnreadable => "unreadable image",
            Self::RowWithoutImage => "no image for this row",
            Self::RowImageAmbiguous => "several images for this row",
            Self::RowImageUnreadable => "this row's image is unreadable",
            Self::NoGroup => "no group",
            Self::NoId => "no id",
            Self::ChoicesMissing => "no list of choices",
            Self::ChoicesTooFew => "fewer than two choices",
            Self::ChoicesWithNull => "a choice is missing",
            Self::ChoicesRepeated => "two choices are the same",
            Self::TextEmpty => "empty text",
            Self::ClassMissing => "no class",
            Self::LabelMissing => "no label",
            Self::LabelNotAmongChoices => "label not among the choices",
            Self::NoFold => "no fold",
            Self::SplitUnknown => "split is not train, validation or test",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl From<Reason> for String {
    fn from(reason: Reason) -> Self {
        reason.as_str().to_owned()
    }
}

impl TryFrom<String> for Reason {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|reason| reason.as_str() == text)
            .ok_or(format!("unknown reason \"{text}\""))
    }
}
