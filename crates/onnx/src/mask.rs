//! Builds the masks that are added to attention scores to hide keys. Each mask is built once.

use cliptune_clip::config::TextPooling;
use cliptune_clip::ops::Mask;

use crate::error::OnnxError;
use crate::graph::Op;
use crate::interpreter::Interpreter;
use crate::value::{Length, Stream, Value};

/// The value that is added to the score of a key that must not be looked at.
///
/// It is not −∞ because, with padding before a text, the rows of the padding may look at nothing. A softmax over −∞
/// alone is NaN, which then spreads to every row of that text (0·NaN is NaN). With a finite value those rows become an
/// average that nobody reads. e^−30000 is 0 in f32 and f16, and the sum of the causal and the padding mask, −60000, is
/// still finite in f16.
const MASKED: f32 = -30_000.0;

impl Interpreter<'_> {
    /// Returns what is added to the scores, `[B or 1, 1, Q, S]`, or nothing if there is no mask.
    pub(crate) fn attention_bias(
        &mut self,
        query: &Value,
        seen: &Stream,
        mask: Mask<'_, Value>,
    ) -> Result<Option<String>, OnnxError> {
        let (of_rows, keys) = match mask {
            Mask::None => return Ok(None),
            Mask::Causal { keys } => {
                let (_, stream) = query.stream("a causal mask")?;
                let Length::OfIds(ids) = &stream.length else {
                    return Err(query.misused("a causal mask", "hidden states of texts"));
                };
                (self.causal_bias(ids, seen.at_most), keys)
            }
            Mask::UpToPooled { ids, pooling, keys } => {
                query.pooled("the mask of a pooled row")?;
                (self.pooled_bias(ids.ids("the mask of a pooled row")?, pooling), keys)
            }
        };
        let Some(keys) = keys else { return Ok(Some(of_rows)) };
        let keys = keys.key_mask("attention")?;
        let padding = self.padding_bias(keys);
        Ok(Some(self.graph.once(&format!("{keys}+{of_rows}"), |graph| {
            graph.node(Op::new("Add"), keys, "with_padding", &[&padding, &of_rows])
        })))
    }

    /// Returns 0 where a row may look and [`MASKED`] where the key comes later: `[1, 1, S, S]`, cut from a constant.
    fn causal_bias(&mut self, ids: &str, positions: usize) -> String {
        let length = self.text_length(ids);
        self.graph.once(&format!("{ids}/causal_bias"), |graph| {
            let cells = (0..positions * positions)
                .map(|cell| if cell % positions > cell / positions { MASKED } else { 0.0 });
            let full = graph.floats("constant/causal_bias", &[1, 1, positions, positions], cells);
            let (start, axes) = (graph.ints(&[0, 0]), graph.ints(&[2, 3]));
            let end = graph.node(Op::new("Concat").int("axis", 0), ids, "square", &[&length, &length]);
            graph.node(Op::new("Slice"), ids, "causal_bias", &[&full, &start, &end, &axes])
        })
    }

    /// Returns 0 up to the pooled row of each text and [`MASKED`] behind it: `[B, 1, 1, S]`.
    fn pooled_bias(&mut self, ids: &str, pooling: TextPooling) -> String {
        let (length, positions) = (self.text_length_scalar(ids), self.pooled_positions(ids, pooling));
        self.graph.once(&format!("{ids}/pooled_bias"), |graph| {
            let (start, step) = (graph.int(0), graph.int(1));
            let keys = graph.node(Op::new("Range"), ids, "positions", &[&start, &length, &step]);
            let axes = graph.ints(&[1, 2, 3]);
            let row = graph.node(Op::new("Unsqueeze"), ids, "end_column", &[&positions, &axes]);
            let later = graph.node(Op::new("Greater"), ids, "is_later", &[&keys, &row]);
            let (masked, seen) = (graph.float(MASKED), graph.float(0.0));
            graph.node(Op::new("Where"), ids, "pooled_bias", &[&later, &masked, &seen])
        })
    }

    /// Returns 0 for the keys whose mask is not 0 and [`MASKED`] for the others: `[B, 1, 1, S]`.
    fn padding_bias(&mut self, mask: &str) -> String {
        self.graph.once(&format!("{mask}/bias"), |graph| {
            let zero = graph.int(0);
            let hidden = graph.node(Op::new("Equal"), mask, "hidden", &[mask, &zero]);
            let (masked, seen) = (graph.float(MASKED), graph.float(0.0));
            let bias = graph.node(Op::new("Where"), mask, "key_bias", &[&hidden, &masked, &seen]);
            let axes = graph.ints(&[1, 2]);
            graph.node(Op::new("Unsqueeze"), mask, "bias", &[&bias, &axes])
        })
    }
}
