//! Sources in Debian's binary packages.

use base::digest::Digest;

use super::bench::{run, script};

/// A source in a package.
fn package(path: &str, keys: &str) -> String {
    let sha256 = Digest::of_bytes("x");
    format!("[[source]]\ndeb = \"x-source_1-2_all.deb\"\npath = \"{path}\"\nsha256 = \"{sha256}\"\n{keys}\n\n")
}

/// The Python statement that writes a package with these files.
fn holds(files: &str, how: &str) -> String {
    format!("source('x-source_1-2_all.deb', deb({files}{how}))")
}

#[test]
#[ignore = "needs the SDK: cargo xtask test"]
fn an_archive_or_a_folder_of_a_package_is_unpacked() {
    for (what, files, path, keys, check) in [
        ("an archive", "{'./usr/src/x.tar.xz': lzma.compress(tar({'x-1/f': 'f'}))}", "usr/src/x.tar.xz", "", "test -f f"),
        ("a folder", "{'./usr/share/g/h/f': 'f', './usr/share/g/h/d/e': '->../f'}", "usr/share/g/h", "", "test -f f -a -L d/e"),
        ("a folder with its name", "{'./usr/g/f': 'f', './usr/other': 'o'}", "usr/g", "strip = 0", "test -f g/f -a ! -e other"),
        ("a folder put elsewhere", "{'./usr/g/f': 'f'}", "usr/g", "into = 'vendor/g'", "test -f vendor/g/f"),
        ("a name with blanks and quotes", "{'./usr/g/a \\'b': 'f'}", "usr/g", "", "test -f \"a \"\\'b"),
    ] {
        run(&holds(files, ""), &(package(path, keys) + &script(check))).well(what);
    }
    for how in [
        ", 'data.tar', bytes",
        ", 'data.tar.gz', gzip.compress",
        ", 'data.tar.zst', lambda data: subprocess.run(['zstd'], input=data, stdout=subprocess.PIPE, check=True).stdout",
    ] {
        run(&holds("{'./g/f': 'f'}", how), &(package("g", "") + &script("test -f f"))).well(how);
    }
}

#[test]
#[ignore = "needs the SDK: cargo xtask test"]
fn what_is_no_package_or_lacks_the_path_is_named() {
    for (what, source, path, texts) in [
        (
            "another path",
            holds("{'./usr/src/a': 'a', './usr/src/b': 'b'}", ""),
            "usr/src/c",
            &["`/usr/src/c`", "`/usr/src` of it contains\n  a\n  b"][..],
        ),
        ("through a link", holds("{'./usr/lib/f': 'f', './lib': '->usr/lib'}", ""), "lib/f", &["`/lib/f`"]),
        ("out of the package", holds("{'./x': '->/etc'}", ""), "x/hosts", &["`/x/hosts`"]),
        ("no package", "source('x-source_1-2_all.deb', tar({'g/f': 'f'}))".to_owned(), "g", &["is not a Debian binary package"]),
        ("cut off", "source('x-source_1-2_all.deb', deb({'./g/f': 'f' * 5000})[:-50])".to_owned(), "g", &["cannot be unpacked"]),
        ("another compression", holds("{'./g/f': 'f'}", ", 'data.tar.br', bytes"), "g", &["compressed in a way that is not known"]),
    ] {
        run(&source, &(package(path, "") + &script("true"))).failed_in(what, "unpack", texts);
    }
}
