//! Checks and code generation for the repository.
fn main() {}
