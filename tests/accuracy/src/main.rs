//! Prints how scripted recordings are read; `cargo xtask accuracy` measures the corpora and writes docs/accuracy.md.
#![forbid(unsafe_code)]

fn main() -> anyhow::Result<()> {
    print!("{}", accuracy::tables::scripted_markdown()?);
    Ok(())
}
