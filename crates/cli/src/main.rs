//! The drawloom binary.
fn main() {}
