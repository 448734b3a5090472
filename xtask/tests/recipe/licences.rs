//! The licence texts that a build collects.

use super::bench::{LICENSE_FILES, run, run_then, script, source};

/// Runs a build of `members`, and then a check in the directory of the texts. `tables` begins with keys of `[package]`.
fn collected(members: &str, tables: &str, check: &str) {
    let check = format!("cd /build/licences\n{check}");
    run_then(&format!("source('a.tar', tar({members}))"), &format!("{}{tables}{}", source("a.tar", ""), script("true")), &check)
        .well(members);
}

#[test]
#[ignore = "needs the SDK: cargo xtask test"]
fn texts_are_found_by_their_names() {
    let own = "{'x/COPYING': 'gpl', 'x/LICENSE.MIT': 'mit', 'x/notice.txt': 'n', 'x/LICENSES/BSD.txt': 'bsd', 'x/Apache-LICENSE': 'a', \
        'x/license.c': 'c', 'x/README': 'r', 'x/licensed': 'no', 'x/.license': 'no'}";
    collected(
        own,
        "",
        "test \"$(find . -type f -printf '%P ' | tr ' ' '\\n' | sort | xargs)\" = 'Apache-LICENSE COPYING LICENSE.MIT LICENSES/BSD.txt notice.txt'",
    );
    collected("{'x/doc/COPYING': 'gpl', 'x/a': ''}", "", "test \"$(cat doc/COPYING)\" = gpl");
    collected("{'x/a': ''}", "", "test -z \"$(ls)\"");
}

#[test]
#[ignore = "needs the SDK: cargo xtask test"]
fn equal_texts_are_kept_once() {
    let members = "{'x/COPYING': 'the  text\\n', 'x/LICENSE': 'the text', 'x/vendor/a/LICENSE': 'the\\ntext', 'x/vendor/b/LICENSE': 'other', 'x/vendor/c/COPYING': 'other'}";
    let check = "
test -L LICENSE -a $(readlink LICENSE) = COPYING
test $(grep -cx other parts.txt) = 1
grep -x vendor/b/LICENSE parts.txt && grep -x vendor/c/COPYING parts.txt
! grep vendor/a parts.txt
";
    collected(members, "", check);
    let many = "{'x/COPYING': 'x', **{f'x/v/{n}/LICENSE': f'{n} ' * 4000 for n in range(9)}}";
    collected(
        many,
        "",
        "test ! -e parts.txt && test $(zcat parts.txt.gz | grep -c /LICENSE) = 9 && test $(od -An -tu4 -j4 -N4 parts.txt.gz) = 0",
    );
}

#[test]
#[ignore = "needs the SDK: cargo xtask test"]
fn links_out_of_the_sources_and_binary_files_are_no_texts() {
    let members = "{'x/COPYING': '->/etc/passwd', 'x/LICENSE': 'a\\0b', 'x/NOTICE': '', 'x/PATENTS': '->lost', 'x/LICENCE': 'text'}";
    collected(members, "", "test \"$(ls)\" = LICENCE");
    let ended = run(&format!("source('a.tar', tar({members}))"), &(source("a.tar", "") + &script("true")));
    for (name, why) in [("COPYING", "a link out of the sources"), ("LICENSE", "no text"), ("PATENTS", "a link to nothing")] {
        let note = format!("{name} has a licence's name and is left out: it is {why}");
        assert!(ended.log.contains(&note), "{}", ended.log);
    }
}

#[test]
#[ignore = "needs the SDK: cargo xtask test"]
fn folders_of_texts_are_read_at_any_depth() {
    let kernel =
        "{'x/COPYING': 'see', 'x/LICENSES/preferred/GPL-2.0': 'gpl', 'x/LICENSES/MIT.txt': 'mit', 'x/fs/LICENSES/deep/ISC': 'isc'}";
    collected(kernel, "", "test $(cat LICENSES/preferred/GPL-2.0)$(cat LICENSES/MIT.txt) = gplmit; grep -x isc parts.txt");
    collected("{'x/COPYING/gpl.txt': 'gpl', 'x/vendor/z/LICENSE': 'z'}", "", "test $(cat COPYING/gpl.txt) = gpl; grep -x z parts.txt");
}

#[test]
#[ignore = "needs the SDK: cargo xtask test"]
fn a_bundled_text_never_stands_for_the_projects_own() {
    for own in
        ["'x/LICENSE.html': '<p>terms'", "'x/LICENSE': ''", "'x/COPYING': ' \\n'", "'x/COPYING': '->COPYING'", "'x/LICENSE.pdf': 'a\\0b'"]
    {
        let sources = format!("source('a.tar', tar({{{own}, 'x/vendor/z/LICENSE': 'z'}}))");
        let ended = run(&sources, &(source("a.tar", "") + &script("true")));
        ended.failed_in(own, "licences", &["the project's own licence text `", "cannot be taken as it is", "license-files = ["]);
    }
    let named = source("a.tar", "") + &script("true") + &format!("{LICENSE_FILES}'LICENSE.html'");
    let sources = "source('a.tar', tar({'x/LICENSE.html': '<p>terms', 'x/vendor/z/LICENSE': 'z'}))";
    run_then(sources, &named, "test -f /build/licences/LICENSE.html").well("named");
}

#[test]
#[ignore = "needs the SDK: cargo xtask test"]
fn links_within_the_sources_and_utf16_are_texts() {
    let members = "{'x/COPYING': '->doc/terms.txt', 'x/doc/terms.txt': 'terms', 'x/LICENSE': 'other'.encode('utf-16')}";
    collected(members, "", "test $(cat COPYING)$(cat LICENSE) = termsother; test ! -e doc");
}

#[test]
#[ignore = "needs the SDK: cargo xtask test"]
fn a_spec_names_texts_that_are_called_otherwise() {
    let sources = "source('a.tar', tar({'x/doc/TERMS': 'terms', 'x/doc/more.md': 'more'}))";
    let tables = |globs: &str| source("a.tar", "") + &script("true") + &format!("{LICENSE_FILES}{globs}");
    let check = "cd /build/licences; test $(cat doc/TERMS)$(cat doc/more.md) = termsmore";
    run_then(sources, &tables("'doc/TERMS', 'doc/*.md'"), check).well("named");
    let ended = run(sources, &tables("'doc/NONE'"));
    ended.failed_in(
        "a glob that matches nothing",
        "licences",
        &["no text in the sources matches `doc/NONE`", "hint: remove it, or correct it"],
    );
}
