//! Archives of every shape and format.

use super::bench::{run, script, source};

#[test]
#[ignore = "needs the SDK: cargo xtask test"]
fn an_archive_with_one_folder_is_unpacked_without_it() {
    for (what, archive, keys, check) in [
        ("one folder", "{'x': None, 'x/f': 'f'}", "", "test -f f"),
        ("no member for the folder", "{'x/f': 'f', 'x/d/g': 'g'}", "", "test -f f -a -f d/g"),
        ("leading ./", "{'./': None, './x/': None, './x/f': 'f'}", "", "test -f f"),
        ("only . before", "{'./x/f': 'f', './x/d/g': 'g'}", "", "test -f f -a -f d/g"),
        ("strip = 2", "{'x/y/f': 'f'}", "strip = 2", "test -f f"),
        ("strip = 2 and ./", "{'./x/y/f': 'f'}", "strip = 2", "test -f f"),
        ("strip = 0", "{'f': 'f', 'd/g': 'g'}", "strip = 0", "test -f f -a -f d/g"),
        ("strip = 0 and into", "{'f': 'f', 'd/g': 'g'}", "strip = 0\ninto = 'a/b'", "test -f a/b/f -a -f a/b/d/g"),
        ("into", "{'x/f': 'f'}", "into = 'a-{version}'", "test -f a-1.0/f"),
    ] {
        run(&format!("source('a.tar', tar({archive}))"), &(source("a.tar", keys) + &script(check))).well(what);
    }
}

#[test]
#[ignore = "needs the SDK: cargo xtask test"]
fn an_archive_that_would_lose_files_is_refused() {
    for (what, archive, keys, texts) in [
        (
            "no folder",
            "{'Makefile': 'x', 'lib/x.c': 'x'}",
            "",
            &["exactly one folder at its top", "  Makefile\n  lib\n", "set `strip = 0`"][..],
        ),
        ("no folder, ./", "{'./': None, './f': 'x', './g': 'x'}", "", &["  f\n  g\n", "set `strip = 0`"]),
        ("two folders", "{'a/f': 'a', 'b/f': 'b'}", "", &["source `a.tar`", "  a\n  b\n", "`into = \"FOLDER\"`"]),
        ("one file", "{'f': 'f'}", "", &["  f\n", "set `strip = 0`"]),
        ("a link", "{'x': '->y'}", "", &["  x\n"]),
        ("beside the second folder", "{'x/y/f': 'f', 'x/README': 'r'}", "strip = 2", &["in `x`", "  README\n  y\n", "set `strip = 1`"]),
        ("nothing", "{}", "", &["contains nothing at its top"]),
    ] {
        let ended = run(&format!("source('a.tar', tar({archive}))"), &(source("a.tar", keys) + &script("true")));
        ended.failed_in(what, "unpack", texts);
    }
}

#[test]
#[ignore = "needs the SDK: cargo xtask test"]
fn archives_are_unpacked_into_one_tree_and_lose_nothing() {
    let sources = "
source('a.tar', tar({'a': None, 'a/d': None, 'a/d/one': '1', 'a/both': 'x', 'a/link': '->d', 'a/hard': '=>a/d/one'}))
source('b.tar', tar({'b/d/two': '2', 'b/both': 'x', 'b/link': '->d'}))
";
    let check = "
test $(cat d/one)$(cat d/two)$(cat both) = 12x
test -L link
test d/one -ef hard
test $(stat -c %Y d/one) = 1000000000
test $(stat -c %a d/one) = 644
test ! -e /build/src.unpacked
";
    run(sources, &(source("a.tar", "") + &source("b.tar", "") + &script(check))).well("both");
    let both = "and so does an earlier source, with other content";
    let kinds = "is a directory of one source and no directory in another";
    for (what, first, second, said) in [
        ("a file over a directory", "{'a/x/f': '1'}", "{'b/x': '2'}", kinds),
        // Links of an archive are never followed when writing.
        ("a directory over a link", "{'a/x': '->/etc', 'a/y': ''}", "{'b/x/f': '2'}", kinds),
        ("another file", "{'a/x': '1'}", "{'b/x': '2'}", both),
        ("another link", "{'a/x': '->1', 'a/y': ''}", "{'b/x': '->2', 'b/y': ''}", both),
        ("a link over a file", "{'a/x': '1'}", "{'b/x': '->y', 'b/y': '1'}", both),
    ] {
        for keys in ["", "strip = 0\n"] {
            let (first, second) = match keys {
                "" => (first.to_owned(), second.to_owned()),
                _ => (first.replace("a/", ""), second.replace("b/", "")),
            };
            let sources = format!("source('a.tar', tar({first})); source('b.tar', tar({second}))");
            let ended = run(&sources, &(source("a.tar", keys) + &source("b.tar", keys) + &script("true")));
            ended.failed_in(what, "unpack", &[said, "x`", "set `into`"]);
        }
    }
    let sources = "source('a.tar', tar({'a/contrib': '->/etc'})); source('b.tar', tar({'b/x': '2'}))";
    let ended = run(sources, &(source("a.tar", "") + &source("b.tar", "into = 'contrib/y'") + &script("true")));
    ended.failed_in("into through a link", "unpack", &["`into = \"contrib/y\"` of source `b.tar` leads through a link"]);
}

#[test]
#[ignore = "needs the SDK: cargo xtask test"]
fn every_format_is_known_by_its_content() {
    let sources = r#"
plain = tar({'x/f': 'content', 'x/l': '->f'})
source('tar', plain)
source('gz', gzip.compress(plain))
source('bz2', bz2.compress(plain))
source('xz', lzma.compress(plain))
source('lzma', lzma.compress(plain, format=lzma.FORMAT_ALONE))
source('zst', subprocess.run(['zstd', '-c'], input=plain, stdout=subprocess.PIPE, check=True).stdout)
# The manual of lzip, "File format": a stream of LZMA between a header and sums.
raw = lzma.compress(plain, format=lzma.FORMAT_RAW, filters=[{'id': lzma.FILTER_LZMA1, 'dict_size': 1 << 16, 'lc': 3, 'lp': 0, 'pb': 2}])
source('lz', b'LZIP\1\x10' + raw + struct.pack('<LQQ', zlib.crc32(plain), len(plain), 6 + len(raw) + 20))
with zipfile.ZipFile('/build/sources/zip', 'w') as archive:
    for name, mode in [('x/f', 0o100755), ('x/l', 0o120777)]:
        info = zipfile.ZipInfo(name)
        info.create_system, info.external_attr = 3, mode << 16
        archive.writestr(info, 'content' if name == 'x/f' else 'f')
"#;
    let formats = ["tar", "gz", "bz2", "xz", "lzma", "zst", "lz", "zip"];
    let tables: String = formats.iter().map(|format| source(format, &format!("into = 'in-{format}'"))).collect();
    let check = format!("for f in {}; do test $(cat in-$f/f) = content; test -L in-$f/l; done; test -x in-zip/f", formats.join(" "));
    run(sources, &(tables + &script(&check))).well("formats");
}

#[test]
#[ignore = "needs the SDK: cargo xtask test"]
fn archives_that_stand_one_behind_the_other_are_all_unpacked() {
    for (what, join) in [("plain", "one + two"), ("gzip", "gzip.compress(one) + gzip.compress(two)"), ("xz", "lzma.compress(one + two)")] {
        let sources = format!("one, two = tar({{'x/f': 'f'}}), tar({{'x/g': 'g'}})\nsource('a.tar', {join})");
        run(&sources, &(source("a.tar", "") + &script("test -f f -a -f g"))).well(what);
    }
}

#[test]
#[ignore = "needs the SDK: cargo xtask test"]
fn files_that_are_not_archives_are_refused() {
    for (what, content, texts) in [
        ("text", "b'#!/bin/sh\\necho\\n' * 99", &["source `a.bin` cannot be unpacked", "set `unpack = false`"][..]),
        ("a compressed file", "gzip.compress(b'text' * 999)", &["set `unpack = false`"]),
        ("a part", "gzip.compress(tar({'x/f': os.urandom(9999).hex()}))[:999]", &["unexpected end of file", "cannot be unpacked"]),
        ("nothing", "b''", &["set `unpack = false`"]),
        ("something behind it", "tar({'x/f': 'f'}) + b'garbage' * 999", &["set `unpack = false`"]),
    ] {
        let ended = run(&format!("source('a.bin', {content})"), &(source("a.bin", "") + &script("true")));
        ended.failed_in(what, "unpack", texts);
    }
    let kept = source("a.bin", "unpack = false") + &script("test $(cat $SOURCES/a.bin) = text");
    run("source('a.bin', b'text')", &kept).well("unpack = false");
}

#[test]
#[ignore = "needs the SDK: cargo xtask test"]
fn two_sources_of_one_name_are_told_apart() {
    let tables = source("one/v1.0.tar", "into = 'a'") + &source("two/v1.0.tar", "into = 'b'\nname = 'two.tar'");
    let sources = "source('v1.0.tar', tar({'x/who': 'A'})); source('two.tar', tar({'x/who': 'B'}))";
    run(sources, &(tables + &script("test $(cat a/who)$(cat b/who) = AB"))).well("both");
}

#[test]
#[ignore = "needs the SDK: cargo xtask test"]
fn a_zip_that_unzip_would_change_is_refused() {
    let zip = |name: &str| {
        format!(
            "with zipfile.ZipFile('/build/sources/a.zip', 'w') as archive:\n    archive.writestr('x/f', 'f')\n    archive.writestr('{name}', 'g')\n"
        )
    };
    for name in ["x/../../etc/g", "../g", "/etc/g"] {
        let ended = run(&zip(name), &(source("a.zip", "") + &script("true")));
        ended.failed_in(name, "unpack", &[&format!("source `a.zip` contains `{name}`, which is outside")]);
    }
    run(&zip("x/a..b"), &(source("a.zip", "") + &script("test -f a..b"))).well("dots in a name");
    // The encryption flag, in the local header and in the central directory.
    let encrypted = zip("x/g")
        + "data = bytearray(open('/build/sources/a.zip', 'rb').read())\n"
        + "for magic, at in ((b'PK\\3\\4', 6), (b'PK\\1\\2', 8)):\n    data[data.index(magic) + at] |= 1\n"
        + "source('a.zip', bytes(data))\n";
    let ended = run(&encrypted, &(source("a.zip", "") + &script("true")));
    ended.failed_in("encrypted", "unpack", &["source `a.zip` is encrypted: `x/f` needs a password", "make an archive without a password"]);
}

#[test]
#[ignore = "needs the SDK: cargo xtask test"]
fn zstd_with_a_large_window_is_unpacked() {
    let sources = "
plain = tar({'x/f': 'content'})
source('a.tar.zst', subprocess.run(['zstd', '-c', '--long=31', '--ultra', '-1'], input=plain, stdout=subprocess.PIPE, check=True).stdout)
";
    run(sources, &(source("a.tar.zst", "") + &script("test $(cat f) = content"))).well("long");
}

#[test]
#[ignore = "needs the SDK: cargo xtask test"]
fn files_from_the_future_are_dated_today() {
    let sources = "
buffer = io.BytesIO()
with tarfile.open(fileobj=buffer, mode='w') as archive:
    for path, kind in (('x', tarfile.DIRTYPE), ('x/Makefile', tarfile.REGTYPE), ('x/old', tarfile.REGTYPE)):
        member = tarfile.TarInfo(path)
        member.type, member.mode, member.mtime = kind, 0o755, 1000000000 if path == 'x/old' else 4000000000
        archive.addfile(member, io.BytesIO())
source('a.tar', buffer.getvalue())
";
    let check = "
for f in . Makefile; do test $(stat -c %Y $f) -le $(date +%s); done
test $(stat -c %Y old) = 1000000000
";
    run(sources, &(source("a.tar", "") + &script(check))).well("future");
}
