//! Run-time search paths of the native libraries, for the tests.

fn main() {
    cliptune_native::emit_rpath();
}
