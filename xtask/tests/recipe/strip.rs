//! Stripping of everything that can be in an install root.

use super::bench::{run, run_then, script};

/// Makes files of every kind, and files that must not change, named `same-…`.
const INSTALL: &str = r#"
mkdir -p $DESTDIR/usr/lib $DESTDIR/usr/share
cd $DESTDIR/usr/lib
echo 'int x; int f(void) { return x; } int main(void) { return f(); }' >/build/x.c
gcc -g -c /build/x.c -o object.o
gcc -g /build/x.c -o program
gcc -g -shared -fPIC /build/x.c -o libx.so
ln libx.so libx.so.1
ar rc libx.a object.o
cp program same-module.ko
cp program /build/outside
ln -s /build/outside link
chmod 0555 program
cp program capable
mkfifo pipe
python3 - <<'Q'
import os, socket, struct
socket.socket(socket.AF_UNIX).bind('sock')
os.mknod('whiteout', 0o20000, 0)
# cap_net_raw=ep (linux/capability.h, struct vfs_cap_data).
os.setxattr('capable', 'security.capability', struct.pack('<5I', 0x02000001, 1 << 13, 0, 0, 0))

def elf(machine, of, sections=0):
    """A file for a machine, with a text section where `sections` is not 0."""
    names, text = b'\0.text\0.shstrtab\0', b'\0' * 16
    table = 64 + 16 + len(names)
    head = b'\x7fELF\2\1\1' + bytes(9)
    head += struct.pack('<HHIQQQIHHHHHH', of, machine, 1, 0, 0, table if sections else 0, 0, 64, 0, 0, 64, 3 if sections else 0, 2 if sections else 0)
    def section(name, kind, flags, at, size, align):
        return struct.pack('<IIQQQQIIQQ', name, kind, flags, 0, at, size, 0, 0, align, 0)
    body = text + names + bytes(64) + section(1, 1, 6, 64, 16, 4) + section(7, 3, 0, 80, len(names), 1)
    return head + (body if sections else b'')

for name, content in {
    'arm64': elf(183, 2, 1), 'riscv.so': elf(243, 3, 1), 'prog.bpf.o': elf(247, 1, 1), 'bare': elf(62, 2),
    'i386': b'\x7fELF\1\1\1' + bytes(9) + struct.pack('<HHIIIIIHHHHHH', 2, 3, 1, 0, 0, 0, 0, 52, 32, 0, 40, 0, 0),
    'big': b'\x7fELF\2\2' + bytes(100), 'cut': b'\x7fELF\2\1\1', 'magic': b'\x7fELF', 'cut.a': b'!<arch>\ngarbage',
    'data.a': b'!<arch>\n' + b'garbage' * 99, 'lost': elf(62, 2, 1)[:90], 'text': b'text', 'empty': b'',
}.items():
    open('same-' + name, 'wb').write(content)
Q
sha256sum same-* >/build/sums
"#;

const CHECK: &str = r#"
cd $DESTDIR/usr/lib
sha256sum --quiet -c /build/sums
test -p pipe -a -S sock -a -c whiteout -a -L link
symbols() { readelf -SW $1 | grep -c '\.symtab' || true; }
debug() { readelf -SW $1 | grep -c '\.debug_info' || true; }
test $(symbols program)$(symbols libx.so) = 00
test $(debug object.o)$(debug libx.a)$(symbols object.o)$(symbols libx.a) = 0011
test $(debug /build/outside) = 1
test $(stat -c %a program) = 555
test libx.so -ef libx.so.1
test $(symbols capable) = 0
python3 -c "import os; assert os.getxattr('capable', 'security.capability')[4:8] == b'\\0\\x20\\0\\0'"
# strip leaves no files of its own.
test $(ls | wc -l) = 24
"#;

#[test]
#[ignore = "needs the SDK: cargo xtask test"]
fn only_files_of_this_machine_are_stripped() {
    let ended = run_then("", &script(INSTALL), CHECK);
    ended.well("strip");
    for left in ["bare", "lost"] {
        assert!(ended.log.lines().any(|line| line.starts_with("left alone: ") && line.contains(left)), "{left}: {}", ended.log);
    }
}

#[test]
#[ignore = "needs the SDK: cargo xtask test"]
fn files_that_globs_name_keep_their_symbols() {
    let install = "
echo 'int main(void) { return 0; }' >/build/x.c
gcc -g /build/x.c -o /build/x
for f in a.so ab.so b.so 'c[1].so' sub/a.so sub/deep/d; do install -D /build/x \"$DESTDIR/usr/lib/$f\"; done
";
    let check = "
cd $DESTDIR/usr/lib
for f in *.so sub/a.so sub/deep/d; do if readelf -SW \"$f\" | grep -q '\\.symtab'; then echo \"kept $f\"; else echo \"bare $f\"; fi; done
";
    for (globs, kept) in [
        ("'/usr/lib/a.so'", &["a.so"][..]),
        ("'/usr/lib/a*.so', '/usr/lib/sub/deep/*'", &["a.so", "ab.so", "sub/deep/d"]),
        ("'/usr/lib/?.so'", &["a.so", "b.so"]),
        ("'/usr/lib/[!b]*.so'", &["a.so", "ab.so", "c[1].so"]),
        ("'/usr/lib/c[[]1[]].so'", &["c[1].so"]),
        ("'/usr/lib/**/a.so'", &["a.so", "sub/a.so"]),
        ("'/usr/lib/sub/**'", &["sub/a.so", "sub/deep/d"]),
    ] {
        let ended = run_then("", &format!("{}keep-symbols = [{globs}]\n", script(install)), check);
        ended.well(globs);
        let found: Vec<&str> = ended.log.lines().filter_map(|line| line.strip_prefix("kept ")).collect();
        assert_eq!(found, kept, "{globs}: {}", ended.log);
    }
    let ended = run("", &format!("{}keep-symbols = ['/usr/lib/a.so', '/usr/bin/*']\n", script(install)));
    ended.failed_in("no match", "strip", &["no installed file matches `/usr/bin/*`"]);
}

#[test]
#[ignore = "needs the SDK: cargo xtask test"]
fn an_install_root_that_is_a_link_is_left_to_the_packager() {
    let install = "gcc -g -x c - -o /build/x <<<'int main(void) { return 0; }'\nmkdir /build/other\ncp /build/x /build/other/x\nrmdir $DESTDIR\nln -s /build/other $DESTDIR";
    run_then("", &script(install), "cmp /build/x /build/other/x").well("a link");
}
