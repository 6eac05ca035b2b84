//! Benchmarks of the whole service.

fn main() {}
