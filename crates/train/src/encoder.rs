//! Computes normalised embeddings of images and texts.

use std::ops::Range;
use std::thread;

use cliptune_clip::ClipConfig;
use cliptune_clip::names;
use cliptune_clip::ops::Ops;
use cliptune_clip::towers::{Piece, text_piece, text_tower, vision_piece, vision_tower};
use cliptune_clip::weights::Tower;
use cliptune_experiment::{Compute, TrainPlan, Tune};
use tch::{Device, Kind, Tensor};

use crate::data::{Ahead, Augmenter, ImageBank, Packing, TextBank};
use crate::error::TrainError;
use crate::group::{ALONE, Group};
use crate::model::{Parameters, TorchOps};
use crate::objective::Embeddings;
use crate::tuning::Adapters;

/// The number of rows that are encoded at once when no gradients are recorded.
pub(crate) const CHUNK: usize = 128;

/// The input of a tower for some rows.
#[derive(Debug)]
pub(crate) struct Input {
    /// The pixels or ids.
    tensor: Tensor,
    /// How the ids are laid out, if they are not padded.
    packing: Option<Packing>,
}

impl Input {
    /// Returns the pixels or ids.
    pub(crate) fn tensor(&self) -> &Tensor {
        &self.tensor
    }

    /// Puts the tower's embeddings of this input into the order of the rows.
    fn in_order(&self, embeddings: Tensor) -> Result<Tensor, TrainError> {
        self.packing.as_ref().map_or(Ok(embeddings.shallow_clone()), |packing| packing.unpacked(&embeddings))
    }
}

/// A model together with the images and texts that it looks at.
#[derive(Debug)]
pub struct Encoder<'a> {
    config: &'a ClipConfig,
    parameters: &'a Parameters,
    adapters: Option<&'a Adapters>,
    images: &'a ImageBank,
    texts: &'a TextBank,
    device: Device,
    kind: Kind,
    /// The processes that share the work.
    group: &'a Group,
    /// The random changes to images, if there are any.
    augmenter: Option<Augmenter>,
    /// The embeddings of all images if the vision tower is locked, because then they never change.
    locked_images: Option<Tensor>,
    /// The embeddings of all texts if the text tower is locked.
    locked_texts: Option<Tensor>,
}

impl<'a> Encoder<'a> {
    /// Creates an encoder that computes every embedding anew.
    pub fn new(
        config: &'a ClipConfig,
        parameters: &'a Parameters,
        images: &'a ImageBank,
        texts: &'a TextBank,
        device: Device,
    ) -> Self {
        Self {
            config,
            parameters,
            adapters: None,
            images,
            texts,
            device,
            kind: Kind::Float,
            group: &ALONE,
            augmenter: None,
            locked_images: None,
            locked_texts: None,
        }
    }

    /// Lays adapters over the weights, if there are any.
    pub fn with_adapters(self, adapters: Option<&'a Adapters>) -> Self {
        Self { adapters, ..self }
    }

    /// Computes linear layers and attention at another precision.
    pub fn with_precision(self, precision: Compute) -> Self {
        let kind = match precision {
            Compute::Fp32 | Compute::Tf32 => Kind::Float,
            Compute::Bf16 => Kind::BFloat16,
        };
        Self { kind, ..self }
    }

    /// Shares the encoding of many rows with the other processes of a group. All of them have to ask for the same rows.
    pub fn with_group(self, group: &'a Group) -> Self {
        Self { group, ..self }
    }

    /// Returns the processes that share the work.
    pub(crate) fn group(&self) -> &'a Group {
        self.group
    }

    /// Returns an encoder that changes images at random, if an augmenter is given.
    pub fn with_augmenter(&self, augmenter: Option<Augmenter>) -> Self {
        Self { augmenter, ..self.shared() }
    }

    fn shared(&self) -> Self {
        Self {
            locked_images: self.locked_images.as_ref().map(Tensor::shallow_clone),
            locked_texts: self.locked_texts.as_ref().map(Tensor::shallow_clone),
            ..*self
        }
    }

    /// Returns an encoder without adapters and with other weights, which must be equal to the current ones where a
    /// tower is locked.
    pub fn with_weights<'b>(&'b self, parameters: &'b Parameters) -> Encoder<'b> {
        Encoder { parameters, adapters: None, ..self.shared() }
    }

    /// Computes the embeddings of the locked towers once and for all. Images that are changed at random are left out,
    /// because they are never the same twice.
    pub fn lock(&mut self, plan: &TrainPlan) -> Result<(), TrainError> {
        match plan.tune {
            Tune::LockedImage { unlocked_layers: 0 } if plan.augment.is_none() => {
                self.locked_images = Some(self.all_images()?);
            }
            Tune::LockedText { unlocked_layers: 0 } => {
                let rows: Vec<usize> = (0..self.texts.len()).collect();
                self.locked_texts = Some(self.many_texts(&rows)?);
            }
            // Autograd records nothing for the layers below the first one that moves.
            Tune::LockedImage { .. }
            | Tune::LockedText { .. }
            | Tune::Full
            | Tune::Projections
            | Tune::Lora { .. } => {}
        }
        Ok(())
    }

    /// Returns the embeddings of some rows, with the current logit_scale and logit_bias.
    pub fn embeddings(&self, images: &[usize], texts: &[usize]) -> Result<Embeddings, TrainError> {
        self.with_temperature(self.images(images)?, self.texts(texts)?)
    }

    /// Combines embeddings with the current logit_scale and logit_bias.
    pub fn with_temperature(&self, images: Tensor, texts: Tensor) -> Result<Embeddings, TrainError> {
        Ok(Embeddings {
            images,
            texts,
            logit_scale: self.parameters.tensor(names::LOGIT_SCALE)?.f_exp()?,
            logit_bias: self.parameters.find(names::LOGIT_BIAS).map(Tensor::shallow_clone),
        })
    }

    /// Returns the normalised embeddings of one tower: `[rows, D]`.
    pub fn tower(&self, tower: Tower, rows: &[usize]) -> Result<Tensor, TrainError> {
        match tower {
            Tower::Vision => self.images(rows),
            Tower::Text => self.texts(rows),
        }
    }

    /// Checks whether a step moves anything in a tower.
    pub fn moves(&self, tower: Tower) -> bool {
        let mut of_tower = self.parameters.iter().filter(|one| one.spec.part.tower() == Some(tower));
        self.adapters.is_some() || of_tower.any(|one| one.tensor.requires_grad())
    }

    /// Returns the lowest piece of a tower that has a weight that moves, counted from the stem.
    pub(crate) fn lowest_moving(&self, tower: Tower) -> usize {
        let pieces = self.pieces(tower).len();
        if self.adapters.is_some() {
            // Adapters are in every block and nowhere else.
            return 1;
        }
        let of_tower = self.parameters.iter().filter(|one| one.spec.part.tower() == Some(tower));
        let moving = of_tower.filter(|one| one.tensor.requires_grad());
        let deepest = moving.map(|one| one.spec.depth).max();
        // Depths 0 and 1 (depth 1 is the last block) are one piece.
        deepest.map_or(pieces, |depth| pieces.saturating_sub(depth.max(1)))
    }

    /// Returns the pieces that [`piece`](Self::piece) computes.
    pub(crate) fn pieces(&self, tower: Tower) -> Vec<Piece> {
        Piece::of(match tower {
            Tower::Vision => &self.config.vision.transformer,
            Tower::Text => &self.config.text.transformer,
        })
        .collect()
    }

    /// Returns what a tower sees for some rows.
    pub(crate) fn input(&self, tower: Tower, rows: &[usize]) -> Result<Input, TrainError> {
        let tensor = match (tower, &self.augmenter) {
            (Tower::Vision, Some(augmenter)) => self.images.augmented(rows, augmenter, self.device)?,
            (Tower::Vision, None) => self.images.tensor(rows, self.device)?,
            (Tower::Text, _) => return self.text_input(rows),
        };
        Ok(Input { tensor, packing: None })
    }

    /// Returns the ids of some texts, packed on the CPU only: on a GPU some padding costs less than many small kernels.
    fn text_input(&self, rows: &[usize]) -> Result<Input, TrainError> {
        let pooling = self.config.text.pooling;
        let packed = match self.device {
            Device::Cpu => self.texts.packed(rows, pooling, self.device)?,
            _ => None,
        };
        Ok(match packed {
            Some((tensor, packing)) => Input { tensor, packing: Some(packing) },
            None => Input { tensor: self.texts.tensor(rows, self.device)?, packing: None },
        })
    }

    /// Computes one piece of a tower from the previous piece's result; the last piece returns normalised embeddings.
    pub(crate) fn piece(
        &self,
        tower: Tower,
        piece: Piece,
        x: &Tensor,
        input: &Input,
    ) -> Result<Tensor, TrainError> {
        let ops = &mut self.ops(input);
        let y = match tower {
            Tower::Vision => vision_piece(ops, &self.config.vision, piece, x)?,
            Tower::Text => text_piece(ops, &self.config.text, piece, x, &input.tensor, None)?,
        };
        match (piece, tower) {
            (Piece::Head, Tower::Vision) => ops.normalize(&y),
            (Piece::Head, Tower::Text) => {
                let prompts = input.in_order(ops.normalize(&y)?)?;
                self.of_prompts(prompts, ops)
            }
            _ => Ok(y),
        }
    }

    /// Returns the normalised embeddings of images: `[rows, D]`.
    pub fn images(&self, rows: &[usize]) -> Result<Tensor, TrainError> {
        match &self.locked_images {
            Some(locked) => pick(locked, rows),
            None => self.compute_images(rows),
        }
    }

    /// Returns the normalised embeddings of texts: `[rows, D]`.
    pub fn texts(&self, rows: &[usize]) -> Result<Tensor, TrainError> {
        match &self.locked_texts {
            Some(locked) => pick(locked, rows),
            None => self.compute_texts(rows),
        }
    }

    /// Returns the normalised embeddings of many images without gradients. The processes of a group share the work.
    pub fn many_images(&self, rows: &[usize]) -> Result<Tensor, TrainError> {
        self.many(Tower::Vision, rows)
    }

    /// Returns the normalised embeddings of many texts without gradients. The processes of a group share the work.
    pub fn many_texts(&self, rows: &[usize]) -> Result<Tensor, TrainError> {
        self.many(Tower::Text, rows)
    }

    fn many(&self, tower: Tower, rows: &[usize]) -> Result<Tensor, TrainError> {
        let own = self.many_own(tower, &rows[self.share(tower, rows.len())])?;
        self.gathered(tower, &own, rows.len())
    }

    /// Returns the normalised embeddings of many rows without gradients, in chunks, computed by this process alone.
    pub(crate) fn many_own(&self, tower: Tower, rows: &[usize]) -> Result<Tensor, TrainError> {
        self.without_gradients(rows, self.rows_at_once(tower, CHUNK), |chunk| self.tower(tower, chunk))
    }

    /// Returns which of so many rows of a tower this process encodes. The embeddings of a locked tower are known to all.
    pub(crate) fn share(&self, tower: Tower, rows: usize) -> Range<usize> {
        if self.is_known(tower) { 0..rows } else { self.group.share(rows) }
    }

    /// Returns the embeddings of so many rows from those of each process's share, without gradients.
    pub(crate) fn gathered(&self, tower: Tower, own: &Tensor, rows: usize) -> Result<Tensor, TrainError> {
        if self.is_known(tower) { Ok(own.f_detach()?) } else { self.group.gather(own, rows) }
    }

    fn is_known(&self, tower: Tower) -> bool {
        match tower {
            Tower::Vision => self.locked_images.is_some(),
            Tower::Text => self.locked_texts.is_some(),
        }
    }

    /// Returns the embeddings of no rows: `[0, D]`.
    pub(crate) fn nothing(&self) -> Result<Tensor, TrainError> {
        Ok(Tensor::f_zeros([0, self.config.projection_dim as i64], (Kind::Float, self.device))?)
    }

    /// Returns how many rows of a tower stand for so many of its inputs: a text is as many as it has prompts.
    pub(crate) fn rows_at_once(&self, tower: Tower, inputs: usize) -> usize {
        match tower {
            Tower::Vision => inputs,
            Tower::Text => self.texts.rows_at_once(inputs),
        }
    }

    /// Computes the embeddings of many rows without gradients, so many at a time.
    fn without_gradients(
        &self,
        rows: &[usize],
        at_a_time: usize,
        encode: impl Fn(&[usize]) -> Result<Tensor, TrainError>,
    ) -> Result<Tensor, TrainError> {
        if rows.is_empty() {
            return self.nothing();
        }
        let _guard = tch::no_grad_guard();
        let chunks = rows.chunks(at_a_time).map(encode).collect::<Result<Vec<_>, _>>()?;
        Ok(Tensor::f_cat(&chunks, 0)?)
    }

    fn all_images(&self) -> Result<Tensor, TrainError> {
        let all = self.images.len();
        let rows: Vec<usize> = self.group.share(all).collect();
        let own = thread::scope(|scope| {
            let ahead = self.decode_ahead(scope, rows.chunks(CHUNK).map(<[usize]>::to_vec).collect());
            self.without_gradients(&rows, CHUNK, |chunk| {
                ahead.advance()?;
                self.compute_images(chunk)
            })
        })?;
        self.group.gather(&own, all)
    }

    /// Starts to decode the images of a sequence of batches, or none if their embeddings never change.
    pub fn decode_ahead<'b>(
        &self,
        scope: &'b thread::Scope<'b, '_>,
        mut batches: Vec<Vec<usize>>,
    ) -> Ahead<'b>
    where
        'a: 'b,
    {
        if self.locked_images.is_some() {
            batches.clear();
        }
        Ahead::start(scope, self.images, batches)
    }

    fn ops<'b>(&'b self, input: &'b Input) -> TorchOps<'b> {
        TorchOps::new(self.parameters)
            .with_adapters(self.adapters)
            .with_kind(self.kind)
            .with_packing(input.packing.as_ref())
    }

    fn compute_images(&self, rows: &[usize]) -> Result<Tensor, TrainError> {
        let input = self.input(Tower::Vision, rows)?;
        let ops = &mut self.ops(&input);
        let pooled = vision_tower(ops, &self.config.vision, &input.tensor)?;
        ops.normalize(&pooled)
    }

    fn compute_texts(&self, rows: &[usize]) -> Result<Tensor, TrainError> {
        let input = self.input(Tower::Text, rows)?;
        let ops = &mut self.ops(&input);
        let pooled = text_tower(ops, &self.config.text, &input.tensor, None)?;
        let prompts = input.in_order(ops.normalize(&pooled)?)?;
        self.of_prompts(prompts, ops)
    }

    /// Returns the embedding of each text from the normalised embeddings of its prompts: their mean, normalised again
    /// (Radford et al. 2021, section 3.1.4).
    fn of_prompts(&self, prompts: Tensor, ops: &mut TorchOps<'_>) -> Result<Tensor, TrainError> {
        match self.texts.templates() {
            1 => Ok(prompts),
            templates => {
                let size = prompts.size()[1];
                let means = prompts.f_view([-1, templates as i64, size])?.f_mean_dim(
                    [1_i64].as_slice(),
                    false,
                    Kind::Float,
                )?;
                ops.normalize(&means)
            }
        }
    }
}

fn pick(all: &Tensor, rows: &[usize]) -> Result<Tensor, TrainError> {
    let rows: Vec<i64> = rows.iter().map(|&row| row as i64).collect();
    Ok(all.f_index_select(0, &Tensor::from_slice(&rows).f_to_device(all.device())?)?)
}
