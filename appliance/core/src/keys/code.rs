//! Codes that people read from one screen and type into another: Crockford's base32 in groups,
//! upper case, without letters that look alike. Each character carries 5 bits.

use rand::{TryRngCore, rngs::OsRng};
use zeroize::Zeroizing;

use super::KeysError;
use crate::types::Secret;

const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// A random code: `groups` groups of `length` characters with `-` between them.
pub fn random(groups: usize, length: usize) -> Result<Secret<String>, KeysError> {
    let mut bytes = Zeroizing::new(vec![0; groups * length]);
    OsRng.try_fill_bytes(&mut bytes).map_err(|error| KeysError::Derive(Box::new(error)))?;
    let mut code = String::with_capacity(groups * (length + 1));
    for (i, byte) in bytes.iter().enumerate() {
        if i > 0 && i % length == 0 {
            code.push('-');
        }
        // 256 is a multiple of 32: every character is equally likely.
        code.push(char::from(ALPHABET[usize::from(byte % 32)]));
    }
    Ok(Secret::new(code))
}

/// What was typed, in the one form that is compared: no separators, upper case, `O` as `0`, `I` and `L` as `1`.
/// `None` when it is not `length` characters of the alphabet.
pub fn normalise(typed: &str, length: usize) -> Option<Zeroizing<String>> {
    // Enough for any separators a person would add; more is not a code.
    if typed.len() > length * 4 {
        return None;
    }
    let mut code = Zeroizing::new(String::with_capacity(length));
    for c in typed.chars().filter(|c| !c.is_whitespace() && *c != '-') {
        let c = match c.to_ascii_uppercase() {
            'O' => '0',
            'I' | 'L' => '1',
            other => other,
        };
        if !u8::try_from(c).is_ok_and(|byte| ALPHABET.contains(&byte)) {
            return None;
        }
        code.push(c);
    }
    (code.len() == length).then_some(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_survives_sloppy_typing() {
        let code = random(2, 5).expect("randomness");
        let shown = code.expose();
        assert_eq!(shown.len(), 11);
        let plain = normalise(shown, 10).expect("our own code");
        let sloppy =
            format!(" {} ", shown.to_lowercase().replace('-', " - ").replace('1', "l").replace('0', "o"));
        assert_eq!(normalise(&sloppy, 10).as_deref(), Some(&*plain));
    }

    #[test]
    fn what_is_no_code_is_refused() {
        for typed in ["", "ABCDE", "ABCDE-FGHJU", "ABCDE-FGHJKK", "ÄBCDE-FGHJK", &"A".repeat(2_000_000)] {
            assert!(normalise(typed, 10).is_none(), "{}", typed.chars().take(20).collect::<String>());
        }
    }
}
