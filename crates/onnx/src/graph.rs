//! Builds a graph from nodes, initialisers and shared constants, and gives them unique, readable names.

use std::collections::{HashMap, HashSet};

use crate::proto::{self, DataType};

/// An operator and its attributes.
pub(crate) struct Op {
    kind: &'static str,
    domain: Option<&'static str>,
    attributes: Vec<proto::Attribute>,
}

impl Op {
    pub(crate) fn new(kind: &'static str) -> Self {
        Self { kind, domain: None, attributes: Vec::new() }
    }

    /// Takes the operator from an operator set other than ONNX's own.
    pub(crate) fn of(mut self, domain: &'static str) -> Self {
        self.domain = Some(domain);
        self
    }

    pub(crate) fn int(mut self, name: &str, value: i64) -> Self {
        let attribute = proto::Attribute { i: Some(value), ..attribute(name, proto::AttributeKind::Int) };
        self.attributes.push(attribute);
        self
    }

    pub(crate) fn ints(mut self, name: &str, values: &[i64]) -> Self {
        let ints = values.to_vec();
        self.attributes.push(proto::Attribute { ints, ..attribute(name, proto::AttributeKind::Ints) });
        self
    }

    pub(crate) fn float(mut self, name: &str, value: f32) -> Self {
        let attribute = proto::Attribute { f: Some(value), ..attribute(name, proto::AttributeKind::Float) };
        self.attributes.push(attribute);
        self
    }

    /// Applies the operator to its inputs. The node is named after its first output.
    pub(crate) fn node(self, inputs: &[&str], outputs: Vec<String>) -> proto::Node {
        proto::Node {
            input: inputs.iter().map(|&input| input.to_owned()).collect(),
            name: outputs.first().cloned(),
            output: outputs,
            op_type: Some(self.kind.to_owned()),
            attribute: self.attributes,
            domain: self.domain.map(str::to_owned),
        }
    }
}

fn attribute(name: &str, kind: proto::AttributeKind) -> proto::Attribute {
    proto::Attribute { name: Some(name.to_owned()), kind: Some(kind as i32), ..Default::default() }
}

/// A tensor that nodes use but no node computes.
pub(crate) enum Initializer {
    /// A small constant whose elements are held here.
    Constant(proto::Tensor),
    /// A weight with its name, type and shape. Its elements stay in the weights file, and their place in that file is
    /// filled in when the model is written.
    Weight(proto::Tensor),
}

/// A graph under construction. Nodes are appended in an order in which they can be computed.
#[derive(Default)]
pub(crate) struct GraphBuilder {
    nodes: Vec<proto::Node>,
    initializers: Vec<Initializer>,
    names: HashSet<String>,
    once: HashMap<String, String>,
}

impl GraphBuilder {
    /// Appends a node and returns the name of its result: `<scope>/<label>`, with a number added if that name is taken.
    pub(crate) fn node(&mut self, op: Op, scope: &str, label: &str, inputs: &[&str]) -> String {
        let name = self.unique(format!("{scope}/{label}"));
        self.nodes.push(op.node(inputs, vec![name.clone()]));
        name
    }

    /// Returns what `build` makes: it runs the first time `key` is asked for, and its result is reused afterwards.
    pub(crate) fn once(&mut self, key: &str, build: impl FnOnce(&mut Self) -> String) -> String {
        if let Some(name) = self.once.get(key) {
            return name.clone();
        }
        let name = build(self);
        self.once.insert(key.to_owned(), name.clone());
        name
    }

    /// Returns the name of a weight, which becomes part of the graph the first time it is used.
    pub(crate) fn weight(&mut self, name: &str, shape: &[usize]) -> String {
        if self.names.insert(name.to_owned()) {
            self.initializers.push(Initializer::Weight(tensor(name, shape, DataType::Float)));
        }
        name.to_owned()
    }

    /// Returns a one-dimensional integer constant. Equal constants share one initialiser.
    pub(crate) fn ints(&mut self, values: &[i64]) -> String {
        let name = format!("constant/int64{values:?}");
        let bytes = values.iter().flat_map(|value| value.to_le_bytes());
        self.constant(name, &[values.len()], DataType::Int64, bytes)
    }

    /// Returns a scalar integer constant.
    pub(crate) fn int(&mut self, value: i64) -> String {
        self.constant(format!("constant/int64({value})"), &[], DataType::Int64, value.to_le_bytes())
    }

    /// Returns a scalar float constant.
    pub(crate) fn float(&mut self, value: f32) -> String {
        self.constant(format!("constant/float({value})"), &[], DataType::Float, value.to_le_bytes())
    }

    /// Returns a float constant with the given name, which must always stand for the same values.
    pub(crate) fn floats(
        &mut self,
        name: &str,
        shape: &[usize],
        values: impl Iterator<Item = f32>,
    ) -> String {
        self.constant(name.to_owned(), shape, DataType::Float, values.flat_map(f32::to_le_bytes))
    }

    fn constant(
        &mut self,
        name: String,
        shape: &[usize],
        kind: DataType,
        bytes: impl IntoIterator<Item = u8>,
    ) -> String {
        if self.names.insert(name.clone()) {
            let raw_data = Some(bytes.into_iter().collect());
            let tensor = proto::Tensor { raw_data, ..tensor(&name, shape, kind) };
            self.initializers.push(Initializer::Constant(tensor));
        }
        name
    }

    fn unique(&mut self, name: String) -> String {
        let mut candidate = name.clone();
        let mut number = 1;
        while !self.names.insert(candidate.clone()) {
            number += 1;
            candidate = format!("{name}_{number}");
        }
        candidate
    }

    /// Renames the value `from` to `to` wherever it is computed or used.
    pub(crate) fn rename(&mut self, from: &str, to: &str) {
        for value in self.nodes.iter_mut().flat_map(|node| node.input.iter_mut().chain(&mut node.output)) {
            if value == from {
                to.clone_into(value);
            }
        }
    }

    /// Returns the nodes and the initialisers.
    pub(crate) fn finish(self) -> (Vec<proto::Node>, Vec<Initializer>) {
        (self.nodes, self.initializers)
    }
}

fn tensor(name: &str, shape: &[usize], kind: DataType) -> proto::Tensor {
    proto::Tensor {
        dims: shape.iter().map(|&size| size as i64).collect(),
        data_type: Some(kind as i32),
        name: Some(name.to_owned()),
        ..Default::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_constants_are_one_initializer() {
        let mut graph = GraphBuilder::default();
        assert_eq!(graph.ints(&[0, -1]), graph.ints(&[0, -1]));
        assert_ne!(graph.int(0), graph.ints(&[0]));
        assert_ne!(graph.int(0), graph.float(0.0));
        assert_eq!(graph.finish().1.len(), 4);
    }

    #[test]
    fn a_second_node_of_one_name_gets_a_number() {
        let mut graph = GraphBuilder::default();
        assert_eq!(graph.node(Op::new("Exp"), "logit_scale", "exp", &["x"]), "logit_scale/exp");
        assert_eq!(graph.node(Op::new("Exp"), "logit_scale", "exp", &["x"]), "logit_scale/exp_2");
    }

    #[test]
    fn a_renamed_value_keeps_its_uses() {
        let mut graph = GraphBuilder::default();
        let made = graph.node(Op::new("Exp"), "a", "exp", &["x"]);
        graph.node(Op::new("Neg"), "a", "negative", &[&made]);
        graph.rename(&made, "y");
        let (nodes, _) = graph.finish();
        assert_eq!((nodes[0].output[0].as_str(), nodes[1].input[0].as_str()), ("y", "y"));
    }
}
