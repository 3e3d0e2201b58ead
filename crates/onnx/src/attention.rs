//! Builds multi-head attention.

use cliptune_clip::ops::Mask;

use crate::error::OnnxError;
use crate::flavour::{Flavour, MICROSOFT};
use crate::graph::Op;
use crate::interpreter::Interpreter;
use crate::value::{Length, Matrix, Value, module_of, parent_of};

/// Appends softmax(q·kᵀ/√Dh + mask)·v for flat `[B·Q, D]` queries and `[B·S, D]` keys and values. The result is
/// `[B·Q, D]`.
///
/// The rows leave the flat stream only here.
pub(crate) fn attention(
    ops: &mut Interpreter<'_>,
    qkv: [&Value; 3],
    heads: usize,
    mask: Mask<'_, Value>,
) -> Result<Value, OnnxError> {
    let query = check(qkv, heads)?;
    let (_, stream) = qkv[1].stream("attention")?;
    let bias = ops.attention_bias(qkv[0], stream, mask)?;
    let parts = Parts {
        scope: parent_of(module_of(&query.name)),
        names: qkv.map(Value::name),
        lengths: [query.rows.length(), stream.length.clone()],
        heads,
        width: query.width,
    };
    let mixed = match (ops.flavour, &bias) {
        (Flavour::Fast, None) => ops.fused_attention(&parts),
        _ => ops.plain_attention(&parts, bias.as_deref()),
    };
    Ok(query.mapped(mixed, query.width))
}

/// The operands and lengths that attention is computed from.
struct Parts<'a> {
    scope: &'a str,
    /// The names of the queries, keys and values.
    names: [&'a str; 3],
    /// The length of the queries, then that of the keys and values.
    lengths: [Length; 2],
    heads: usize,
    width: usize,
}

fn check(qkv: [&Value; 3], heads: usize) -> Result<&Matrix, OnnxError> {
    let query = qkv[0].matrix("attention")?;
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
    Ok(query)
}

impl Interpreter<'_> {
    /// Computes attention with ONNX's own operators; `bias`, of shape `[B or 1, 1, Q, S]`, is added to the scores.
    fn plain_attention(&mut self, parts: &Parts<'_>, bias: Option<&str>) -> String {
        let Parts { scope, names: [query, keys, values], lengths: [asking, seen], heads, width } = parts;
        let head_width = width / heads;
        let asking = self.batch_shape(asking, &[*heads, head_width]);
        let seen = self.batch_shape(seen, &[*heads, head_width]);
        // The keys come out transposed, ready for the product.
        let query = self.split_heads(scope, "query", query, &asking, [0, 2, 1, 3]);
        let keys = self.split_heads(scope, "keys", keys, &seen, [0, 2, 3, 1]);
        let values = self.split_heads(scope, "values", values, &seen, [0, 2, 1, 3]);
        let graph = &mut self.graph;
        let products = graph.node(Op::new("MatMul"), scope, "products", &[&query, &keys]);
        let scale = graph.float((head_width as f32).sqrt().recip());
        let scores = graph.node(Op::new("Mul"), scope, "scores", &[&products, &scale]);
        let scores = match bias {
            Some(bias) => graph.node(Op::new("Add"), scope, "masked_scores", &[&scores, bias]),
            None => scores,
        };
        let weights = graph.node(Op::new("Softmax").int("axis", -1), scope, "weights", &[&scores]);
        let mixed = graph.node(Op::new("MatMul"), scope, "mixed_heads", &[&weights, &values]);
        let rows = Op::new("Transpose").ints("perm", &[0, 2, 1, 3]);
        let rows = graph.node(rows, scope, "mixed_rows", &[&mixed]);
        self.flat(scope, "mixed", &rows, *width)
    }

    /// Computes attention with ONNX Runtime's operator, which takes `[B, S, D]` and splits the heads itself.
    fn fused_attention(&mut self, parts: &Parts<'_>) -> String {
        let Parts { scope, names, lengths: [asking, seen], heads, width } = parts;
        let asking = self.batch_shape(asking, &[*width]);
        let seen = self.batch_shape(seen, &[*width]);
        let graph = &mut self.graph;
        let mut batch = |label: &str, x: &str, shape: &str| {
            graph.node(Op::new("Reshape"), scope, &format!("{label}_batch"), &[x, shape])
        };
        let query = batch("query", names[0], &asking);
        let [keys, values] = [batch("keys", names[1], &seen), batch("values", names[2], &seen)];
        let attention = Op::new("MultiHeadAttention").of(MICROSOFT).int("num_heads", *heads as i64);
        let mixed = graph.node(attention, scope, "attention", &[&query, &keys, &values]);
        self.flat(scope, "mixed", &mixed, *width)
    }

    /// Appends the shape `[B, S, rest…]` as a tensor in which B is left open.
    fn batch_shape(&mut self, length: &Length, rest: &[usize]) -> String {
        let rest: Vec<i64> = rest.iter().map(|&size| size as i64).collect();
        let ids = match length {
            Length::Fixed(rows) => return self.graph.ints(&[&[-1, *rows as i64], rest.as_slice()].concat()),
            Length::OfIds(ids) => ids,
        };
        let length = self.text_length(ids);
        self.graph.once(&format!("{ids}/batch_shape{rest:?}"), |graph| {
            let (batch, rest) = (graph.ints(&[-1]), graph.ints(&rest));
            graph.node(Op::new("Concat").int("axis", 0), ids, "batch_shape", &[&batch, &length, &rest])
        })
    }

    /// Splits `[B·S, D]` into heads, `[B, S, H, Dh]`, and puts the axes into the given order.
    fn split_heads(&mut self, scope: &str, label: &str, x: &str, shape: &str, order: [i64; 4]) -> String {
        let split = self.graph.node(Op::new("Reshape"), scope, &format!("{label}_split"), &[x, shape]);
        self.graph.node(Op::new("Transpose").ints("perm", &order), scope, label, &[&split])
    }

    /// Joins the heads again into `[B·S, D]`.
    fn flat(&mut self, scope: &str, label: &str, x: &str, width: usize) -> String {
        let shape = self.graph.ints(&[-1, width as i64]);
        self.graph.node(Op::new("Reshape"), scope, label, &[x, &shape])
    }
}
