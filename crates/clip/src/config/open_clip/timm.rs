//! Lists the vision towers of timm that open_clip's SigLIPs use.
//!
//! open_clip gives only the name of such a tower: its sizes and activation are implied by timm's name. These are the
//! `vit_*_siglip_*` models of timm 1.0.31 that have attention pooling.

use super::super::{Activation, TransformerConfig, VisionConfig, VisionPooling};

/// A vision tower of timm.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tower {
    pub(super) name: &'static str,
    size: Size,
    patch_size: usize,
    pub(super) image_size: usize,
    activation: Activation,
}

#[derive(Clone, Copy, Debug)]
struct Size {
    width: usize,
    layers: usize,
    heads: usize,
    mlp_width: usize,
}

const BASE: Size = Size { width: 768, layers: 12, heads: 12, mlp_width: 3072 };
const LARGE: Size = Size { width: 1024, layers: 24, heads: 16, mlp_width: 4096 };
const SO400M: Size = Size { width: 1152, layers: 27, heads: 16, mlp_width: 4304 };
const GIANT: Size = Size { width: 1536, layers: 40, heads: 16, mlp_width: 6144 };

/// The epsilon of the layer norms in all of timm's vision transformers.
const LAYER_NORM_EPS: f64 = 1e-6;

const fn tower(
    name: &'static str,
    size: Size,
    patch_size: usize,
    image_size: usize,
    activation: Activation,
) -> Tower {
    Tower { name, size, patch_size, image_size, activation }
}

const TOWERS: [Tower; 16] = [
    tower("vit_base_patch32_siglip_256", BASE, 32, 256, Activation::GeluTanh),
    tower("vit_base_patch16_siglip_224", BASE, 16, 224, Activation::Gelu),
    tower("vit_base_patch16_siglip_256", BASE, 16, 256, Activation::Gelu),
    tower("vit_base_patch16_siglip_384", BASE, 16, 384, Activation::Gelu),
    tower("vit_base_patch16_siglip_512", BASE, 16, 512, Activation::Gelu),
    tower("vit_large_patch16_siglip_256", LARGE, 16, 256, Activation::Gelu),
    tower("vit_large_patch16_siglip_384", LARGE, 16, 384, Activation::Gelu),
    tower("vit_large_patch16_siglip_512", LARGE, 16, 512, Activation::GeluTanh),
    tower("vit_so400m_patch14_siglip_224", SO400M, 14, 224, Activation::Gelu),
    tower("vit_so400m_patch14_siglip_378", SO400M, 14, 378, Activation::Gelu),
    tower("vit_so400m_patch14_siglip_384", SO400M, 14, 384, Activation::Gelu),
    tower("vit_so400m_patch16_siglip_256", SO400M, 16, 256, Activation::GeluTanh),
    tower("vit_so400m_patch16_siglip_384", SO400M, 16, 384, Activation::GeluTanh),
    tower("vit_so400m_patch16_siglip_512", SO400M, 16, 512, Activation::GeluTanh),
    tower("vit_giantopt_patch16_siglip_256", GIANT, 16, 256, Activation::GeluTanh),
    tower("vit_giantopt_patch16_siglip_384", GIANT, 16, 384, Activation::GeluTanh),
];

impl Tower {
    /// Finds the tower with this name, which may end in the tag of the weights.
    pub(super) fn named(name: &str) -> Result<Self, String> {
        let base = name.split_once('.').map_or(name, |(base, _)| base);
        TOWERS.into_iter().find(|tower| tower.name == base).ok_or_else(|| {
            format!("timm_model_name {name:?}: no SigLIP with attention pooling that is known is called so")
        })
    }

    /// Finds the tower with these sizes and this activation.
    pub(super) fn of(vision: &VisionConfig) -> Result<Self, String> {
        let alike: Vec<Self> = TOWERS.into_iter().filter(|tower| tower.has_sizes_of(vision)).collect();
        if let Some(tower) = alike.iter().find(|tower| tower.config() == *vision) {
            return Ok(*tower);
        }
        let of = &vision.transformer;
        match alike.first() {
            Some(tower) => Err(format!(
                "its SigLIP of these sizes, {}, computes {} with layer_norm_eps {LAYER_NORM_EPS:e} where this model \
                 has {} with {:e}, so that every embedding would be a little off",
                tower.name,
                tower.activation.as_str(),
                of.activation.as_str(),
                of.layer_norm_eps,
            )),
            None => Err(format!(
                "none of its SigLIPs takes images of {} in patches of {} and has {} blocks of width {} with {} heads \
                 and an MLP of {}",
                vision.image_size, vision.patch_size, of.layers, of.width, of.heads, of.mlp_width,
            )),
        }
    }

    fn has_sizes_of(&self, vision: &VisionConfig) -> bool {
        let TransformerConfig { activation, layer_norm_eps, .. } = vision.transformer;
        let mut own = self.config();
        (own.transformer.activation, own.transformer.layer_norm_eps) = (activation, layer_norm_eps);
        own == *vision
    }

    /// Returns the sizes of the tower.
    pub(super) fn config(&self) -> VisionConfig {
        let Size { width, layers, heads, mlp_width } = self.size;
        VisionConfig {
            image_size: self.image_size,
            patch_size: self.patch_size,
            pooling: VisionPooling::AttentionHead,
            transformer: TransformerConfig {
                width,
                layers,
                heads,
                mlp_width,
                activation: self.activation,
                layer_norm_eps: LAYER_NORM_EPS,
            },
        }
    }
}
