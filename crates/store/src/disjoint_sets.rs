//! Elements that belong together because each belongs together with some other one.

/// Disjoint sets of numbered elements, with union by size and path halving.
#[derive(Debug)]
pub struct DisjointSets {
    parents: Vec<u32>,
    sizes: Vec<u32>,
}

impl DisjointSets {
    /// Returns a set for each of some elements.
    pub fn of(elements: usize) -> Self {
        Self { parents: (0..elements as u32).collect(), sizes: vec![1; elements] }
    }

    /// Returns the element that stands for the set of an element.
    pub fn root(&mut self, element: usize) -> usize {
        let mut element = element;
        while self.parents[element] as usize != element {
            self.parents[element] = self.parents[self.parents[element] as usize];
            element = self.parents[element] as usize;
        }
        element
    }

    /// Makes one set of those of two elements.
    pub fn unite(&mut self, a: usize, b: usize) {
        let (a, b) = (self.root(a), self.root(b));
        if a == b {
            return;
        }
        let (small, large) = if self.sizes[a] < self.sizes[b] { (a, b) } else { (b, a) };
        self.parents[small] = large as u32;
        self.sizes[large] += self.sizes[small];
    }
}
