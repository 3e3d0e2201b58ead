//! Describes preprocessing in one line, for files that are used without their model folder.

use serde::Serialize;

use super::fit::Fit;
use super::preprocessor::Preprocessor;

/// The contents of [`Preprocessor::describe`], in this order.
#[derive(Serialize)]
struct Description {
    size: u32,
    fit: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    fill: Option<u8>,
    interpolation: &'static str,
    mean: [f32; 3],
    std: [f32; 3],
    pipeline: &'static str,
}

impl Preprocessor {
    /// Describes everything that is done to an image, as JSON: `size`, `fit` (with its `fill` if it pads),
    /// `interpolation`, `mean` and `std` of values between 0 and 1, and the `pipeline` that is followed.
    ///
    /// Equal preprocessing has equal descriptions. Numbers are the shortest that read back as the same f32, so that
    /// OpenAI's 0.48145466 becomes 0.48145467 here.
    ///
    /// # Errors
    /// No error is known to occur: numbers and words can always be serialised.
    pub fn describe(&self) -> serde_json::Result<String> {
        serde_json::to_string(&Description {
            size: self.size,
            fit: self.fit.as_str(),
            fill: (self.fit == Fit::Pad).then_some(self.fill),
            interpolation: self.resample.as_str(),
            mean: self.mean,
            std: self.std,
            pipeline: self.pipeline.as_str(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_that_decides_is_said_and_nothing_else() {
        let described = |fit| Preprocessor::openai(96, fit).describe().unwrap();
        assert_eq!(
            described(Fit::Crop),
            r#"{"size":96,"fit":"crop","interpolation":"bicubic","mean":[0.48145467,0.4578275,0.40821072],"#
                .to_owned()
                + r#""std":[0.26862955,0.2613026,0.2757771],"pipeline":"transformers"}"#
        );
        assert!(described(Fit::Pad).starts_with(r#"{"size":96,"fit":"pad","fill":255,"interpolation""#));
    }
}
