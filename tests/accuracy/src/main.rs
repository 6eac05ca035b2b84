//! Measures everything and writes docs/accuracy.md.
#![forbid(unsafe_code)]

use std::path::Path;

fn main() -> anyhow::Result<()> {
    let page = accuracy::tables::markdown(&accuracy::corpus::folder()?)?;
    println!("{page}");
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/accuracy.md");
    std::fs::write(docs, page)?;
    Ok(())
}
