//! Run-time search paths of the native libraries.

fn main() {
    cliptune_native::emit_rpath();
}
