//! Words and numbers as they are written in SVG.

/// Text in which nothing is markup.
pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// A length in CSS pixels with one decimal, and as few characters as can be.
pub(super) fn length(value: f64) -> String {
    let rounded = (10.0 * value).round() / 10.0;
    // Adding zero turns a negative zero positive.
    (rounded + 0.0).to_string()
}

/// The width of a text in CSS pixels, a generous guess: browsers choose the font.
pub(super) fn width(text: &str, size: u32) -> u32 {
    (text.chars().count() as u32 * size * 6).div_ceil(10)
}

/// The lines of a text; `fits` says whether a line may be followed by a word.
pub(super) fn lines(text: &str, fits: impl Fn(&str, &str) -> bool) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let last = lines.last_mut().expect("begun with one");
        if last.is_empty() {
            last.push_str(word);
        } else if fits(last, word) {
            last.push(' ');
            last.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_short_and_nothing_is_markup() {
        assert_eq!([0.04, -0.04, 12.0, 1.26, -3.5].map(length), ["0", "0", "12", "1.3", "-3.5"]);
        assert_eq!(escape("a < \"b\" & c"), "a &lt; &quot;b&quot; &amp; c");
    }
}
