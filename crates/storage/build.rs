//! Has the crate rebuilt when a migration is added: the macro that embeds them sees only those it knew.

#[expect(clippy::print_stdout, reason = "the way to talk to cargo")]
fn main() {
    println!("cargo::rerun-if-changed=migrations");
}
