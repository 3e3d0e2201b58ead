//! An interpreter that turns the towers of `cliptune_clip` into ONNX nodes.
//!
//! Most nodes are the same in both flavours. Their names follow the modules:
//! `text_model.encoder.layers.0.mlp.fc1/linear`.

use cliptune_clip::config::{Activation, TextPooling};
use cliptune_clip::names;
use cliptune_clip::ops::{Bias, Mask, Ops, PackedPart, Temperature};

use crate::activation;
use crate::error::OnnxError;
use crate::flavour::Flavour;
use crate::graph::{GraphBuilder, Op};
use crate::proto::DataType;
use crate::value::{Length, Matrix, Rows, Sequence, Source, Stream, Value, module_of, parent_of};
use crate::weights::WeightFile;

/// Builds a graph while the towers run over it.
pub(crate) struct Interpreter<'a> {
    pub(crate) graph: GraphBuilder,
    pub(crate) flavour: Flavour,
    weights: &'a WeightFile,
}

impl<'a> Interpreter<'a> {
    pub(crate) fn new(weights: &'a WeightFile, flavour: Flavour) -> Self {
        Self { graph: GraphBuilder::default(), flavour, weights }
    }

    /// Brings a weight into the graph and returns its name and its shape, which must have N axes.
    fn weight<const N: usize>(&mut self, name: &str) -> Result<(String, [usize; N]), OnnxError> {
        let shape = self.weights.shape(name)?;
        let sizes = <[usize; N]>::try_from(shape).map_err(|_| OnnxError::Operand {
            operation: "a weight",
            expected: format!("{N} axes"),
            found: format!("{name} with shape {shape:?}"),
        })?;
        Ok((self.graph.weight(name, shape), sizes))
    }

    /// Brings a weight that is a single number into the graph. Its shape may be `[]` or `[1]`.
    fn number(&mut self, name: &str) -> Result<String, OnnxError> {
        let shape = self.weights.shape(name)?;
        Ok(self.graph.weight(name, shape))
    }

    fn bias_of(&mut self, module: &str, bias: Bias) -> Result<Option<String>, OnnxError> {
        match bias {
            Bias::With => Ok(Some(self.weight::<1>(&names::bias(module))?.0)),
            Bias::Without => Ok(None),
        }
    }

    /// Returns the length of the texts `ids` as a tensor `[1]`, which is computed once.
    pub(crate) fn text_length(&mut self, ids: &str) -> String {
        self.graph.once(&format!("{ids}/length"), |graph| {
            graph.node(Op::new("Shape").int("start", 1).int("end", 2), ids, "length", &[ids])
        })
    }

    /// Returns a length as a tensor `[1]`.
    fn length(&mut self, length: &Length) -> String {
        match length {
            Length::Fixed(rows) => self.graph.ints(&[*rows as i64]),
            Length::OfIds(ids) => self.text_length(ids),
        }
    }

    /// Returns the rows of a position table for texts as long as `ids`.
    fn text_positions(&mut self, module: &str, table: &str, ids: &str) -> String {
        let end = self.text_length(ids);
        let zero = self.graph.ints(&[0]);
        self.graph.node(Op::new("Slice"), module, "rows", &[table, &zero, &end, &zero])
    }

    /// Returns the length of the texts `ids` as a scalar.
    pub(crate) fn text_length_scalar(&mut self, ids: &str) -> String {
        let length = self.text_length(ids);
        self.graph.once(&format!("{ids}/length_scalar"), |graph| {
            let axis = graph.ints(&[0]);
            graph.node(Op::new("Squeeze"), ids, "length_scalar", &[&length, &axis])
        })
    }

    /// Returns the position that is pooled in each text: `[B]`, or `[1]` if it is the same in all texts. It is computed
    /// once.
    ///
    /// The ids are compared as 32-bit integers because ONNX Runtime has no 64-bit `ArgMax`.
    pub(crate) fn pooled_positions(&mut self, ids: &str, pooling: TextPooling) -> String {
        let length = self.text_length(ids);
        self.graph.once(&format!("{ids}/{}", pooling.name()), |graph| {
            let to_int32 = || Op::new("Cast").int("to", i64::from(DataType::Int32 as i32));
            let candidates = match pooling {
                TextPooling::Last => {
                    let one = graph.ints(&[1]);
                    return graph.node(Op::new("Sub"), ids, "last_position", &[&length, &one]);
                }
                TextPooling::HighestId => graph.node(to_int32(), ids, "int32", &[ids]),
                TextPooling::First(id) => {
                    let end = graph.int(id);
                    let equal = graph.node(Op::new("Equal"), ids, "is_end", &[ids, &end]);
                    graph.node(to_int32(), ids, "is_end_int32", &[&equal])
                }
            };
            let first_highest =
                Op::new("ArgMax").int("axis", 1).int("keepdims", 0).int("select_last_index", 0);
            graph.node(first_highest, ids, "end_position", &[&candidates])
        })
    }

    /// Returns the row of the flat stream that is pooled for each text: `[B]`. The texts start at rows 0, S, 2S …. It
    /// is computed once.
    fn pooled_rows(&mut self, ids: &str, pooling: TextPooling) -> String {
        let positions = self.pooled_positions(ids, pooling);
        let step = self.text_length_scalar(ids);
        self.graph.once(&format!("{ids}/row/{}", pooling.name()), |graph| {
            let end = graph.node(Op::new("Size"), ids, "size", &[ids]);
            let start = graph.int(0);
            let starts = graph.node(Op::new("Range"), ids, "starts", &[&start, &end, &step]);
            graph.node(Op::new("Add"), ids, "end_row", &[&starts, &positions])
        })
    }
}

fn borrowed(operands: &[String]) -> Vec<&str> {
    operands.iter().map(String::as_str).collect()
}

/// Returns the error for a module that was built for another width.
fn wrong_width(operation: &'static str, module: &str, width: usize, x: &Matrix) -> OnnxError {
    OnnxError::Operand {
        operation,
        expected: format!("width {width} for {module}"),
        found: format!("width {} ({})", x.width, x.name),
    }
}

impl Ops for Interpreter<'_> {
    type Value = Value;
    type Error = OnnxError;

    fn embedding(&mut self, ids: &Value, module: &str) -> Result<Value, OnnxError> {
        let ids = ids.ids("embedding")?;
        let (table, [_, width]) = self.weight(&names::weight(module))?;
        let name = self.graph.node(Op::new("Gather").int("axis", 0), module, "embedding", &[&table, ids]);
        Ok(Value::Sequence(Sequence { name, width, source: Source::Ids(ids.to_owned()) }))
    }

    fn patches(
        &mut self,
        pixels: &Value,
        module: &str,
        patch_size: usize,
        bias: Bias,
    ) -> Result<Value, OnnxError> {
        let pixels = pixels.pixels("patches")?;
        let (kernel, [width, _, height, _]) = self.weight(&names::weight(module))?;
        if height != patch_size {
            return Err(OnnxError::Operand {
                operation: "patches",
                expected: format!("a kernel of {patch_size} pixels"),
                found: format!("{height} pixels ({module})"),
            });
        }
        let side = patch_size as i64;
        let convolution = Op::new("Conv").ints("kernel_shape", &[side, side]).ints("strides", &[side, side]);
        let mut operands = vec![pixels.to_owned(), kernel];
        operands.extend(self.bias_of(module, bias)?);
        let grid = self.graph.node(convolution, module, "convolution", &borrowed(&operands));
        // [B, D, rows, columns] → [B, D, patches] → [B, patches, D]. Batch and width are copied, so an image of another
        // size fails where the positions are added and never changes the batch.
        let shape = self.graph.ints(&[0, 0, -1]);
        let columns = self.graph.node(Op::new("Reshape"), module, "columns", &[&grid, &shape]);
        let name =
            self.graph.node(Op::new("Transpose").ints("perm", &[0, 2, 1]), module, "patches", &[&columns]);
        Ok(Value::Sequence(Sequence { name, width, source: Source::Image }))
    }

    fn prepend_row(&mut self, x: &Value, name: &str) -> Result<Value, OnnxError> {
        let sequence = x.sequence("prepend_row")?;
        if let Source::Ids(_) = sequence.source {
            return Err(x.misused("prepend_row", "patches"));
        }
        let (row, [width]) = self.weight(name)?;
        if width != sequence.width {
            return Err(x.misused("prepend_row", format!("width {width}")));
        }
        let graph = &mut self.graph;
        let batch = Op::new("Shape").int("start", 0).int("end", 1);
        let batch = graph.node(batch, name, "batch", &[&sequence.name]);
        let one_row = graph.ints(&[1, width as i64]);
        let shape = graph.node(Op::new("Concat").int("axis", 0), name, "shape", &[&batch, &one_row]);
        let rows = graph.node(Op::new("Expand"), name, "rows", &[&row, &shape]);
        let joined =
            graph.node(Op::new("Concat").int("axis", 1), name, "with_patches", &[&rows, &sequence.name]);
        Ok(Value::Sequence(Sequence { name: joined, ..sequence.clone() }))
    }

    fn add_positions(&mut self, x: &Value, module: &str) -> Result<Value, OnnxError> {
        let sequence = x.sequence("add_positions")?;
        let (table, [positions, width]) = self.weight(&names::weight(module))?;
        if width != sequence.width {
            return Err(x.misused("add_positions", format!("width {width}")));
        }
        let (rows, length) = match &sequence.source {
            Source::Ids(ids) => (self.text_positions(module, &table, ids), Length::OfIds(ids.clone())),
            Source::Image => (table, Length::Fixed(positions)),
        };
        let graph = &mut self.graph;
        let added = graph.node(Op::new("Add"), module, "added", &[&sequence.name, &rows]);
        let shape = graph.ints(&[-1, width as i64]);
        let name = graph.node(Op::new("Reshape"), module, "flat", &[&added, &shape]);
        let rows = Rows::Flat(Stream { length, at_most: positions });
        Ok(Value::Matrix(Matrix { name, width, rows }))
    }

    fn layer_norm(&mut self, x: &Value, module: &str, eps: f64) -> Result<Value, OnnxError> {
        let x = x.matrix("layer_norm")?;
        let (gain, [width]) = self.weight(&names::weight(module))?;
        let (bias, [_]) = self.weight(&names::bias(module))?;
        if width != x.width {
            return Err(wrong_width("layer_norm", module, width, x));
        }
        let op = Op::new("LayerNormalization").int("axis", -1).float("epsilon", eps as f32);
        Ok(x.mapped(self.graph.node(op, module, "norm", &[&x.name, &gain, &bias]), width))
    }

    fn linear(&mut self, x: &Value, module: &str, bias: Bias) -> Result<Value, OnnxError> {
        let x = x.matrix("linear")?;
        let (matrix, [outputs, inputs]) = self.weight(&names::weight(module))?;
        if inputs != x.width {
            return Err(wrong_width("linear", module, inputs, x));
        }
        let mut operands = vec![x.name.clone(), matrix];
        operands.extend(self.bias_of(module, bias)?);
        let product = Op::new("Gemm").int("transB", 1);
        Ok(x.mapped(self.graph.node(product, module, "linear", &borrowed(&operands)), outputs))
    }

    fn packed_linear(&mut self, x: &Value, module: &str, part: PackedPart) -> Result<Value, OnnxError> {
        let x = x.matrix("packed_linear")?;
        let (matrix, [rows, inputs]) = self.weight(&names::packed_weight(module))?;
        let (bias, [_]) = self.weight(&names::packed_bias(module))?;
        if inputs != x.width {
            return Err(wrong_width("packed_linear", module, inputs, x));
        }
        let (width, start) = (rows / 3, part.index() * (rows / 3));
        // The parts are cut from constants, so a runtime cuts them once, when it loads the model.
        let mut cut = |packed: &str, label: &str| {
            let graph = &mut self.graph;
            let (from, to) = (graph.ints(&[start as i64]), graph.ints(&[(start + width) as i64]));
            let axis = graph.ints(&[0]);
            graph.node(Op::new("Slice"), module, label, &[packed, &from, &to, &axis])
        };
        let (label, matrix_label, bias_label) = match part {
            PackedPart::Query => ("query", "query_weight", "query_bias"),
            PackedPart::Key => ("key", "key_weight", "key_bias"),
            PackedPart::Value => ("value", "value_weight", "value_bias"),
        };
        let (matrix, bias) = (cut(&matrix, matrix_label), cut(&bias, bias_label));
        let product = Op::new("Gemm").int("transB", 1);
        Ok(x.mapped(self.graph.node(product, module, label, &[&x.name, &matrix, &bias]), width))
    }

    fn learned_query(&mut self, x: &Value, name: &str) -> Result<Value, OnnxError> {
        let (x, stream) = x.stream("learned_query")?;
        let (query, [_, _, width]) = self.weight(name)?;
        // The query is repeated for each sequence in the flat stream.
        let length = self.length(&stream.length);
        let graph = &mut self.graph;
        let rows = graph.node(Op::new("Shape").int("start", 0).int("end", 1), name, "rows", &[&x.name]);
        let batch = graph.node(Op::new("Div"), name, "batch", &[&rows, &length]);
        let (flat, width_axis) = (graph.ints(&[1, width as i64]), graph.ints(&[width as i64]));
        let shape = graph.node(Op::new("Concat").int("axis", 0), name, "shape", &[&batch, &width_axis]);
        let row = graph.node(Op::new("Reshape"), name, "row", &[&query, &flat]);
        let name = graph.node(Op::new("Expand"), name, "queries", &[&row, &shape]);
        Ok(Value::Matrix(Matrix { name, width, rows: Rows::Pooled }))
    }

    fn attention(
        &mut self,
        qkv: [&Value; 3],
        heads: usize,
        mask: Mask<'_, Value>,
    ) -> Result<Value, OnnxError> {
        crate::attention::attention(self, qkv, heads, mask)
    }

    fn activation(&mut self, x: &Value, kind: Activation) -> Result<Value, OnnxError> {
        let x = x.matrix("activation")?;
        let scope = parent_of(module_of(&x.name)).to_owned();
        let name = activation::activation(&mut self.graph, kind, &scope, &x.name);
        Ok(x.mapped(name, x.width))
    }

    fn add(&mut self, a: &Value, b: &Value) -> Result<Value, OnnxError> {
        let (left, right) = (a.matrix("add")?, b.matrix("add")?);
        if (left.width, &left.rows) != (right.width, &right.rows) {
            return Err(b.misused("add", format!("the rows and width of {}", left.name)));
        }
        let scope = parent_of(module_of(&right.name)).to_owned();
        let name = self.graph.node(Op::new("Add"), &scope, "residual", &[&left.name, &right.name]);
        Ok(left.mapped(name, left.width))
    }

    fn first_row(&mut self, x: &Value) -> Result<Value, OnnxError> {
        let (x, stream) = x.stream("first_row")?;
        // The first rows are rows 0, S, 2S … of the flat stream.
        let step = self.length(&stream.length);
        let graph = &mut self.graph;
        let (zero, end) = (graph.ints(&[0]), graph.ints(&[i64::MAX]));
        let operands = [x.name.as_str(), &zero, &end, &zero, &step];
        let name = graph.node(Op::new("Slice"), module_of(&x.name), "first_row", &operands);
        Ok(Value::Matrix(Matrix { name, width: x.width, rows: Rows::Pooled }))
    }

    fn pooled_row(&mut self, x: &Value, ids: &Value, pooling: TextPooling) -> Result<Value, OnnxError> {
        let (rows, stream) = x.stream("pooled_row")?;
        let ids = ids.ids("pooled_row")?;
        if stream.length != Length::OfIds(ids.to_owned()) {
            return Err(x.misused("pooled_row", format!("rows made from {ids}")));
        }
        let row = self.pooled_rows(ids, pooling);
        let gather = Op::new("Gather").int("axis", 0);
        let name = self.graph.node(gather, module_of(&rows.name), "end_row", &[&rows.name, &row]);
        Ok(Value::Matrix(Matrix { name, width: rows.width, rows: Rows::Pooled }))
    }

    fn normalize(&mut self, x: &Value) -> Result<Value, OnnxError> {
        let x = x.pooled("normalize")?;
        let scope = module_of(&x.name).to_owned();
        let length = Op::new("ReduceL2").ints("axes", &[-1]).int("keepdims", 1);
        let length = self.graph.node(length, &scope, "length", &[&x.name]);
        Ok(x.mapped(self.graph.node(Op::new("Div"), &scope, "normalized", &[&x.name, &length]), x.width))
    }

    fn scaled_similarity(
        &mut self,
        a: &Value,
        b: &Value,
        temperature: Temperature<'_>,
    ) -> Result<Value, OnnxError> {
        let (left, right) = (a.pooled("scaled_similarity")?, b.pooled("scaled_similarity")?);
        if left.width != right.width {
            return Err(b.misused("scaled_similarity", format!("width {}", left.width)));
        }
        let logit_scale = temperature.logit_scale;
        let logarithm = self.number(logit_scale)?;
        let bias = temperature.logit_bias.map(|bias| self.number(bias)).transpose()?;
        let graph = &mut self.graph;
        let scale = graph.once(&format!("{logit_scale}/exp"), |graph| {
            graph.node(Op::new("Exp"), logit_scale, "exp", &[&logarithm])
        });
        let scope = module_of(&left.name);
        let product = Op::new("Gemm").int("transB", 1);
        let cosine = graph.node(product, scope, "cosine", &[&left.name, &right.name]);
        let logits = graph.node(Op::new("Mul"), scope, "logits", &[&cosine, &scale]);
        Ok(Value::Similarity(match bias {
            Some(bias) => graph.node(Op::new("Add"), scope, "biased_logits", &[&logits, &bias]),
            None => logits,
        }))
    }
}
