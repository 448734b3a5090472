# Applies patches in the current directory. Arguments: `own FOLDER`, then for each patch its file, strip and permitted fuzz; or
# `archive FOLDER FUZZ`, then the patches of an unpacked archive that are applied, or none for all that its series lists.
import os, re, subprocess, sys

PLACES = ["debian/patches", "patches", ""]
LIST_THEM = "list the patches in the spec: `patches = [\"FILE\", …]`"


def fail(text, hint):
    sys.exit(f"error: {text}\nhint: {hint}")


def place_of(folder, file):
    """Where in an archive a file of its patches lies."""
    return next((place for place in PLACES if os.path.isfile(os.path.join(folder, place, file))), None)


def series(path, source):
    """The names and strips that a series lists, as quilt(1) reads them."""
    found = []
    with open(path, encoding="utf-8", errors="surrogateescape") as lines:
        for number, line in enumerate(lines, 1):
            name, *options = re.sub(r"(^|\s)#.*", "", line).split() or [""]
            if not name:
                continue
            strip = re.fullmatch(r"(?:-p ?(\d+|ab))?", " ".join(options))
            if strip is None:
                fail(f"line {number} of the series of `{source}` has an option that is not understood: {line.strip()}", LIST_THEM)
            found.append((name, "1" if strip[1] in (None, "ab") else strip[1]))
    return found


def from_archive(folder, names):
    """Names, paths and strips of the patches of an archive."""
    source = os.path.basename(folder)
    place = place_of(folder, names[0] if names else "series") or ""
    if names:
        patches = [(name, "1") for name in names]
    elif os.path.isfile(os.path.join(folder, place, "series")):
        patches = series(os.path.join(folder, place, "series"), source)
    else:
        fail(f"source `{source}` contains no series: no `debian/patches/series`, `patches/series` or `series`", LIST_THEM)
    if not patches:
        fail(f"the series of source `{source}` lists no patch", "remove this source from the spec")
    for name, strip in patches:
        path = os.path.join(folder, place, name)
        if not os.path.isfile(path):
            fail(f"source `{source}` contains no patch `{name}`", f"`{place or '.'}` contains {', '.join(sorted(os.listdir(os.path.join(folder, place)))[:20])}")
        yield name, path, strip


def advice(content, strip):
    """What about a patch that does not apply is known to be the cause."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "it is UTF-16 text: convert it to UTF-8, as `iconv -f UTF-16 -t UTF-8` does"
    if re.search(rb"^(GIT binary patch|Binary files .* differ)\r?$", content, re.MULTILINE):
        return "it changes binary files, which patch(1) cannot: put the new files beside the spec, and copy them in `prepare`"
    moved = [os.fsdecode(name) for name in re.findall(rb"^(?:rename|copy) from (.+?)\r?$", content, re.MULTILINE)]
    lacking = [name for name in moved if not os.path.lexists(name)]
    if lacking:
        return f"it renames or copies `{lacking[0]}`, which this source does not contain"
    old = re.findall(rb"^--- (\S+)", content, re.MULTILINE)
    if strip == "1" and old and all(not name.startswith((b"a/", b"/")) and os.path.exists(os.fsdecode(name)) for name in old):
        return "its paths have no leading `a/`: set `strip = 0` where the spec names it"
    if not old and not moved:
        return "it contains no change in the form that `diff -u` and `git diff` write; a mail may have to be decoded first"
    return "the lines above say which part of it does not fit this source"


def apply(name, path, strip, permitted):
    print(f"applying {name}", flush=True)
    with open(path, "rb") as file:
        content = file.read()
    # Without it, patch takes the last line for one that differs.
    if content and not content.endswith(b"\n"):
        content += b"\n"
    command = ["patch", f"-p{strip}", "--no-backup-if-mismatch", "-f"]
    done = subprocess.run(command, input=content, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    sys.stdout.buffer.write(done.stdout)
    sys.stdout.flush()
    if done.returncode != 0:
        fail(f"patch `{name}` does not apply", advice(content, strip))
    fuzz = max(map(int, re.findall(rb"with fuzz (\d+)", done.stdout)), default=0)
    if fuzz > permitted:
        fail(
            f"patch `{name}` applies only with fuzz {fuzz}: lines around its changes differ from this source, so it may change the wrong place",
            f"make the patch anew for this version or, if its result is right, set `fuzz = {fuzz}` where the spec names it",
        )


kind, folder, *rest = sys.argv[1:]
if kind == "own":
    for name, strip, fuzz in zip(*[iter(rest)] * 3):
        apply(name, os.path.join(folder, name), strip, int(fuzz))
else:
    for name, path, strip in from_archive(folder, rest[1:]):
        apply(name, path, strip, int(rest[0]))
