//! Runs of other tools, and the predictions of anyone, read into a store.
