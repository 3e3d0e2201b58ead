//! Compiles the bridge against the libtorch that torch-sys found.

use std::env;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

/// The files that are compiled, as one: their unnamed namespaces share their names.
const SOURCES: [&str; 4] =
    ["src/bridge.cpp", "src/mlp.cpp", "src/distributed/buckets.cpp", "src/distributed/c10d.cpp"];

/// What they include, beside libtorch's headers.
const HEADERS: [&str; 8] = [
    "declarations",
    "src/bridge.h",
    "src/guarded.h",
    "src/distributed/by_gloo.h",
    "src/distributed/by_nccl.h",
    "src/distributed/collectives.h",
    "src/distributed/distributed.h",
    "src/distributed/group.h",
];

fn main() -> Result<(), Box<dyn Error>> {
    for path in SOURCES.iter().chain(&HEADERS) {
        println!("cargo:rerun-if-changed={path}");
    }
    let include = include_folder();
    let all = all_in_one()?;
    cc::Build::new()
        .cpp(true)
        .std("c++20")
        .flag_if_supported("-Wno-unused-parameter")
        // GCC warns where a type of an included file has one from an unnamed namespace; here every source is included.
        .flag_if_supported("-Wno-subobject-linkage")
        // As headers of the system, whose own warnings nobody here can mend.
        .flag(format!("-isystem{}", include.join("torch/csrc/api/include").display()))
        .flag(format!("-isystem{}", include.display()))
        // For the headers that are not among libtorch's.
        .include("declarations")
        .file(all)
        .compile("cliptune_torch_bridge");
    cliptune_native::emit_rpath();
    Ok(())
}

/// Writes a file that includes all sources. Nearly all of the time goes to libtorch's headers, which are read once then.
fn all_in_one() -> Result<PathBuf, Box<dyn Error>> {
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    let include = |source: &str| format!("#include \"{}\"\n", root.join(source).display());
    let path = Path::new(&env::var("OUT_DIR")?).join("all.cpp");
    fs::write(&path, SOURCES.map(include).concat())?;
    Ok(path)
}

fn include_folder() -> PathBuf {
    if let Some(include) = env::var_os("LIBTORCH_INCLUDE") {
        return PathBuf::from(include).join("include");
    }
    // torch-sys tells its direct dependents where the libraries are; the headers stand beside them.
    let libraries = env::var_os("DEP_TCH_LIBTORCH_LIB").map(PathBuf::from).unwrap_or_default();
    libraries.join("../include")
}
