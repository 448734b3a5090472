//! Patches of archives and of the spec.

use super::bench::{run, script, source};

/// A tree with one file, and patches for it in two notations.
const SOURCES: &str = r#"
lines = [f'line {n}' for n in range(1, 21)]
source('a.tar', tar({'x/f': '\n'.join(lines) + '\n'}))

def patch(prefix, number, first=3, context=lambda text: text):
    """Changes line `number`; three lines of context at either side."""
    begin, before, after = number - 3, lines[number - 4:number - 1], lines[number:number + 3]
    body = [f' {context(line)}' for line in before] + [f'-{lines[number - 1]}', f'+CHANGED {number}'] + [f' {line}' for line in after]
    names = (f'{prefix[0]}f', f'{prefix[1]}f')
    return f'--- {names[0]}\n+++ {names[1]}\n@@ -{begin + first - 3},7 +{begin + first - 3},7 @@\n' + '\n'.join(body) + '\n'

P1, P0 = ('a/', 'b/'), ('', '')
ten, fifteen, plain = patch(P1, 10), patch(P1, 15), patch(P0, 5)
"#;

fn archive(members: &str) -> String {
    format!("{SOURCES}\nsource('p.tar', tar({members}))")
}

/// The spec's tables: the tree, the archive of patches with these keys, and a check of the result.
fn tables(keys: &str, check: &str) -> String {
    source("a.tar", "") + &source("p.tar", keys) + &script(check)
}

#[test]
#[ignore = "needs the SDK: cargo xtask test"]
fn a_series_is_found_and_applied() {
    let both = "test $(grep -c CHANGED f) = 2";
    for (what, members, check) in [
        (
            "debian",
            "{'debian/patches/series': 'x.patch\\ny/z.patch\\n', 'debian/patches/x.patch': ten, 'debian/patches/y/z.patch': fifteen}",
            both,
        ),
        ("patches", "{'patches/series': 'x.patch\\ny.patch', 'patches/x.patch': ten, 'patches/y.patch': fifteen}", both),
        ("top", "{'series': '# first\\nx.patch # why\\n\\ny.patch', 'x.patch': ten, 'y.patch': fifteen}", both),
        ("leading ./", "{'./series': 'x.patch\\ny.patch', './x.patch': ten, './y.patch': fifteen}", both),
        (
            "CRLF",
            "{'debian/patches/series': 'x.patch\\r\\ny.patch\\r\\n', 'debian/patches/x.patch': ten, 'debian/patches/y.patch': fifteen}",
            both,
        ),
        (
            "-p0",
            "{'series': 'x.patch -p0\\ny.patch -p1\\n', 'x.patch': plain, 'y.patch': ten}",
            "grep -x 'CHANGED 5' f && grep -x 'CHANGED 10' f",
        ),
        (
            "order",
            "{'series': 'b\\na\\n', 'a': ten.replace('line 10', 'CHANGED 10').replace('+CHANGED 10', '+TWICE'), 'b': ten}",
            "grep -x TWICE f",
        ),
    ] {
        run(&archive(members), &tables("patches = 'series'", check)).well(what);
    }
}

#[test]
#[ignore = "needs the SDK: cargo xtask test"]
fn a_series_that_gives_no_patch_fails() {
    for (what, members, texts) in [
        ("none", "{'debian/rules': 'x'}", &["source `p.tar` contains no series", "`debian/patches/series`"][..]),
        ("empty", "{'debian/patches/series': ''}", &["the series of source `p.tar` lists no patch"]),
        ("only comments", "{'patches/series': '# none yet\\n\\n'}", &["lists no patch"]),
        (
            "missing",
            "{'patches/series': 'x.patch\\nlost.patch\\n', 'patches/x.patch': ten}",
            &["contains no patch `lost.patch`", "x.patch"],
        ),
        ("option", "{'series': 'x.patch --reverse\\n', 'x.patch': ten}", &["line 1 of the series", "--reverse"]),
        ("second does not apply", "{'series': 'x\\ny\\n', 'x': ten, 'y': ten}", &["applying y", "patch `y` does not apply"]),
    ] {
        run(&archive(members), &tables("patches = 'series'", "true")).failed_in(what, "patch", texts);
    }
}

#[test]
#[ignore = "needs the SDK: cargo xtask test"]
fn patches_that_the_spec_lists_are_applied() {
    let members = "{'debian/patches/series': 'no\\n', 'debian/patches/x': ten, 'debian/patches/y': fifteen}";
    run(&archive(members), &tables("patches = ['y']", "grep 'CHANGED 15' f; ! grep 'CHANGED 10' f")).well("one of them");
    run(&archive("{'patches/x': ten}"), &tables("patches = ['x']", "grep 'CHANGED 10' f")).well("without a series");
    run(&archive(members), &tables("patches = ['x', 'z']", "true")).failed_in("missing", "patch", &["contains no patch `z`"]);
}

#[test]
#[ignore = "needs the SDK: cargo xtask test"]
fn fuzz_is_refused_unless_it_is_permitted() {
    let own = |content: &str| format!("{SOURCES}\nown('own.patch', {content})");
    let spec = |keys: &str, check: &str| source("a.tar", "") + &format!("[[patch]]\nfile = 'own.patch'\n{keys}\n\n") + &script(check);
    let fuzzy = "patch(P1, 10, context=lambda text: text.replace('line 7', 'line seven'))";
    let refused = ["patch `own.patch` applies only with fuzz 1", "set `fuzz = 1`"];
    run(&own(fuzzy), &spec("", "true")).failed_in("fuzz", "patch", &refused);
    run(&own(fuzzy), &spec("fuzz = 1", "grep 'CHANGED 10' f")).well("fuzz = 1");
    run(&own("patch(P1, 10, first=7)"), &spec("", "grep 'CHANGED 10' f")).well("an offset");
    run(&own("ten.rstrip('\\n')"), &spec("", "grep 'CHANGED 10' f")).well("no newline at the end");
    run(&own("plain"), &spec("strip = 0", "grep 'CHANGED 5' f")).well("strip = 0");
    run(&own("ten.replace('-line 10', '-line ten')"), &spec("fuzz = 2", "true")).failed_in("other", "patch", &["does not apply"]);
    let members = format!("{{'series': 'x\\n', 'x': {fuzzy}}}");
    run(&archive(&members), &tables("patches = 'series'", "true")).failed_in("series", "patch", &["applies only with fuzz 1"]);
    run(&archive(&members), &tables("patches = 'series'\nfuzz = 1", "grep 'CHANGED 10' f")).well("series with fuzz = 1");
}

#[test]
#[ignore = "needs the SDK: cargo xtask test"]
fn a_patch_in_another_form_is_explained() {
    let spec = source("a.tar", "") + "[[patch]]\nfile = 'own.patch'\n\n" + &script("true");
    for (what, content, text) in [
        ("UTF-16", "ten.encode('utf-16')", "it is UTF-16 text: convert it to UTF-8"),
        ("no prefix", "plain", "set `strip = 0` where the spec names it"),
        ("binary", "'diff --git a/x b/x\\nGIT binary patch\\nliteral 1\\nIcmZPo\\n\\n'", "it changes binary files, which patch(1) cannot"),
        (
            "rename",
            "'diff --git a/lost b/new\\nsimilarity index 100%\\nrename from lost\\nrename to new\\n'",
            "it renames or copies `lost`, which this source does not contain",
        ),
        ("mail", "'Subject: [PATCH] x\\nContent-Transfer-Encoding: base64\\n\\nLS0tIGEvZgo=\\n'", "a mail may have to be decoded first"),
    ] {
        run(&format!("{SOURCES}\nown('own.patch', {content})"), &spec).failed_in(what, "patch", &["does not apply", text]);
    }
}
