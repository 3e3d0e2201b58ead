//! Runs as other tools lay them out.
