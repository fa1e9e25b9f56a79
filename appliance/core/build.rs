//! A new migration file must rebuild the crate: the compiler does not see folders that macros read.

fn main() {
    println!("cargo::rerun-if-changed=migrations");
}
