//! The page as PDF. Letters become outlines, so that no reader needs a font.

use std::sync::{Arc, OnceLock};

use svg2pdf::{ConversionOptions, PageOptions};
use usvg::{Options, Tree, WriteOptions, fontdb};

/// Dots in an inch, which lead from millimeters to the points of PDF and back to the same length.
const DOTS_PER_INCH: f32 = 96.0;

/// The page of an SVG drawing; what is wrong with it otherwise.
pub(super) fn from_svg(svg: &str) -> Result<Vec<u8>, String> {
    let options = Options { fontdb: fonts(), dpi: DOTS_PER_INCH, ..Options::default() };
    let tree = |svg: &str| Tree::from_str(svg, &options).map_err(|error| error.to_string());
    let outlined = tree(svg)?.to_string(&WriteOptions { preserve_text: false, ..WriteOptions::default() });
    let page = PageOptions { dpi: DOTS_PER_INCH };
    svg2pdf::to_pdf(&tree(&outlined)?, ConversionOptions::default(), page).map_err(|error| error.to_string())
}

/// The machine's fonts, read once.
fn fonts() -> Arc<fontdb::Database> {
    static FONTS: OnceLock<Arc<fontdb::Database>> = OnceLock::new();
    let read = || {
        let mut database = fontdb::Database::new();
        database.load_system_fonts();
        Arc::new(database)
    };
    Arc::clone(FONTS.get_or_init(read))
}
