//! Multi-head attention and its masks.

use cliptune_clip::ops::Mask;

use crate::error::OnnxError;
use crate::graph::Op;
use crate::interpreter::Interpreter;
use crate::value::{Length, Matrix, Stream, Value, module_of, parent_of};

/// What is added to the score of a key that may not be looked at.
///
/// Not −∞: with padding before a text, the rows of the padding may look at nothing, and a softmax over −∞ alone is
/// NaN, which then spreads to every row of that text (0·NaN is NaN). With a finite value those rows become an
/// average that nobody reads. e^−30000 is 0 in f32 and f16, and the sum of the causal and the padding mask,
/// −60000, is still finite in f16.
const MASKED: f32 = -30_000.0;

/// softmax(q·kᵀ/√Dh + mask)·v for flat `[B·Q, D]` queries and `[B·S, D]` keys and values: `[B·Q, D]`.
///
/// The rows leave the flat stream for `[B, H, S, Dh]` here and nowhere else.
pub(crate) fn attention(
    ops: &mut Interpreter<'_>,
    qkv: [&Value; 3],
    heads: usize,
    mask: Mask<'_, Value>,
) -> Result<Value, OnnxError> {
    let (query, stream) = qkv[0].stream("attention")?;
    check(qkv, query, heads)?;
    let scope = parent_of(module_of(&query.name));
    let (_, seen) = qkv[1].stream("attention")?;
    let [shape, seen_shape] =
        [stream, seen].map(|stream| ops.heads_shape(&stream.length, heads, query.width / heads));
    // Keys come out transposed, ready for the product.
    let query_heads = ops.split_heads(scope, "query", qkv[0].name(), &shape, [0, 2, 1, 3]);
    let keys = ops.split_heads(scope, "keys", qkv[1].name(), &seen_shape, [0, 2, 3, 1]);
    let values = ops.split_heads(scope, "values", qkv[2].name(), &seen_shape, [0, 2, 1, 3]);
    let scores = ops.scores(scope, [&query_heads, &keys], query.width / heads);
    let scores = match mask {
        Mask::None => scores,
        Mask::Causal { keys } => {
            let bias = ops.causal_bias(qkv[0], stream, keys)?;
            ops.graph.node(Op::new("Add"), scope, "masked_scores", &[&scores, &bias])
        }
    };
    let name = ops.mix(scope, &scores, &values, query.width);
    Ok(query.mapped(name, query.width))
}

fn check(qkv: [&Value; 3], query: &Matrix, heads: usize) -> Result<(), OnnxError> {
    let (keys, _) = qkv[1].stream("attention")?;
    let (values, _) = qkv[2].stream("attention")?;
    if values.rows != keys.rows {
        return Err(qkv[2].misused("attention", format!("the rows of {}", keys.name)));
    }
    for (value, matrix) in [(qkv[1], keys), (qkv[2], values)] {
        if matrix.width != query.width {
            return Err(value.misused("attention", format!("the width of {}", query.name)));
        }
    }
    if heads == 0 || !query.width.is_multiple_of(heads) {
        return Err(qkv[0].misused("attention", format!("a width that {heads} heads divide")));
    }
    Ok(())
}

impl Interpreter<'_> {
    /// The shape `[B, S, H, Dh]` as a tensor, B left open.
    fn heads_shape(&mut self, length: &Length, heads: usize, width: usize) -> String {
        let split = [heads as i64, width as i64];
        let ids = match length {
            Length::Fixed(rows) => return self.graph.ints(&[-1, *rows as i64, split[0], split[1]]),
            Length::OfIds(ids) => ids,
        };
        let length = self.text_length(ids);
        self.graph.once(&format!("{ids}/heads_shape{split:?}"), |graph| {
            let (batch, split) = (graph.ints(&[-1]), graph.ints(&split));
            graph.node(Op::new("Concat").int("axis", 0), ids, "heads_shape", &[&batch, &length, &split])
        })
    }

    /// `[B·S, D]` → `[B, S, H, Dh]` → the axes in this order.
    fn split_heads(&mut self, scope: &str, label: &str, x: &str, shape: &str, order: [i64; 4]) -> String {
        let split = self.graph.node(Op::new("Reshape"), scope, &format!("{label}_split"), &[x, shape]);
        self.graph.node(Op::new("Transpose").ints("perm", &order), scope, label, &[&split])
    }

    /// `[B, H, S, Dh]` queries and `[B, H, Dh, S]` keys → scaled scores `[B, H, S, S]`.
    fn scores(&mut self, scope: &str, [query, keys]: [&str; 2], head_width: usize) -> String {
        let products = self.graph.node(Op::new("MatMul"), scope, "products", &[query, keys]);
        let scale = self.graph.float((head_width as f32).sqrt().recip());
        self.graph.node(Op::new("Mul"), scope, "scores", &[&products, &scale])
    }

    /// Scores and `[B, H, S, Dh]` values → `[B·S, D]`.
    fn mix(&mut self, scope: &str, scores: &str, values: &str, width: usize) -> String {
        let graph = &mut self.graph;
        let weights = graph.node(Op::new("Softmax").int("axis", -1), scope, "weights", &[scores]);
        let mixed = graph.node(Op::new("MatMul"), scope, "mixed_heads", &[&weights, values]);
        let rows = Op::new("Transpose").ints("perm", &[0, 2, 1, 3]);
        let rows = graph.node(rows, scope, "mixed_rows", &[&mixed]);
        let shape = graph.ints(&[-1, width as i64]);
        graph.node(Op::new("Reshape"), scope, "mixed", &[&rows, &shape])
    }

    /// What is added to the scores of a text: `[S, S]`, or `[B, 1, S, S]` with an attention mask. Made once.
    fn causal_bias(
        &mut self,
        query: &Value,
        stream: &Stream,
        keys: Option<&Value>,
    ) -> Result<String, OnnxError> {
        let Length::OfIds(ids) = &stream.length else {
            return Err(query.misused("a causal mask", "hidden states of texts"));
        };
        let causal = self.causal_mask(ids, stream.at_most);
        let Some(keys) = keys else { return Ok(causal) };
        let mask = keys.key_mask("attention")?;
        let padding = self.padding_mask(mask);
        Ok(self.graph.once(&format!("{mask}/with_causal"), |graph| {
            graph.node(Op::new("Add"), mask, "with_causal", &[&padding, &causal])
        }))
    }

    /// 0 where a row may look, [`MASKED`] where the key comes later: `[S, S]`, cut from a constant.
    fn causal_mask(&mut self, ids: &str, positions: usize) -> String {
        let length = self.text_length(ids);
        self.graph.once(&format!("{ids}/causal_mask"), |graph| {
            let cells = (0..positions * positions)
                .map(|cell| if cell % positions > cell / positions { MASKED } else { 0.0 });
            let full = graph.floats("constant/causal_mask", &[positions, positions], cells);
            let (start, axes) = (graph.ints(&[0, 0]), graph.ints(&[0, 1]));
            let end = graph.node(Op::new("Concat").int("axis", 0), ids, "square", &[&length, &length]);
            graph.node(Op::new("Slice"), ids, "causal_mask", &[&full, &start, &end, &axes])
        })
    }

    /// 0 for the keys whose mask is not 0, [`MASKED`] for the others: `[B, 1, 1, S]`.
    fn padding_mask(&mut self, mask: &str) -> String {
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
