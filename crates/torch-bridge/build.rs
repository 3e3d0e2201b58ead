//! Compiles the bridge against the libtorch that torch-sys found.

use std::env;
use std::path::PathBuf;

fn main() {
    for file in ["bridge.cpp", "bridge.h", "guarded.h", "mlp.cpp"] {
        println!("cargo:rerun-if-changed=src/{file}");
    }
    let include = include_folder();
    cc::Build::new()
        .cpp(true)
        .std("c++20")
        .flag_if_supported("-Wno-unused-parameter")
        .include(include.join("torch/csrc/api/include"))
        .include(&include)
        .files(["src/bridge.cpp", "src/mlp.cpp"])
        .compile("cliptune_torch_bridge");
    cliptune_native::emit_rpath();
}

fn include_folder() -> PathBuf {
    if let Some(include) = env::var_os("LIBTORCH_INCLUDE") {
        return PathBuf::from(include).join("include");
    }
    // torch-sys tells its direct dependents where the libraries are; the headers stand beside them.
    let libraries = env::var_os("DEP_TCH_LIBTORCH_LIB").map(PathBuf::from).unwrap_or_default();
    libraries.join("../include")
}
