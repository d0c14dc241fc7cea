//! Lets this package's test binaries find libtorch by themselves.
//!
//! Link arguments do not reach dependents, so every package with a binary that uses libtorch has this file.

fn main() {
    println!("cargo:rerun-if-env-changed=DEP_TCH_LIBTORCH_LIB");
    if let Ok(lib) = std::env::var("DEP_TCH_LIBTORCH_LIB") {
        println!("cargo:rustc-link-arg=-Wl,-rpath={lib}");
    }
}
