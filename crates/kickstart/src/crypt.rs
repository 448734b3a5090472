//! Hashes of passwords, as crypt(5) describes them.

/// Whether shadow(5) takes this as a hash that a password can match, or as a lock (`*`, `!`).
pub fn is_hash(text: &str) -> bool {
    matches!(text, "*" | "!" | "!*") || is_complete(text)
}

/// Whether this is a complete hash of a kind that the system's libcrypt knows.
fn is_complete(text: &str) -> bool {
    let Some((kind, rest)) = text.strip_prefix('$').and_then(|text| text.split_once('$')) else { return false };
    match kind {
        "1" => is_salted(rest, 8, 22),
        "5" | "sm3" => is_salted(without_rounds(rest), 16, 43),
        "6" => is_salted(without_rounds(rest), 16, 86),
        "2a" | "2b" | "2x" | "2y" => is_bcrypt(rest),
        "7" => rest.split_once('$').is_some_and(|(settings, hash)| is_encoded(settings, 11..=97) && is_encoded(hash, 43..=43)),
        "y" | "gy" | "sm3y" => is_yescrypt(rest),
        _ => false,
    }
}

/// `SALT$HASH`, with a salt of up to `most_salt` characters of any kind and a hash of `hash` characters.
fn is_salted(text: &str, most_salt: usize, hash: usize) -> bool {
    let Some((salt, encoded)) = text.split_once('$') else { return false };
    let is_salt = (1..=most_salt).contains(&salt.len()) && salt.bytes().all(|byte| byte.is_ascii_graphic() && byte != b':');
    is_salt && is_encoded(encoded, hash..=hash)
}

/// What follows `rounds=NUMBER$`, where the text begins with that.
fn without_rounds(text: &str) -> &str {
    let rest = text.strip_prefix("rounds=").and_then(|text| text.split_once('$'));
    rest.filter(|(number, _)| !number.starts_with('0') && number.parse::<u32>().is_ok()).map_or(text, |(_, rest)| rest)
}

/// `COST$` and 22 characters of salt and 31 of the hash.
fn is_bcrypt(text: &str) -> bool {
    let Some((cost, encoded)) = text.split_once('$') else { return false };
    cost.len() == 2 && cost.parse::<u8>().is_ok_and(|cost| (4..=31).contains(&cost)) && is_encoded(encoded, 53..=53)
}

/// `SETTINGS$SALT$HASH`.
fn is_yescrypt(text: &str) -> bool {
    let parts: Vec<&str> = text.split('$').collect();
    let [settings, salt, hash] = parts[..] else { return false };
    is_encoded(settings, 1..=usize::MAX) && is_encoded(salt, 0..=86) && is_encoded(hash, 43..=43)
}

/// Whether this is so many characters of the alphabet in which crypt(5) writes bytes.
fn is_encoded(text: &str, length: std::ops::RangeInclusive<usize>) -> bool {
    length.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"./".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The hashes are crypt(3)'s, of the password `sesame`.
    #[test]
    fn whole_hashes_and_locks_are_taken() {
        for text in [
            "*",
            "!",
            "!*",
            "$1$salt$8Xwa0TWrZYGxXErSABfgK1",
            "$5$salt$OxrE/YB.T.kfQ1.N18zgYj6WnkiUTfkNCacavC5DfVC",
            "$6$salt$14r3nF05sTyFT6Az9BZiefcxxdriB1dtvMNuQlud3vnILbBU4O2UmqOCZ7Uvskulee0.2lRLq3wyq7GYJOdU80",
            "$6$rounds=5000$salt$14r3nF05sTyFT6Az9BZiefcxxdriB1dtvMNuQlud3vnILbBU4O2UmqOCZ7Uvskulee0.2lRLq3wyq7GYJOdU80",
            "$2b$05$CCCCCCCCCCCCCCCCCCCCC.sW7FaIYmeIKSjBmohFJI88NY4lu2bfG",
            "$y$j9T$F5Jx5fExrKuPp53xLKQ..1$2XG8TbeFGEUHepjXSRRwTEN/pknneEfp/PquC6DSDN4",
            "$7$CU..../....2Q9obwLhin8qvQl6sisAO/$WiBm6BiYOqWUnfY13MzYSg8szU8qjVgMOeeSpatz3v3",
            "$gy$j9T$F5Jx5fExrKuPp53xLKQ..1$Wg4wTLUTr3MxV3tCcods9QRDeBYxFevJpZYDv8NL2xD",
        ] {
            assert!(is_hash(text), "{text}");
        }
    }

    #[test]
    fn what_no_password_can_match_is_refused() {
        let hash = "x".repeat(86);
        let odd = format!("{}-", &hash[1..]);
        for text in [
            String::new(),
            "secret".into(),
            "$".into(),
            "$6$".into(),
            "$6$salt".into(),
            "$6$salt$short".into(),
            format!("$6$salt${}", &hash[1..]),
            format!("$6$salt${hash}x"),
            format!("$6$salt${odd}"),
            format!("$6$${hash}"),
            format!("$6$sa:lt${hash}"),
            format!("$6$seventeen.letters${hash}"),
            format!("$6$rounds=no$salt${hash}"),
            format!("$8$salt${hash}"),
            format!("$6$salt${hash}\n"),
            "$1$".into(),
            "$1$salt$short".into(),
            "$2b$".into(),
            "$2b$05$short".into(),
            format!("$2b$99${}", &hash[..53]),
            "$y$".into(),
            "$y$j9T$salt$short".into(),
            format!("$y$j9T${}", &hash[..43]),
            "$7$CU..../....salt$short".into(),
        ] {
            assert!(!is_hash(&text), "{text}");
        }
    }
}
