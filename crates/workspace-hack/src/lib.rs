//! One set of features for every library; see `Cargo.toml`.
