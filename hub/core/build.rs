//! Has the vocabulary embedded anew when a file of `schemas/` comes, goes or changes.

fn main() {
    println!("cargo::rerun-if-changed=../../schemas");
}
