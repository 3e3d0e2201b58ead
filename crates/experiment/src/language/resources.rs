//! `resources`: how the sizes, times and names of a scheduler are read.

use super::Context;
use super::options::{FromValue, Shaped};
use crate::plan::{MemorySize, Partition, TimeLimit};
use crate::shape::Shape;
use crate::yaml::{FromNode, Node};

/// Reads texts that have rules of their own, or reports which rule one breaks.
macro_rules! texts {
    ($($Value:ty),+) => {
        $(
            impl Shaped for $Value {
                const SHAPE: Shape = Shape::Text(Self::EXPECTED);
            }

            impl FromValue for $Value {
                fn from_value(node: &Node, context: &mut Context<'_>) -> Option<Self> {
                    let written = String::from_node(node)?;
                    context.make(node.span, "resources", written.parse())
                }
            }
        )+
    };
}

texts!(MemorySize, TimeLimit, Partition);
