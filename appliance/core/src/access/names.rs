//! What a member may be called: one form, so that no two names look alike or differ only in case.

use std::fmt;

use crate::error::{Error, Result};

/// 1 to 32 of `a-z 0-9 - _ .`, beginning with a letter or digit; upper case and outer spaces are forgiven.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct MemberName(String);

impl MemberName {
    /// Reads what a person typed.
    pub fn parse(typed: &str) -> Result<Self> {
        let name = typed.trim();
        let fine = (1..=32).contains(&name.len())
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
            && name.bytes().next().is_some_and(|b| b.is_ascii_alphanumeric());
        if fine {
            Ok(Self(name.to_ascii_lowercase()))
        } else {
            Err(Error::invalid(
                "A name has 1 to 32 characters: letters without accents, digits, '-', '_' and '.'; it begins with a letter or digit.",
            )
            .keyed("error-bad-name"))
        }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for MemberName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn one_form_for_each_name() {
        assert_eq!(MemberName::parse(" Ana.Maria-2 ").expect("fine").as_str(), "ana.maria-2");
        for bad in ["", " ", "-ana", ".", "ana maria", "аna", "ana\0", "josé", "a:b", "a|b", &"a".repeat(33)]
        {
            assert!(MemberName::parse(bad).is_err(), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_typed_the_form_holds(typed in ".{0,40}") {
            if let Ok(name) = MemberName::parse(&typed) {
                prop_assert_eq!(MemberName::parse(name.as_str()).expect("its own form"), name);
            }
        }
    }
}
