//! A drawing that becomes SVG.

use std::fmt::Write as _;

/// Fonts with Latin and Chinese letters, as systems call them.
const FONTS: &str = "'Noto Sans CJK SC','Noto Sans SC','Source Han Sans SC','PingFang SC','Microsoft YaHei',sans-serif";

/// Shapes in the order in which they are painted.
#[derive(Clone, Debug, Default)]
pub(super) struct Drawing {
    body: String,
}

/// A line of text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Text<'a> {
    x: f64,
    y: f64,
    text: &'a str,
    size: f64,
    color: &'a str,
    bold: bool,
    anchor: &'static str,
}

impl<'a> Text<'a> {
    /// Text that begins at `x`, on the line `y`.
    pub(super) fn new(x: f64, y: f64, text: &'a str) -> Self {
        Self { x, y, text, size: 2.2, color: "#222222", bold: false, anchor: "start" }
    }

    pub(super) fn size(self, size: f64) -> Self {
        Self { size, ..self }
    }

    pub(super) fn color(self, color: &'a str) -> Self {
        Self { color, ..self }
    }

    pub(super) fn bold(self) -> Self {
        Self { bold: true, ..self }
    }

    /// Lets it end at `x`.
    pub(super) fn right(self) -> Self {
        Self { anchor: "end", ..self }
    }
}

impl Drawing {
    pub(super) fn rectangle(&mut self, (x, y): (f64, f64), (width, height): (f64, f64), fill: &str, opacity: f64) {
        let _ = writeln!(
            self.body,
            r#"<rect x="{x:.2}" y="{y:.2}" width="{:.2}" height="{height:.2}" fill="{fill}" fill-opacity="{opacity}"/>"#,
            width.max(0.0),
        );
    }

    pub(super) fn line(&mut self, from: (f64, f64), to: (f64, f64), color: &str, width: f64) {
        let _ = writeln!(
            self.body,
            r#"<line x1="{:.2}" y1="{:.2}" x2="{:.2}" y2="{:.2}" stroke="{color}" stroke-width="{width}"/>"#,
            from.0, from.1, to.0, to.1,
        );
    }

    /// Lines through points; each inner list is one stroke of the pen.
    pub(super) fn strokes(&mut self, strokes: &[Vec<(f64, f64)>], color: &str, width: f64, dashes: &str) {
        let mut path = String::new();
        for stroke in strokes {
            for (number, (x, y)) in stroke.iter().enumerate() {
                let _ = write!(path, "{}{x:.2} {y:.2}", if number == 0 { "M" } else { "L" });
            }
            if let [(x, y)] = stroke[..] {
                let _ = write!(path, "L{:.2} {y:.2}", x + width);
            }
        }
        if path.is_empty() {
            return;
        }
        let dashes = if dashes.is_empty() { String::new() } else { format!(r#" stroke-dasharray="{dashes}""#) };
        let _ = writeln!(
            self.body,
            r#"<path d="{path}" fill="none" stroke="{color}" stroke-width="{width}" stroke-linejoin="round"{dashes}/>"#
        );
    }

    pub(super) fn text(&mut self, text: &Text<'_>) {
        let weight = if text.bold { r#" font-weight="bold""# } else { "" };
        let _ = writeln!(
            self.body,
            r#"<text x="{:.2}" y="{:.2}" font-size="{}" fill="{}" text-anchor="{}"{weight}>{}</text>"#,
            text.x,
            text.y,
            text.size,
            text.color,
            text.anchor,
            escaped(text.text),
        );
    }

    /// The finished page.
    pub(super) fn into_svg(self, width: f64, height: f64) -> String {
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}mm\" height=\"{height:.0}mm\" \
             viewBox=\"0 0 {width:.0} {height:.0}\" font-family=\"{FONTS}\">\n\
             <rect width=\"{width:.0}\" height=\"{height:.0}\" fill=\"#ffffff\"/>\n{}</svg>\n",
            self.body
        )
    }
}

/// A text that may come from a file name, safe in XML: control characters have no place there at all.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            other if other.is_control() => safe.push(' '),
            other => safe.push(other),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_files_do_no_harm() {
        assert_eq!(escaped("<a href=\"x\">&\u{7}"), "&lt;a href=&quot;x&quot;&gt;&amp; ");
    }
}
