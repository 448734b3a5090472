//! Stripping what was installed.

use super::Phase;

/// Programs lose their symbol tables, libraries all but their dynamic symbols, objects and archives their debug information.
/// What is no ELF file is told by its first bytes, so that scripts and data are never touched.
const SCRIPT: &str = r#"python3 - "$DESTDIR" <<'PYTHON'
import os, subprocess, sys

def kind(path):
    with open(path, "rb") as file:
        head = file.read(18)
    if head[:8] == b"!<arch>\n":
        return "archive"
    if head[:4] != b"\x7fELF":
        return None
    return {1: "object", 2: "program", 3: "library"}.get(head[16])

OPTIONS = {
    "archive": ["--strip-debug", "--enable-deterministic-archives"],
    "object": ["--strip-debug"],
    "program": ["--strip-all", "--remove-section=.comment"],
    "library": ["--strip-unneeded", "--remove-section=.comment"],
}
for folder, folders, files in os.walk(sys.argv[1]):
    folders.sort()
    for name in sorted(files):
        path = os.path.join(folder, name)
        # Kernel modules and boot loader images keep every symbol they are loaded by.
        if os.path.islink(path) or name.endswith((".ko", ".mod", ".efi")):
            continue
        found = kind(path)
        if found is None:
            continue
        mode = os.stat(path).st_mode
        os.chmod(path, mode | 0o200)
        subprocess.run(["strip", *OPTIONS[found], path], check=True)
        os.chmod(path, mode)
PYTHON
"#;

/// The phase after installing.
pub fn phase() -> Phase {
    Phase { name: "strip", script: SCRIPT.to_owned(), cwd: "/build".into() }
}
