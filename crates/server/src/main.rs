//! The binary maia: configuration, roles, supervision.

fn main() {}
