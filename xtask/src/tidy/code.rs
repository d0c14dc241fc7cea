//! Rust text without its comments and literals, so that a word in them is no violation.

/// Blanks out comments, strings and characters; line breaks stay, so line numbers hold.
pub(crate) fn code_only(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while at < chars.len() {
        let end = literal_or_comment_end(&chars, at);
        if end == at {
            out.push(chars[at]);
            at += 1;
        } else {
            out.extend(chars[at..end].iter().map(|&char| if char == '\n' { '\n' } else { ' ' }));
            at = end;
        }
    }
    out
}

/// Where the comment or literal that starts at `at` ends; `at` itself if none starts there.
fn literal_or_comment_end(chars: &[char], at: usize) -> usize {
    let next = chars.get(at + 1).copied();
    match chars[at] {
        '/' if next == Some('/') => {
            chars[at..].iter().position(|&char| char == '\n').map_or(chars.len(), |length| at + length)
        }
        '/' if next == Some('*') => block_comment_end(chars, at),
        '"' => string_end(chars, at + 1),
        'r' if !continues_a_word(chars, at) => raw_string_end(chars, at + 1).unwrap_or(at),
        '\'' => char_end(chars, at).unwrap_or(at),
        _ => at,
    }
}

/// `b` and `c` may precede the `r` of a raw string; any other letter makes it part of a word.
fn continues_a_word(chars: &[char], at: usize) -> bool {
    let mut before = chars[..at].iter().rev();
    let mut is_word = || before.next().filter(|&&char| char.is_alphanumeric() || char == '_');
    match is_word() {
        Some('b' | 'c') => is_word().is_some(),
        Some(_) => true,
        None => false,
    }
}

fn block_comment_end(chars: &[char], start: usize) -> usize {
    let (mut depth, mut at) = (0, start);
    while at < chars.len() {
        match (chars[at], chars.get(at + 1)) {
            ('/', Some('*')) => {
                depth += 1;
                at += 2;
            }
            ('*', Some('/')) => {
                depth -= 1;
                at += 2;
                if depth == 0 {
                    return at;
                }
            }
            _ => at += 1,
        }
    }
    chars.len()
}

fn string_end(chars: &[char], mut at: usize) -> usize {
    while at < chars.len() {
        match chars[at] {
            '\\' => at += 2,
            '"' => return at + 1,
            _ => at += 1,
        }
    }
    chars.len()
}

fn raw_string_end(chars: &[char], at: usize) -> Option<usize> {
    let hashes = chars[at..].iter().take_while(|&&char| char == '#').count();
    let mut at = at + hashes;
    if chars.get(at) != Some(&'"') {
        return None;
    }
    at += 1;
    while at < chars.len() {
        if chars[at] == '"' && chars[at + 1..].iter().take_while(|&&char| char == '#').count() >= hashes {
            return Some(at + 1 + hashes);
        }
        at += 1;
    }
    Some(chars.len())
}

/// The end of a character; `None` for a lifetime.
fn char_end(chars: &[char], at: usize) -> Option<usize> {
    match (chars.get(at + 1)?, chars.get(at + 2)) {
        ('\\', _) => chars[at + 3..].iter().position(|&char| char == '\'').map(|length| at + 4 + length),
        (_, Some('\'')) => Some(at + 3),
        _ => None,
    }
}

/// Whether `code` holds `pattern`, not as the tail or the head of a longer word.
pub(crate) fn has_word(code: &str, pattern: &str) -> bool {
    let is_word = |char: char| char.is_alphanumeric() || char == '_';
    code.match_indices(pattern).any(|(start, _)| {
        let before = code[..start].chars().next_back().is_some_and(is_word);
        let after = code[start + pattern.len()..].chars().next().is_some_and(is_word);
        let continued = before && pattern.starts_with(is_word) || after && pattern.ends_with(is_word);
        !continued
    })
}

#[cfg(test)]
mod tests {
    use super::{code_only, has_word};

    #[test]
    fn comments_and_literals_are_blanked_and_lines_kept() {
        let text = "let a = \"unsafe \\\" unsafe\"; // unsafe\n/* unsafe /* unsafe */ unsafe */ let c = 'u';\n\
                    let r = r#\"unsafe \" unsafe\"#; let b = br\"unsafe\"; let n = '\\n';\n";
        let code = code_only(text);
        assert!(!has_word(&code, "unsafe"), "{code}");
        assert_eq!(code.lines().count(), text.lines().count());
        assert!(code.contains("let c =") && code.contains("let n ="));
    }

    #[test]
    fn lifetimes_and_words_with_r_do_not_start_a_literal() {
        let text = "fn f<'a>(for_r: &'a str) -> &'a str { unsafe { for_r } }";
        assert_eq!(code_only(text), text);
    }

    #[test]
    fn words_are_whole() {
        assert!(has_word("unsafe { x }", "unsafe"));
        assert!(!has_word("deny(unsafe_code)", "unsafe"));
        assert!(has_word("a.manual_seed(1)", "manual_seed("));
        assert!(!has_word("my_thread_rng()", "thread_rng"));
    }
}
