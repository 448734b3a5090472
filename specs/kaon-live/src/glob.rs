//! The patterns of module aliases: `*`, `?` and `[…]`, as fnmatch(3) without flags.

/// Whether the whole of `text` matches `pattern`.
pub fn matches(pattern: &[u8], text: &[u8]) -> bool {
    let (mut at, mut from) = (0, 0);
    // Where to go on from when what followed the last `*` does not fit: one byte further into the text.
    let mut star: Option<(usize, usize)> = None;
    loop {
        if pattern.get(at) == Some(&b'*') {
            star = Some((at + 1, from));
            at += 1;
            continue;
        }
        let step = text.get(from).and_then(|&byte| one(&pattern[at..], byte));
        match (step, star) {
            (Some(length), _) => {
                at += length;
                from += 1;
            }
            (None, _) if from == text.len() && at == pattern.len() => return true,
            (None, Some((after, tried))) if tried < text.len() => {
                star = Some((after, tried + 1));
                (at, from) = (after, tried + 1);
            }
            (None, _) => return false,
        }
    }
}

/// How many bytes of the pattern stand for this one byte; `None` if they do not.
fn one(pattern: &[u8], byte: u8) -> Option<usize> {
    match pattern.first()? {
        b'?' => Some(1),
        b'[' => {
            let end = pattern.iter().position(|&letter| letter == b']')?;
            let mut set = &pattern[1..end];
            while let Some((&low, rest)) = set.split_first() {
                let (high, rest) = match rest {
                    [b'-', high, rest @ ..] => (*high, rest),
                    _ => (low, rest),
                };
                if (low..=high).contains(&byte) {
                    return Some(end + 1);
                }
                set = rest;
            }
            None
        }
        literal => (*literal == byte).then_some(1),
    }
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn aliases() {
        let ahci = "pci:v*d*sv*sd*bc01sc06i01*";
        assert!(matches(ahci.as_bytes(), b"pci:v00008086d00002922sv00001AF4sd00001100bc01sc06i01"));
        assert!(!matches(ahci.as_bytes(), b"pci:v00008086d00002922sv00001AF4sd00001100bc01sc06i02"));
        for (pattern, text, expected) in [
            ("", "", true),
            ("*", "", true),
            ("a*b*c", "aXbYbZc", true),
            ("a*b", "aXbc", false),
            ("scsi:t-0x05*", "scsi:t-0x05", true),
            ("d0[1-35]x?", "d02x9", true),
            ("d0[1-35]x?", "d05x9", true),
            ("d0[1-35]x?", "d04x9", false),
            ("d0[1", "d01", false),
            ("?", "", false),
        ] {
            assert_eq!(matches(pattern.as_bytes(), text.as_bytes()), expected, "{pattern} {text}");
        }
    }
}
