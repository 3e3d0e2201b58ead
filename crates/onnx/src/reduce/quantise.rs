//! Turns linear layers into products of 8-bit integers, and stores the token table as 8-bit integers.
//!
//! `Gemm(x, weight, bias)` becomes this pattern, which ONNX Runtime fuses into one operator when it loads a model:
//!
//! ```text
//! integers, scale, zero = DynamicQuantizeLinear(x)           u8, one scale for all of x
//! product = MatMulInteger(integers, weight, zero)            i32
//! result = Cast(product) · (scale · weight scales) + bias    f32
//! ```
//!
//! Layers with the same input share its integers. Everything between the layers stays in 32 bits: attention, norms and
//! activations, the patches, the positions, and SigLIP's packed attention head, whose weight is cut when the graph
//! runs. As always with dynamic quantisation, an activation has one scale for its whole batch, so the model's answer
//! for one item depends a little on the other items in the batch.

use std::collections::{HashMap, HashSet};

use super::rows::Scaling;
use super::{Form, Made, Reduced, is_float};
use crate::graph::Op;
use crate::proto::{self, DataType};

/// Quantises the linear layers and token tables of a graph.
pub(super) fn quantise(mut graph: proto::Graph) -> Reduced {
    let sources = std::mem::take(&mut graph.initializer);
    let matrices = matrices(&sources);
    let mut pass = Pass { matrices, nodes: Vec::new(), made: Vec::new(), known: HashSet::new() };
    for node in std::mem::take(&mut graph.node) {
        pass.node(node);
    }
    let Pass { nodes, made: mut initializers, .. } = pass;
    let used: HashSet<&str> = nodes.iter().flat_map(|node| &node.input).map(String::as_str).collect();
    let stays = |source: &proto::Tensor| used.contains(source.name());
    initializers.extend(sources.iter().filter(|source| stays(source)).cloned().map(Made::same));
    Reduced { graph: proto::Graph { node: nodes, ..graph }, initializers }
}

/// Returns the weights that have two axes, by name.
fn matrices(initializers: &[proto::Tensor]) -> HashMap<String, proto::Tensor> {
    let matrix = |tensor: &&proto::Tensor| is_float(tensor) && tensor.dims.len() == 2;
    let named = |tensor: &proto::Tensor| (tensor.name().to_owned(), tensor.clone());
    initializers.iter().filter(matrix).map(named).collect()
}

struct Pass {
    matrices: HashMap<String, proto::Tensor>,
    nodes: Vec<proto::Node>,
    made: Vec<Made>,
    /// The names of the values and initialisers that have been added already.
    known: HashSet<String>,
}

/// The names of the parts of a quantised value.
struct Quantised {
    integers: String,
    scale: String,
    zero: String,
}

impl Pass {
    fn node(&mut self, node: proto::Node) {
        let weight = |input: Option<&String>| input.and_then(|name| self.matrices.get(name)).cloned();
        match node.op_type() {
            "Gemm" if is_linear(&node) => match weight(node.input.get(1)) {
                Some(weight) => self.linear(&node, &weight),
                None => self.nodes.push(node),
            },
            "Gather" => match weight(node.input.first()) {
                Some(table) => self.lookup(node, &table),
                None => self.nodes.push(node),
            },
            _ => self.nodes.push(node),
        }
    }

    /// Appends `x · weightᵀ + bias`.
    fn linear(&mut self, node: &proto::Node, weight: &proto::Tensor) {
        let (Some(x), Some(result)) = (node.input.first(), node.output.first()) else { return };
        let x = self.quantised(x);
        let (integers, scales) = self.weight(weight);
        let product =
            self.add("MatMulInteger", &[&x.integers, &integers, &x.zero], format!("{result}/int32"));
        let to_float = Op::new("Cast").int("to", DataType::Float as i64);
        let floats = format!("{result}/floats");
        self.nodes.push(to_float.node(&[&product], vec![floats.clone()]));
        let scale = self.add("Mul", &[&x.scale, &scales], format!("{result}/scales"));
        match node.input.get(2) {
            None => self.add("Mul", &[&floats, &scale], result.clone()),
            Some(bias) => {
                let scaled = self.add("Mul", &[&floats, &scale], format!("{result}/scaled"));
                self.add("Add", &[&scaled, bias], result.clone())
            }
        };
    }

    /// Appends a lookup of table rows: looks up integers and scales and multiplies them.
    fn lookup(&mut self, node: proto::Node, table: &proto::Tensor) {
        let [Some(ids), Some(result)] = [node.input.get(1), node.output.first()] else { return };
        let (integers, scales) = (format!("{}/int8", table.name()), format!("{}/scale", table.name()));
        if self.known.insert(integers.clone()) {
            let rows = Form::Rows(Scaling::Lookup);
            self.make(table, &integers, table.dims.clone(), DataType::Int8, rows);
            let column = vec![table.dims[0], 1];
            self.make(table, &scales, column, DataType::Float, Form::Scales(Scaling::Lookup));
        }
        let found = |label: &str| format!("{result}/{label}");
        let gather = |from: &str, to: String| proto::Node {
            input: vec![from.to_owned(), ids.clone()],
            output: vec![to.clone()],
            name: Some(to),
            ..node.clone()
        };
        let to_float = Op::new("Cast").int("to", DataType::Float as i64);
        let nodes = [
            gather(&integers, found("int8")),
            to_float.node(&[&found("int8")], vec![found("floats")]),
            gather(&scales, found("scale")),
            Op::new("Mul").node(&[&found("floats"), &found("scale")], vec![result.clone()]),
        ];
        self.nodes.extend(nodes);
    }

    /// Returns a value as 8-bit integers, which are made once for all layers that take it.
    fn quantised(&mut self, x: &str) -> Quantised {
        let [integers, scale, zero] = ["uint8", "scale", "zero"].map(|label| format!("{x}/{label}"));
        if self.known.insert(integers.clone()) {
            let outputs = vec![integers.clone(), scale.clone(), zero.clone()];
            self.nodes.push(Op::new("DynamicQuantizeLinear").node(&[x], outputs));
        }
        Quantised { integers, scale, zero }
    }

    /// Adds a linear layer's weight `[outputs, inputs]` as integers `[inputs, outputs]`, with a scale for each output.
    fn weight(&mut self, weight: &proto::Tensor) -> (String, String) {
        let (integers, scales) = (format!("{}/int8", weight.name()), format!("{}/scale", weight.name()));
        if self.known.insert(integers.clone()) {
            let (outputs, inputs) = (weight.dims[0], weight.dims[1]);
            let transposed = Form::Columns(Scaling::Product);
            self.make(weight, &integers, vec![inputs, outputs], DataType::Int8, transposed);
            self.make(weight, &scales, vec![outputs], DataType::Float, Form::Scales(Scaling::Product));
        }
        (integers, scales)
    }

    fn make(&mut self, source: &proto::Tensor, name: &str, dims: Vec<i64>, kind: DataType, form: Form) {
        self.made.push(Made::new(source, name.to_owned(), dims, kind, form));
    }

    fn add(&mut self, op: &'static str, inputs: &[&str], output: String) -> String {
        self.nodes.push(Op::new(op).node(inputs, vec![output.clone()]));
        output
    }
}

/// Checks whether a `Gemm` computes exactly `x · weightᵀ + bias`.
fn is_linear(node: &proto::Node) -> bool {
    matches!(node.attribute.as_slice(), [only] if only.name() == "transB" && only.i == Some(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matrix(name: &str, dims: [i64; 2]) -> proto::Tensor {
        proto::Tensor {
            dims: dims.to_vec(),
            data_type: Some(DataType::Float as i32),
            name: Some(name.to_owned()),
            ..Default::default()
        }
    }

    fn described(nodes: &[proto::Node]) -> Vec<String> {
        let describe = |node: &proto::Node| {
            format!("{} = {}({})", node.output.join(", "), node.op_type(), node.input.join(", "))
        };
        nodes.iter().map(describe).collect()
    }

    fn linear(inputs: &[&str], output: &str) -> proto::Node {
        Op::new("Gemm").int("transB", 1).node(inputs, vec![output.to_owned()])
    }

    #[test]
    fn layers_of_one_input_share_its_integers() {
        let node = vec![linear(&["x", "q"], "a"), linear(&["x", "k", "bias"], "b")];
        let initializer = vec![matrix("q", [3, 2]), matrix("k", [4, 2])];
        let reduced = quantise(proto::Graph { node, initializer, ..Default::default() });
        assert_eq!(
            described(&reduced.graph.node),
            [
                "x/uint8, x/scale, x/zero = DynamicQuantizeLinear(x)",
                "a/int32 = MatMulInteger(x/uint8, q/int8, x/zero)",
                "a/floats = Cast(a/int32)",
                "a/scales = Mul(x/scale, q/scale)",
                "a = Mul(a/floats, a/scales)",
                "b/int32 = MatMulInteger(x/uint8, k/int8, x/zero)",
                "b/floats = Cast(b/int32)",
                "b/scales = Mul(x/scale, k/scale)",
                "b/scaled = Mul(b/floats, b/scales)",
                "b = Add(b/scaled, bias)",
            ]
        );
        let shapes: Vec<_> = reduced
            .initializers
            .iter()
            .map(|made| (made.tensor.name(), made.tensor.dims.as_slice()))
            .collect();
        let expected: [(&str, &[i64]); 4] =
            [("q/int8", &[2, 3]), ("q/scale", &[3]), ("k/int8", &[2, 4]), ("k/scale", &[4])];
        assert_eq!(shapes, expected);
    }

    #[test]
    fn a_table_is_looked_up_twice() {
        let node = vec![Op::new("Gather").int("axis", 0).node(&["table", "ids"], vec!["rows".to_owned()])];
        let initializer = vec![matrix("table", [9, 2])];
        let reduced = quantise(proto::Graph { node, initializer, ..Default::default() });
        assert_eq!(
            described(&reduced.graph.node),
            [
                "rows/int8 = Gather(table/int8, ids)",
                "rows/floats = Cast(rows/int8)",
                "rows/scale = Gather(table/scale, ids)",
                "rows = Mul(rows/floats, rows/scale)",
            ]
        );
        assert_eq!(reduced.initializers[1].tensor.dims, [9, 1]);
    }

    #[test]
    fn other_products_and_what_they_need_stay() {
        let scaled =
            Op::new("Gemm").int("transB", 1).float("alpha", 2.0).node(&["x", "w"], vec!["a".to_owned()]);
        let node = vec![scaled, linear(&["x", "made"], "b")];
        let graph =
            proto::Graph { node: node.clone(), initializer: vec![matrix("w", [3, 2])], ..Default::default() };
        let reduced = quantise(graph);
        assert_eq!(reduced.graph.node, node);
        assert_eq!(reduced.initializers[0].form, Form::Same);
    }
}
