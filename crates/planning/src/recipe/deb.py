# Takes one file or folder out of a Debian binary package (deb(5)). Arguments: the package, the path in it, and the file that is made: of a
# folder, an archive with that folder at its top.
import os, shutil, stat, subprocess, sys

SHOWN = 8
HEADER = 60
DECOMPRESS = {"": None, ".gz": "gzip", ".xz": "xz", ".zst": "zstd --long=31"}


def fail(text, hint):
    sys.exit(f"error: {text}\nhint: {hint}")


def members(package):
    """Name, offset and size of each member of an ar archive."""
    if package.read(8) != b"!<arch>\n":
        return
    while len(header := package.read(HEADER)) == HEADER and header[58:] == b"`\n":
        size = int(header[48:58])
        yield header[:16].decode().rstrip(" /"), package.tell(), size
        package.seek(size + size % 2, os.SEEK_CUR)


def unpack(file, directory):
    """Unpacks the files of a package."""
    with open(file, "rb") as package:
        for member, offset, size in members(package):
            suffix = member.removeprefix("data.tar")
            if member == "data.tar" + suffix and suffix in DECOMPRESS:
                break
        else:
            fail(f"source `{name}` is not a Debian binary package, or is compressed in a way that is not known", "check where the file comes from")
        package.seek(offset)
        program = [f"--use-compress-program={DECOMPRESS[suffix]}"] if suffix else []
        command = ["tar", "-xf", "-", "--no-same-owner", *program, "-C", directory]
        with subprocess.Popen(command, stdin=subprocess.PIPE) as tar:
            try:
                while size and (piece := package.read(min(size, 1 << 20))):
                    size -= len(piece)
                    tar.stdin.write(piece)
            except BrokenPipeError:
                pass
            finally:
                tar.stdin.close()
        if tar.returncode or size:
            fail(f"source `{name}` cannot be unpacked; the lines above say why", "fetch it again: it may be damaged")


def nearest(directory, path):
    """What lies in the last folder of a path that is there."""
    while path and not os.path.isdir(os.path.join(directory, path)):
        path = os.path.dirname(path)
    listed = sorted(os.listdir(os.path.join(directory, path)))
    more = f"\n  and {len(listed) - SHOWN} more" if len(listed) > SHOWN else ""
    return f"`/{path}` of it contains" + "".join(f"\n  {entry}" for entry in listed[:SHOWN]) + more


file, path, target = sys.argv[1:]
name, fresh = os.path.basename(file), target + ".unpacked"
shutil.rmtree(fresh, ignore_errors=True)
os.makedirs(fresh)
unpack(file, fresh)
found = os.path.join(fresh, path)
if os.path.realpath(found) != os.path.join(os.path.realpath(fresh), path) or not os.path.exists(found):
    fail(f"source `{name}` does not contain `/{path}` as a file or folder; {nearest(fresh, path)}", "correct `path`")
if stat.S_ISDIR(os.lstat(found).st_mode):
    top, entry = os.path.split(found)
    subprocess.run(["tar", "-cf", target, "--sort=name", "-C", top, "./" + entry], check=True)
else:
    os.rename(found, target)
shutil.rmtree(fresh)
