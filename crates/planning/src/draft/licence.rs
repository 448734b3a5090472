//! Recognises the licence of an archive by the text of its licence file. Only texts that state exactly one licence are recognised; if in
//! doubt the user is asked, because a wrong licence is worse than none.

use super::system::Archive;

/// The licence in a licence file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Licence {
    /// This SPDX expression.
    Known(&'static str),
    /// One of these: the text is the same for all of them, and the source files say which one applies.
    OneOf([&'static str; 2]),
}

/// The beginnings of the names of files that contain a licence, in capitals.
const NAMES: [&str; 4] = ["COPYING", "LICENSE", "LICENCE", "COPYRIGHT"];

/// Whether a file of this name, without directories, contains a licence.
pub fn is_licence_file(name: &str) -> bool {
    let upper = name.to_ascii_uppercase();
    if name.contains('/') {
        return false;
    }
    NAMES.iter().filter_map(|start| upper.strip_prefix(start)).any(|rest| rest.is_empty() || rest.starts_with(['.', '-', '_']))
}

/// A licence whose text begins with its title.
struct Titled {
    title: &'static str,
    licence: Licence,
    /// Slightly more than the words of its text: a longer text contains something else as well, such as an exception.
    most_words: usize,
}

/// The licences of the GNU project. Their texts do not decide between the two expressions, so their length does not matter.
const fn gnu(title: &'static str, only: &'static str, or_later: &'static str) -> Titled {
    Titled { title, licence: Licence::OneOf([only, or_later]), most_words: usize::MAX }
}

const fn titled(title: &'static str, spdx: &'static str, most_words: usize) -> Titled {
    Titled { title, licence: Licence::Known(spdx), most_words }
}

const TITLED: [Titled; 11] = [
    gnu("gnu general public license version 2", "GPL-2.0-only", "GPL-2.0-or-later"),
    gnu("gnu general public license version 3", "GPL-3.0-only", "GPL-3.0-or-later"),
    gnu("gnu lesser general public license version 2.1", "LGPL-2.1-only", "LGPL-2.1-or-later"),
    gnu("gnu lesser general public license version 3", "LGPL-3.0-only", "LGPL-3.0-or-later"),
    gnu("gnu library general public license version 2", "LGPL-2.0-only", "LGPL-2.0-or-later"),
    gnu("gnu affero general public license version 3", "AGPL-3.0-only", "AGPL-3.0-or-later"),
    titled("apache license version 2.0 january 2004", "Apache-2.0", 1700),
    titled("mozilla public license version 2.0", "MPL-2.0", 2600),
    titled("boost software license - version 1.0", "BSL-1.0", 300),
    titled("creative commons legal code cc0 1.0 universal", "CC0-1.0", 1200),
    titled("this is free and unencumbered software released into the public domain", "Unlicense", 300),
];

/// A short licence: its text contains all of `with`, and none of `without`.
struct Short {
    spdx: &'static str,
    with: &'static [&'static str],
    without: &'static [&'static str],
}

const BSD: [&str; 2] = [
    "redistributions of source code must retain the above copyright notice",
    "redistributions in binary form must reproduce the above copyright notice",
];

const SHORT: [Short; 5] = [
    Short {
        spdx: "MIT",
        with: &[
            "permission is hereby granted free of charge to any person obtaining a copy of this software and associated documentation files",
            "the above copyright notice and this permission notice shall be included in all copies or substantial portions of the software",
        ],
        without: &["except as contained in this notice", "redistributions", "permission to use copy modify"],
    },
    Short {
        spdx: "ISC",
        with: &[
            "permission to use copy modify and/or distribute this software for any purpose with or without fee is hereby granted provided that the above copyright notice and this permission notice appear in all copies",
        ],
        without: &["redistributions", "permission is hereby granted"],
    },
    Short {
        spdx: "Zlib",
        with: &[
            "this software is provided 'as-is' without any express or implied warranty",
            "altered source versions must be plainly marked as such",
            "this notice may not be removed or altered from any source distribution",
        ],
        without: &["redistributions", "permission is hereby granted"],
    },
    Short {
        spdx: "BSD-3-Clause",
        with: &[BSD[0], BSD[1], "neither the name of"],
        without: &["advertising materials", "permission is hereby granted", "permission to use copy modify", "general public license"],
    },
    Short {
        spdx: "BSD-2-Clause",
        with: &[BSD[0], BSD[1]],
        without: &[
            "neither the name",
            "the name of the author",
            "names of its contributors",
            "advertising materials",
            "permission is hereby granted",
            "permission to use copy modify",
            "general public license",
        ],
    },
];

/// More words than any short licence with its copyright lines: a longer text contains something else as well.
const MOST_WORDS_OF_SHORT: usize = 400;

/// The licence according to all licence files at the top of an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FoundLicence {
    /// All of them state this licence.
    Sure(&'static str),
    /// It cannot be determined.
    Unsure {
        /// The files that may contain it.
        files: Vec<String>,
        /// The SPDX expressions it may be.
        candidates: Vec<&'static str>,
    },
}

/// The licence of an archive by the licence files in its directory `top`, which is empty or ends with a slash.
pub fn licence_of(archive: &Archive, top: &str) -> FoundLicence {
    let is_at_top = |path: &&String| path.strip_prefix(top).is_some_and(is_licence_file);
    let files: Vec<String> = archive.names.iter().filter(is_at_top).cloned().collect();
    let said: Vec<Option<Licence>> = files.iter().map(|file| licence(archive.texts.get(file).map_or("", String::as_str))).collect();
    if let Some(Some(Licence::Known(spdx))) = said.first()
        && said.iter().all(|other| *other == said[0])
    {
        return FoundLicence::Sure(spdx);
    }
    let named = |licence: Licence| match licence {
        Licence::Known(spdx) => vec![spdx],
        Licence::OneOf(pair) => pair.to_vec(),
    };
    let candidates = said.into_iter().flatten().flat_map(named).collect();
    FoundLicence::Unsure { files, candidates }
}

/// The licence that a licence file's text states, if it is clearly one of the common ones.
pub fn licence(text: &str) -> Option<Licence> {
    let text = plain(text);
    let words = text.split(' ').count();
    if let Some(titled) = TITLED.iter().find(|titled| text.starts_with(titled.title)) {
        return (words <= titled.most_words).then(|| titled.licence.clone());
    }
    if words > MOST_WORDS_OF_SHORT {
        return None;
    }
    let fits = |short: &&Short| short.with.iter().all(|part| text.contains(part)) && !short.without.iter().any(|part| text.contains(part));
    SHORT.iter().find(fits).map(|short| Licence::Known(short.spdx))
}

/// The text in lower case, without layout, comment markers and punctuation that differs between copies.
fn plain(text: &str) -> String {
    let lower = text.to_lowercase().replace(['\u{2018}', '\u{2019}', '`'], "'").replace([',', '(', ')', '*', '#', '"', ';', ':'], " ");
    let words: Vec<&str> = lower.split_whitespace().filter(|word| !matches!(*word, "//" | "=" | "--")).collect();
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIT: &str = "The MIT License (MIT)\n\nCopyright (c) 2015 A. Author <a@a.test>\n\nPermission is hereby granted, free of charge, to any person \
        obtaining a copy\nof this software and associated documentation files (the \"Software\"), to deal\nin the Software without restriction.\n\
        The above copyright notice and this permission notice shall be included in\nall copies or substantial portions of the Software.\n";
    const BSD2: &str = "Redistributions of source code must retain the above copyright\nnotice. Redistributions in binary form must reproduce \
        the above copyright notice.";
    const ISC: &str = "Permission to use, copy, modify, and/or distribute this software for any\npurpose with or without fee is hereby granted, \
        provided that the above\ncopyright notice and this permission notice appear in all copies.";
    const ZLIB: &str = " (C) 1995 Somebody\n\n  This software is provided 'as-is', without any express or implied\n  warranty.\n  2. Altered source \
        versions must be plainly marked as such.\n  3. This notice may not be removed or altered from any source distribution.\n";

    #[test]
    fn common_licences_are_recognised() {
        let bsd3 = format!("{BSD2} Neither the name of the University nor the names of its contributors may be used.");
        for (text, spdx) in [
            (MIT, "MIT"),
            (BSD2, "BSD-2-Clause"),
            (&bsd3, "BSD-3-Clause"),
            (ISC, "ISC"),
            (ZLIB, "Zlib"),
            ("\n                  Apache License\n            Version 2.0, January 2004\n", "Apache-2.0"),
            ("Mozilla Public License Version 2.0\n====", "MPL-2.0"),
            ("Boost Software License - Version 1.0 - August 17th, 2003", "BSL-1.0"),
        ] {
            assert_eq!(licence(text), Some(Licence::Known(spdx)), "{text}");
        }
    }

    #[test]
    fn the_gnu_texts_leave_open_whether_later_versions_apply() {
        let text = "                    GNU GENERAL PUBLIC LICENSE\n                       Version 2, June 1991\n";
        assert_eq!(licence(text), Some(Licence::OneOf(["GPL-2.0-only", "GPL-2.0-or-later"])));
        let text = "\t\t  GNU LESSER GENERAL PUBLIC LICENSE\n\t\t       Version 2.1, February 1999\n";
        assert_eq!(licence(text), Some(Licence::OneOf(["LGPL-2.1-only", "LGPL-2.1-or-later"])));
    }

    #[test]
    fn what_states_more_than_one_licence_is_not_recognised() {
        let advertising = format!("{BSD2} All advertising materials must display this. Neither the name of X may be used.");
        let long = format!("{MIT}{}", "more text ".repeat(400));
        for text in
            ["", "All rights reserved.", &advertising, &long, &format!("{MIT}\n{BSD2}"), &format!("{MIT}\n{ISC}"), "See GPL version 2."]
        {
            assert_eq!(licence(text), None, "{text}");
        }
    }

    #[test]
    fn all_licence_files_of_an_archive_must_agree() {
        let archive = |texts: &[(&str, &str)]| Archive {
            names: texts.iter().map(|(name, _)| (*name).to_owned()).collect(),
            texts: texts.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect(),
        };
        let of = |texts: &[(&str, &str)]| licence_of(&archive(texts), "x-1/");
        assert_eq!(of(&[("x-1/COPYING", MIT), ("x-1/LICENSE", MIT), ("x-1/lib/LICENSE", ISC)]), FoundLicence::Sure("MIT"));
        let unsure = |files: &[&str], candidates: &[&'static str]| FoundLicence::Unsure {
            files: files.iter().map(|file| (*file).to_owned()).collect(),
            candidates: candidates.to_vec(),
        };
        assert_eq!(of(&[("x-1/a.c", MIT)]), unsure(&[], &[]));
        assert_eq!(of(&[("x-1/COPYING", "?"), ("x-1/LICENSE", MIT)]), unsure(&["x-1/COPYING", "x-1/LICENSE"], &["MIT"]));
        let gpl = "GNU GENERAL PUBLIC LICENSE Version 3, 29 June 2007";
        assert_eq!(of(&[("x-1/COPYING", gpl)]), unsure(&["x-1/COPYING"], &["GPL-3.0-only", "GPL-3.0-or-later"]));
    }

    #[test]
    fn licence_files_by_name() {
        for name in ["COPYING", "COPYING.LIB", "LICENSE.md", "License.txt", "LICENCE", "copyright", "LICENSE-MIT"] {
            assert!(is_licence_file(name), "{name}");
        }
        for name in ["README", "licenses", "COPYINGS", "lib/COPYING", "NEWS"] {
            assert!(!is_licence_file(name), "{name}");
        }
    }
}
