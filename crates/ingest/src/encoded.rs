//! Lists of texts as functions are given them: encoded, because a column of blobs is handed over by copying its bytes once,
//! while each text of a column of texts is looked through and copied three times.

use duckdb::arrow::array::{Array, ArrayRef, AsArray, ListArray, StringArray};
use duckdb::arrow::datatypes::DataType;
use duckdb::arrow::error::ArrowError;

use crate::functions::{list_of, text_at};

/// Returns the SQL that encodes a list of texts.
pub(crate) fn encoded(texts: &str) -> String {
    format!("list_transform({texts}, lambda cliptune_text: encode(cliptune_text))")
}

/// The type of what [`encoded`] gives.
pub(crate) fn encoded_texts() -> DataType {
    list_of(DataType::Binary)
}

/// A column of encoded lists.
pub(crate) struct EncodedTexts<'a> {
    lists: &'a ListArray,
    texts: StringArray,
}

impl<'a> EncodedTexts<'a> {
    pub(crate) fn of(column: &'a ArrayRef) -> Result<Self, ArrowError> {
        let lists = column.as_list::<i32>();
        let texts = StringArray::try_from_binary(lists.values().as_binary::<i32>().clone())?;
        Ok(Self { lists, texts })
    }

    /// Puts the texts of the list in a row in place of those that a buffer has, and tells whether there is a list.
    pub(crate) fn read<'b>(&'b self, row: usize, texts: &mut Vec<Option<&'b str>>) -> bool {
        texts.clear();
        let offsets = self.lists.value_offsets();
        let [start, end] = [offsets[row], offsets[row + 1]].map(|offset| offset as usize);
        let is_list = self.lists.is_valid(row);
        if is_list {
            texts.extend((start..end).map(|at| text_at(&self.texts, at)));
        }
        is_list
    }
}
