//! There has to be one for build dependencies to count.

fn main() {}
