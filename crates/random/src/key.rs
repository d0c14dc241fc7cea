//! Text as part of a key.

/// The first eight bytes of `text` as a word: for names that are short and differ early.
pub const fn label(text: &str) -> u64 {
    let (text, mut word, mut index) = (text.as_bytes(), [0; 8], 0);
    while index < 8 && index < text.len() {
        word[index] = text[index];
        index += 1;
    }
    u64::from_le_bytes(word)
}

/// The 64-bit FNV-1a hash of `text`: stable across platforms and versions, unlike the standard library's hasher.
pub fn hash(text: &str) -> u64 {
    text.bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_is_the_first_eight_bytes() {
        assert_eq!(label("D1").to_le_bytes(), *b"D1\0\0\0\0\0\0");
        assert_eq!(label("lyapunov exponent"), label("lyapunov"));
        assert_eq!(label(""), 0);
    }

    /// The test vectors of the hash's authors.
    #[test]
    fn the_hash_is_fnv_1a() {
        assert_eq!(
            [hash(""), hash("a"), hash("foobar")],
            [0xcbf2_9ce4_8422_2325, 0xaf63_dc4c_8601_ec8c, 0x8594_4171_f739_67e8]
        );
    }
}
