//! The page as it is built into the binary: `web/dist`, made by `npm run build`.

use std::collections::BTreeMap;

use bytes::Bytes;
use sha2::{Digest, Sha256};

const INDEX: &str = include_str!("../web/dist/index.html");

/// Name in the page, content type, bytes.
const ASSETS: &[(&str, &str, &[u8])] = &[
    ("station.js", "text/javascript; charset=utf-8", include_bytes!("../web/dist/station.js")),
    ("station.css", "text/css; charset=utf-8", include_bytes!("../web/dist/station.css")),
    ("icon.svg", "image/svg+xml", include_bytes!("../web/dist/icon.svg")),
];

/// One file of the page.
#[derive(Clone, Debug)]
pub(crate) struct Asset {
    /// Its content type.
    pub(crate) content_type: &'static str,
    /// Its bytes.
    pub(crate) bytes: Bytes,
}

/// The page with its files under names that change with their content, so that they can be cached for ever.
#[derive(Debug)]
pub(crate) struct Page {
    index: Bytes,
    assets: BTreeMap<String, Asset>,
}

impl Page {
    /// The page that was built in.
    pub(crate) fn built_in() -> Self {
        let mut index = INDEX.to_owned();
        let mut assets = BTreeMap::new();
        for (name, content_type, bytes) in ASSETS {
            let hashed = hashed_name(name, bytes);
            index = index.replace(&format!("assets/{name}"), &format!("assets/{hashed}"));
            assets.insert(hashed, Asset { content_type, bytes: Bytes::from_static(bytes) });
        }
        Self { index: Bytes::from(index), assets }
    }

    /// The document itself.
    pub(crate) fn index(&self) -> Bytes {
        self.index.clone()
    }

    /// The file of this hashed name.
    pub(crate) fn asset(&self, name: &str) -> Option<&Asset> {
        self.assets.get(name)
    }
}

fn hashed_name(name: &str, bytes: &[u8]) -> String {
    let digest = hex::encode(&Sha256::digest(bytes)[..8]);
    match name.split_once('.') {
        Some((stem, extension)) => format!("{stem}-{digest}.{extension}"),
        None => format!("{name}-{digest}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_names_every_file_by_its_content() {
        let page = Page::built_in();
        let index = String::from_utf8(page.index().to_vec()).unwrap();
        for name in page.assets.keys() {
            assert!(index.contains(&format!("/assets/{name}")), "{name}");
        }
        assert_eq!(page.assets.len(), ASSETS.len());
        assert!(page.asset("station.js").is_none());
    }

    #[test]
    fn the_document_holds_no_inline_script_or_style() {
        for forbidden in ["<script>", "<style", " style=", " onclick=", "http://", "https://"] {
            assert!(!INDEX.contains(forbidden), "{forbidden}");
        }
    }
}
