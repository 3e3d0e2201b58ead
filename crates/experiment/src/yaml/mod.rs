//! YAML as a tree in which every key and value knows its place.

mod node;
mod parse;
mod scalar;

pub(crate) use node::{Entry, FromNode, Node, Value};
pub(crate) use parse::parse;
