//! Lets the tests find DuckDB's shared library at run time.

fn main() {
    cliptune_native::emit_rpath();
}
