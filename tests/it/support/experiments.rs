//! Experiments that take a second.

/// A very small CLIP from random weights.
pub(super) const BASE: &str = "\
name: base
data:
  images: ../contest/images
  metadata: ../contest/contest.parquet
  join: { image: name, metadata: filename }
  columns:
    text: image_description
    group: contest_number
    id: instance_id
    vocabulary: [caption_choices]
  split: { by: component, across: [caption_choices], train: 0.6, validation: 0.2, test: 0.2, seed: 0 }
model:
  from: scratch
  architecture:
    image_size: 32
    patch_size: 16
    vision: { width: 32, layers: 1, heads: 2 }
    text: { width: 32, layers: 1, heads: 2 }
    context_length: 32
    vocab_size: 600
    projection_dim: 32
train:
  objective: contrastive
  epochs: 2
  batch_size: 32
  optimizer: { name: adamw, lr: 1e-3 }
  schedule: { warmup_steps: 2, decay: cosine }
seeds: [0]
";

/// That CLIP, tuned to pick captions, once for each of two seeds.
pub(super) const TUNED: &str = "\
name: tuned
data:
  images: ../contest/images
  metadata: ../contest/contest.parquet
  join: { image: name, metadata: filename }
  columns: { choices: caption_choices, label: label, group: contest_number, id: instance_id }
  split: { by: component, across: [caption_choices], train: 0.6, validation: 0.2, test: 0.2, seed: 0 }
model:
  from: run:base
train:
  objective: choice
  epochs: 1
  batch_size: 32
  optimizer: { name: adamw, lr: 1e-4 }
seeds: [0, 1]
";
