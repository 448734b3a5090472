# Collects the licence texts of what is built. Arguments: the source tree, the directory they go to, the part of the tree that is built
# (or nothing), then pairs: `named GLOB` for texts that the spec names, `linked GLOB` for those of the SDK's libraries that are linked in.
import glob, gzip, os, re, stat, subprocess, sys, tomllib

NAMES = re.compile(r"(un)?licen[cs]es?|copying(v?\d)?|copyrights?|notices?|patents", re.IGNORECASE)
FOLDERS = {"licenses", "licences"}
# What a project calls a directory of its own texts.
OWN_FOLDERS = FOLDERS | {"license", "licence", "copying"}
# What is called after a licence but is code, data or a web page.
OTHER = re.compile(r"\.(asm|awk|c|cc|cmake|cpp|css|cs|d|go|h|hpp|html?|in|java|js|json|m4|ml|o|patch|php|pl|po|pot|py|rb|rs|S|sh|spdx|svg|tcl|tmpl|toml|ts|xml|ya?ml)$")
LARGEST = 8 << 20
# From here on the texts of parts are compressed: a container engine is made of hundreds.
PLAIN = 32 << 10
VENDOR = "/build/vendor"
TARGET = "x86_64-unknown-linux-gnu"


def is_named_so(name):
    words = re.split(r"[-._ ]", name)
    return any(NAMES.fullmatch(word) for word in (words[0], words[-1], *words[-2:-1]))


def is_text_of_licence(path):
    """Whether a file below the tree is a text by its name, or by the directory of texts that it is in, at any depth."""
    *folders, name = path.lower().split("/")
    if OTHER.search(path) or name.startswith("."):
        return False
    return is_named_so(name) or any(folder in FOLDERS for folder in folders) or (len(folders) == 1 and folders[0] in OWN_FOLDERS)


def left_out(path, why):
    print(f"note: {path} has a licence's name and is left out: {why}")


def read(path, tree):
    """The text of a file, as UTF-8; None for what is none. Links are followed within the tree only."""
    real = os.path.realpath(path)
    if real != path and not real.startswith(tree + "/"):
        return left_out(path, "it is a link out of the sources")
    try:
        info = os.stat(real)
    except OSError:
        return left_out(path, "it is a link to nothing")
    if not stat.S_ISREG(info.st_mode):
        return None
    if info.st_size > LARGEST:
        return left_out(path, f"it is longer than {LARGEST} bytes")
    with open(real, "rb") as file:
        content = file.read()
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        content = content.decode("utf-16", errors="replace").encode()
    if not content.strip():
        return left_out(path, "it is empty")
    return left_out(path, "it is no text") if b"\0" in content else content


def found(tree):
    """The texts below a directory, by their paths below it."""
    texts = {}
    for folder, folders, files in os.walk(tree):
        folders[:] = sorted(name for name in folders if name not in (".git", ".pc"))
        for name in files:
            path = os.path.join(folder, name)
            if is_text_of_licence(os.path.relpath(path, tree)):
                content = read(path, tree)
                if content is not None:
                    texts[os.path.relpath(path, tree)] = content
    return texts


def unusable(tree, built):
    """Files at the project's own top that are called after a licence, and are no texts as they are: pages, books, empty ones."""
    for top in sorted({tree, os.path.join(tree, built)}):
        for name in sorted(os.listdir(top) if os.path.isdir(top) else []):
            plain = re.sub(r"\.(docx?|gz|html?|odt|pdf|rtf|xml)$", "", name.lower())
            if NAMES.fullmatch(plain.split(".")[0]) and (plain != name.lower() or not OTHER.search(name)) and not os.path.isdir(os.path.join(top, name)):
                yield os.path.relpath(os.path.join(top, name), tree)


def own(texts, built):
    """Which texts are the project's own: at the top, in LICENSES there, and where the built part begins."""
    def is_own(path):
        for top in {"", built.strip("/")}:
            inside = os.path.relpath(path, top) if top else path
            first = inside.lower().split("/")[0]
            if not inside.startswith("../") and ("/" not in inside or first in OWN_FOLDERS):
                return True
        return False

    return {path for path in texts if is_own(path)}


def crates():
    """The crates that are compiled in, by name and version, with the folders they are in."""
    command = ["cargo", "tree", "--offline", "--workspace", "--edges", "normal,build", "--target", TARGET, "--prefix", "none", "--format", "{p}"]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, encoding="utf-8")
    if done.returncode:
        sys.exit("error: cargo cannot list the crates whose licence texts are collected")
    names = {" ".join(line.split()[:2]) for line in done.stdout.splitlines() if line}
    for name in sorted(names):
        folder = os.path.join(VENDOR, name.replace(" v", "-"))
        if os.path.isdir(folder):
            yield name, folder


def same(content):
    """What is equal of texts that are equal to the law."""
    return b" ".join(content.split())


def write(path, content):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(content)


def parts_text(parts, bare):
    """One file of the texts of all parts, each text once."""
    by_text, first = {}, {}
    for label, content in parts:
        by_text.setdefault(same(content), []).append(label)
        first.setdefault(same(content), content)
    lines = [b"The licence texts of the parts that this package is built from, each below the places it was found at."]
    for key, labels in by_text.items():
        lines += [b"", b"=" * 80, *(os.fsencode(label) for label in labels), b"-" * 80, b"", first[key].replace(b"\r\n", b"\n").strip(b"\n")]
    if bare:
        lines += [b"", b"=" * 80, b"Parts without a text of their own, and the licences they name:", *(os.fsencode(one) for one in bare)]
    return b"\n".join(lines) + b"\n"


def collect(tree, target, built, wishes):
    texts = found(tree)
    mine = own(texts, built)
    bad = [] if mine or any(kind == "named" for kind, _ in wishes) else list(unusable(tree, built))
    if bad:
        sys.exit(
            f"error: the project's own licence text `{bad[0]}` cannot be taken as it is: it must be a text that is not empty, and those found elsewhere may be of other projects\n"
            f"hint: name the text in `[package]`: license-files = [\"{bad[0]}\"], or that of another file"
        )
    # Without any, those that are least deep.
    least = min((path.count("/") for path in texts), default=0)
    mine = mine or {path for path in texts if path.count("/") == least}
    files = {path: texts[path] for path in sorted(mine)}
    parts = [(path, texts[path]) for path in sorted(texts) if path not in mine]
    bare = []
    for kind, pattern in wishes:
        paths = sorted(glob.glob(os.path.join(tree, pattern), recursive=True))
        # What the spec names may be linked to from anywhere in the sandbox, and what is linked in is outside of the sources.
        contents = [(path, read(os.path.realpath(path), tree)) for path in paths if not os.path.isdir(path)]
        contents = [(path, content) for path, content in contents if content is not None]
        if kind == "named" and not contents:
            sys.exit(f"error: `license-files`: no text in the sources matches `{pattern}`\nhint: remove it, or correct it")
        for path, content in contents:
            if kind == "linked":
                parts.append((os.path.basename(os.path.dirname(path)), content))
            else:
                inside = os.path.relpath(path, tree)
                files[os.path.basename(path) if inside.startswith("..") else inside] = content
    if os.path.isdir(VENDOR):
        for name, folder in crates():
            texts = found(folder)
            parts += [(f"{name}: {path}", texts[path]) for path in sorted(texts)]
            if not texts:
                with open(os.path.join(folder, "Cargo.toml"), "rb") as manifest:
                    bare.append(f"{name}: {tomllib.load(manifest)['package'].get('license', 'none named')}")
    names = {}
    for path, content in files.items():
        at = re.sub(r"[^A-Za-z0-9._+/-]", "_", path)
        first = names.setdefault(same(content), at)
        if first == at:
            write(os.path.join(target, at), content)
        else:
            os.makedirs(os.path.dirname(os.path.join(target, at)), exist_ok=True)
            os.symlink(os.path.relpath(first, os.path.dirname(at)), os.path.join(target, at))
    parts = [(label, content) for label, content in parts if same(content) not in names]
    if parts or bare:
        text = parts_text(parts, bare)
        if len(text) <= PLAIN:
            write(os.path.join(target, "parts.txt"), text)
        else:
            write(os.path.join(target, "parts.txt.gz"), gzip.compress(text, 9, mtime=0))


tree, target, built, *wishes = sys.argv[1:]
os.makedirs(target, exist_ok=True)
collect(os.path.realpath(tree), target, built, list(zip(wishes[::2], wishes[1::2])))
