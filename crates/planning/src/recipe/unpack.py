# Unpacks archives. Arguments: the source tree, then for each archive its file, the leading folders to leave out, and the place in the tree.
import filecmp, os, shutil, stat, subprocess, sys, time, zipfile

SHOWN = 8


def fail(text, hint):
    sys.exit(f"error: {text}\nhint: {hint}")


def check_zip(file, name):
    """unzip(1) leaves out `..` and asks for passwords: both would be lost in silence."""
    try:
        with zipfile.ZipFile(file) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, NotImplementedError):
        return
    for member in members:
        if member.filename.startswith("/") or ".." in member.filename.split("/"):
            fail(f"source `{name}` contains `{member.filename}`, which is outside of the folder it is unpacked in", "check where the file comes from")
        if member.flag_bits & 1:
            fail(f"source `{name}` is encrypted: `{member.filename}` needs a password", "make an archive without a password, and use that one")


def settle_times(directory):
    """Files from the future would make make(1) build for ever, or not at all."""
    now = time.time()
    for folder, folders, files in os.walk(directory):
        for path in (os.path.join(folder, entry) for entry in folders + files):
            if os.lstat(path).st_mtime > now:
                os.utime(path, (now, now), follow_symlinks=False)


def unpack(file, name, directory):
    with open(file, "rb") as opened:
        magic = opened.read(4)
    if magic in (b"PK\3\4", b"PK\5\6"):
        # unzip(1): 1 stands for warnings, with everything unpacked.
        check_zip(file, name)
        command, good = ["unzip", "-q", "-o", file, "-d", directory], (0, 1)
    else:
        # tar would stop at the end of the first of several archives in one file, and leave out the others in silence.
        command, good = ["tar", "-xf", file, "--ignore-zeros", "--no-same-owner", "-C", directory], (0,)
        if magic == b"LZIP" or magic.startswith(b"]\0\0"):
            # tar would call lzip, which the SDK lacks, or know lzma by the name only; xz reads both formats.
            command.append("--use-compress-program=xz")
        elif magic == b"\x28\xb5\x2f\xfd":
            # Frames with a larger window than zstd takes by itself.
            command.append("--use-compress-program=zstd --long=31")
    if subprocess.run(command, stdin=subprocess.DEVNULL).returncode not in good:
        fail(
            f"source `{name}` cannot be unpacked as an archive; the lines above say why",
            "if it is a damaged archive, take another one; if it is no tar or zip archive, set `unpack = false`: it is then found in $SOURCES as it is",
        )


def stripped(top, name, strip):
    """The directory whose content is wanted: `strip` levels down, each of which contains one folder and nothing else."""
    at = top
    for level in range(strip):
        names = sorted(os.listdir(at))
        if len(names) == 1 and stat.S_ISDIR(os.lstat(os.path.join(at, names[0])).st_mode):
            at = os.path.join(at, names[0])
            continue
        place = "at its top" if level == 0 else f"in `{os.path.relpath(at, top)}`"
        if not names:
            fail(f"source `{name}` contains nothing {place}, and `strip = {strip}` needs a folder there", f"set `strip = {level}`, or check the file")
        listed = "".join(f"\n  {entry}" for entry in names[:SHOWN])
        more = f"\n  and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
        fail(
            f"source `{name}` does not contain exactly one folder {place}, so `strip = {strip}` would lose or mix up files; it contains{listed}{more}",
            f"set `strip = {level}` for this source, and `into = \"FOLDER\"` where it should have a folder of its own",
        )
    return at


def is_same(old, new):
    """Whether two files, or two links, are equal."""
    if os.path.islink(old) or os.path.islink(new):
        return os.path.islink(old) and os.path.islink(new) and os.readlink(old) == os.readlink(new)
    return os.path.isfile(old) and os.path.isfile(new) and filecmp.cmp(old, new, shallow=False)


def merge(source, target, name):
    """Moves the content of a directory into another: directories are joined, and files must not be lost."""
    for entry in sorted(os.listdir(source)):
        old, new = os.path.join(source, entry), os.path.join(target, entry)
        info = os.lstat(old)
        try:
            existing = os.lstat(new).st_mode
        except FileNotFoundError:
            os.rename(old, new)
            continue
        if stat.S_ISDIR(info.st_mode) and stat.S_ISDIR(existing):
            merge(old, new, name)
            os.chmod(new, stat.S_IMODE(info.st_mode))
            os.utime(new, ns=(info.st_atime_ns, info.st_mtime_ns))
        elif stat.S_ISDIR(info.st_mode) or stat.S_ISDIR(existing):
            fail(f"`{new}` is a directory of one source and no directory in another", "set `into` for one of them")
        elif not is_same(old, new):
            shown = os.path.relpath(new, tree)
            fail(f"source `{name}` contains `{shown}`, and so does an earlier source, with other content", "set `into` for one of them, so that neither is lost")


tree, *archives = sys.argv[1:]
for file, strip, into in zip(*[iter(archives)] * 3):
    name, target = os.path.basename(file), os.path.join(tree, into)
    if os.path.realpath(target) != os.path.normpath(target):
        fail(f"`into = \"{into}\"` of source `{name}` leads through a link that an earlier source contains", "set another `into`")
    os.makedirs(target, exist_ok=True)
    # On the file system of the tree, where moving is renaming. What an earlier try left is of no use.
    fresh = tree + ".unpacked"
    shutil.rmtree(fresh, ignore_errors=True)
    os.mkdir(fresh)
    unpack(file, name, fresh)
    settle_times(fresh)
    merge(stripped(fresh, name, int(strip)), target, name)
    shutil.rmtree(fresh)
