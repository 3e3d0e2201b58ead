//! The rows of the token embedding that some texts look up.

use tch::{Device, Kind, Tensor};

use crate::error::TrainError;

/// Of every id, no row.
const ABSENT: i64 = -1;

/// A token embedding of which only the rows in use are trained.
///
/// A row that no text looks up has no gradient, and embeddings do not decay, so that no update changes it: leaving it out
/// is exact, and saves its gradient and its moments.
#[derive(Debug)]
pub(super) struct TokenRows {
    /// Every row: `[vocabulary, D]`.
    table: Tensor,
    /// Ids in use: `[used]`.
    ids: Tensor,
    /// Of every id, its place among those in use: `[vocabulary]`.
    places: Tensor,
}

impl TokenRows {
    /// Of the rows with these distinct ids.
    pub(super) fn new(table: &Tensor, ids: &[i64]) -> Result<Self, TrainError> {
        let vocabulary = table.size2()?.0;
        let ids = Tensor::from_slice(ids);
        let order = Tensor::f_arange(ids.size1()?, (Kind::Int64, Device::Cpu))?;
        let places = Tensor::f_full([vocabulary], ABSENT, (Kind::Int64, Device::Cpu))?;
        let places = places.f_index_copy(0, &ids, &order)?.f_to_device(table.device())?;
        Ok(Self { table: table.detach(), ids: ids.f_to_device(table.device())?, places })
    }

    /// A copy of the rows in use: `[used, D]`.
    pub(super) fn rows(&self) -> Result<Tensor, TrainError> {
        Ok(self.table.f_index_select(0, &self.ids)?)
    }

    /// Where the rows of these ids are among those in use, in the shape of `ids`.
    pub(super) fn places(&self, ids: &Tensor) -> Result<Tensor, TrainError> {
        Ok(self.places.f_index_select(0, &ids.f_reshape(-1)?)?.f_view_as(ids)?)
    }

    /// Every row, with these for the ones in use: `[used, D]` → `[vocabulary, D]`.
    pub(super) fn whole(&self, rows: &Tensor) -> Result<Tensor, TrainError> {
        Ok(self.table.f_index_copy(0, &self.ids, rows)?)
    }

    /// Numbers in the rows that are not in use.
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
