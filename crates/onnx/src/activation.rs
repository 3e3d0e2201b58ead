//! Builds the activation functions of the MLPs.

use cliptune_clip::config::Activation;

use crate::graph::{GraphBuilder, Op};

/// The factor in quick_gelu, x·σ(1.702x).
const QUICK_GELU_FACTOR: f32 = 1.702;

/// Appends the activation `kind` of `x` and returns the name of the result.
pub(crate) fn activation(graph: &mut GraphBuilder, kind: Activation, scope: &str, x: &str) -> String {
    match kind {
        Activation::QuickGelu => quick_gelu(graph, scope, x),
        Activation::Gelu => gelu(graph, scope, x),
        Activation::GeluTanh => gelu_tanh(graph, scope, x),
    }
}

/// Appends x·σ(1.702x) in the form that ONNX Runtime's `QuickGeluFusion` looks for.
fn quick_gelu(graph: &mut GraphBuilder, scope: &str, x: &str) -> String {
    let factor = graph.float(QUICK_GELU_FACTOR);
    let scaled = graph.node(Op::new("Mul"), scope, "quick_gelu_scaled", &[x, &factor]);
    let gate = graph.node(Op::new("Sigmoid"), scope, "quick_gelu_gate", &[&scaled]);
    graph.node(Op::new("Mul"), scope, "quick_gelu", &[x, &gate])
}

/// Appends ½·x·(1 + tanh(√(2/π)·(x + 0.044715·x³))) node by node, since opset 17 has no `Gelu`.
fn gelu_tanh(graph: &mut GraphBuilder, scope: &str, x: &str) -> String {
    let root = graph.float((2.0 / std::f32::consts::PI).sqrt());
    let [cubic, one, half] = [0.044_715, 1.0, 0.5].map(|constant| graph.float(constant));
    let square = graph.node(Op::new("Mul"), scope, "gelu_square", &[x, x]);
    let cube = graph.node(Op::new("Mul"), scope, "gelu_cube", &[&square, x]);
    let scaled = graph.node(Op::new("Mul"), scope, "gelu_cubic", &[&cube, &cubic]);
    let inner = graph.node(Op::new("Add"), scope, "gelu_inner", &[x, &scaled]);
    let argument = graph.node(Op::new("Mul"), scope, "gelu_argument", &[&inner, &root]);
    let tanh = graph.node(Op::new("Tanh"), scope, "gelu_tanh", &[&argument]);
    let gate = graph.node(Op::new("Add"), scope, "gelu_gate", &[&tanh, &one]);
    let gated = graph.node(Op::new("Mul"), scope, "gelu_gated", &[x, &gate]);
    graph.node(Op::new("Mul"), scope, "gelu", &[&gated, &half])
}

/// Appends ½·x·(1 + erf(x/√2)) in the form that ONNX Runtime's `GeluFusion` looks for.
fn gelu(graph: &mut GraphBuilder, scope: &str, x: &str) -> String {
    let (root, one, half) = (graph.float(std::f32::consts::SQRT_2), graph.float(1.0), graph.float(0.5));
    let scaled = graph.node(Op::new("Div"), scope, "gelu_scaled", &[x, &root]);
    let erf = graph.node(Op::new("Erf"), scope, "gelu_erf", &[&scaled]);
    let gate = graph.node(Op::new("Add"), scope, "gelu_gate", &[&erf, &one]);
    let gated = graph.node(Op::new("Mul"), scope, "gelu_gated", &[x, &gate]);
    graph.node(Op::new("Mul"), scope, "gelu", &[&gated, &half])
}
