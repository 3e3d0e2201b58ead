//! Controls: the same questions, with something else in place of their images.
//!
//! A model that is above chance there does not answer by looking: the texts give the answer away, or the split does. The texts
//! are those that are encoded already, and so are the images but the blank one.

use cliptune_experiment::{Control, TaskKind};
use cliptune_statistics::{Bootstrap, cluster_proportion};
use cliptune_store::{ControlScores, DisjointSets, ItemSlice, Metrics, Prediction};

use crate::distinct::Distinct;
use crate::encoded::{Distinctions, Encoded};
use crate::error::ScoreError;
use crate::matrix::Matrix;
use crate::metrics::named;
use crate::pairs::{IMAGE_TO_TEXT, TEXT_TO_IMAGE, recall};
use crate::shuffle::shuffled;
use crate::temperature::Temperature;

/// The questions of a split, with what the model makes of their images and texts.
pub(crate) struct Questions<'a> {
    pub(crate) task: TaskKind,
    pub(crate) items: ItemSlice<'a>,
    pub(crate) distinct: &'a Distinctions<'a>,
    pub(crate) encoded: &'a Encoded,
    pub(crate) temperature: Temperature,
}

impl Questions<'_> {
    /// Returns what the model reaches under a control. `blank` encodes the blank image. A control that is impossible has no
    /// metrics: a single image can neither be exchanged nor averaged away, and a blank one may have no direction.
    pub(crate) fn under(
        &self,
        control: Control,
        blank: impl FnOnce() -> Result<Option<Matrix>, ScoreError>,
    ) -> Result<ControlScores, ScoreError> {
        let images = match control {
            Control::ShuffledImages => self.exchanged(),
            Control::BlankImage => blank()?.map(|blank| self.everywhere(&blank)),
            Control::TextAlone => self.mean_direction().map(|mean| self.everywhere(&mean)),
        };
        let metrics = match images {
            Some(images) => self.metrics(images)?,
            None => Metrics::default(),
        };
        Ok(ControlScores { control, metrics })
    }

    /// Returns in place of each image one that shares no group with it, not even through other images.
    fn exchanged(&self) -> Option<Matrix> {
        let groups = Distinct::new(self.items.iter().map(cliptune_store::ItemRef::group_number)).row_of;
        let rows = &self.distinct.image_rows;
        let group_of_first = |image: usize| groups[rows.firsts[image]];
        let mut connected = DisjointSets::of(groups.len());
        rows.row_of
            .iter()
            .zip(&groups)
            .for_each(|(&image, &group)| connected.unite(group_of_first(image), group));
        let components: Vec<usize> =
            (0..rows.firsts.len()).map(|image| connected.root(group_of_first(image))).collect();
        shuffled(&components).map(|order| self.encoded.images.select(&order))
    }

    /// Returns the direction of the mean of all images, if there are several and it has one.
    fn mean_direction(&self) -> Option<Matrix> {
        // The mean of one image is that image.
        if self.encoded.images.rows() < 2 {
            return None;
        }
        let mut mean = self.encoded.images.means(self.encoded.images.rows());
        mean.normalise().ok().map(|()| mean)
    }

    /// Returns the same image in place of each image.
    fn everywhere(&self, image: &Matrix) -> Matrix {
        image.select(&vec![0; self.encoded.images.rows()])
    }

    fn metrics(&self, images: Matrix) -> Result<Metrics, ScoreError> {
        let Self { task, items, distinct, encoded, temperature } = *self;
        let shown = Encoded { images, texts: encoded.texts.clone() };
        let predictions = distinct.predictions(task, items, &shown, temperature);
        let groups: Vec<&str> = predictions.iter().map(|one| one.group.as_str()).collect();
        let measured = |name: String, share: &dyn Fn(&Prediction) -> f64| {
            let shares: Vec<f64> = predictions.iter().map(share).collect();
            Ok(named(name, cluster_proportion(&shares, &groups, &Bootstrap::default())?))
        };
        let metrics: Result<Vec<_>, ScoreError> = match task {
            TaskKind::Choice | TaskKind::Classes => {
                [measured("accuracy".to_owned(), &|one| one.share)].into_iter().collect()
            }
            TaskKind::Pairs => [
                measured(recall(IMAGE_TO_TEXT, 1), &|one| one.share),
                measured(recall(TEXT_TO_IMAGE, 1), &|one| {
                    one.retrieved().map_or(f64::NAN, |retrieved| retrieved.text_to_image_share)
                }),
            ]
            .into_iter()
            .collect(),
        };
        Ok(Metrics(metrics?))
    }
}
