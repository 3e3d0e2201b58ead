//! The rows of the token embedding that some texts look up.

use tch::{Device, Kind, Tensor};

use crate::error::TrainError;

/// The place that is stored for an id that no text has.
const ABSENT: i64 = -1;

/// A token embedding of which only the rows in use are trained.
///
/// A row that no text looks up has no gradient, and embeddings do not decay, so no update changes it. Leaving it out is
/// exact, and saves its gradient and its moments.
#[derive(Debug)]
pub(super) struct TokenRows {
    /// The whole table: `[vocabulary, D]`.
    table: Tensor,
    /// The ids in use, `[used]`.
    ids: Tensor,
    /// The place of every id among those in use: `[vocabulary]`.
    places: Tensor,
}

impl TokenRows {
    /// Takes the rows with these distinct ids out of a table.
    pub(super) fn new(table: &Tensor, ids: &[i64]) -> Result<Self, TrainError> {
        let vocabulary = table.size2()?.0;
        let ids = Tensor::from_slice(ids);
        let order = Tensor::f_arange(ids.size1()?, (Kind::Int64, Device::Cpu))?;
        let places = Tensor::f_full([vocabulary], ABSENT, (Kind::Int64, Device::Cpu))?;
        let places = places.f_index_copy(0, &ids, &order)?.f_to_device(table.device())?;
        Ok(Self { table: table.detach(), ids: ids.f_to_device(table.device())?, places })
    }

    /// Copies the rows in use: `[used, D]`.
    pub(super) fn rows(&self) -> Result<Tensor, TrainError> {
        Ok(self.table.f_index_select(0, &self.ids)?)
    }

    /// Returns the places of these ids among those in use, in the shape of `ids`.
    pub(super) fn places(&self, ids: &Tensor) -> Result<Tensor, TrainError> {
        Ok(self.places.f_index_select(0, &ids.f_reshape(-1)?)?.f_view_as(ids)?)
    }

    /// Returns the whole table, with these rows in place of the ones in use: `[used, D]` → `[vocabulary, D]`.
    pub(super) fn whole(&self, rows: &Tensor) -> Result<Tensor, TrainError> {
        Ok(self.table.f_index_copy(0, &self.ids, rows)?)
    }

    /// Returns how many numbers are in the rows that are not in use.
    pub(super) fn left_out(&self) -> usize {
        let width = self.table.numel() / self.places.numel().max(1);
        (self.places.numel() - self.ids.numel()) * width
    }

    pub(super) fn shared(&self) -> Self {
        Self {
            table: self.table.shallow_clone(),
            ids: self.ids.shallow_clone(),
            places: self.places.shallow_clone(),
        }
    }
}
