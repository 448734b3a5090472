"""Links the boot image from `vmlinux` with the commands that Kbuild recorded, in the kernel's tree or a part of it.

link.py collect DIRECTORY   copies what linking needs into DIRECTORY
link.py link                links; `vmlinux` may have changed in its data
"""
import os
import re
import shutil
import subprocess
import sys

BOOT = "arch/x86/boot"
PACKED = BOOT + "/compressed"
# In order, each from those before it. Exactly one of the compressed images was made.
COMPRESSED = [f"{PACKED}/vmlinux.bin.{kind}" for kind in ("gz", "bz2", "lzma", "xz", "lzo", "lz4", "zst")]
TARGETS = [
    f"{PACKED}/vmlinux.bin",
    *(target for target in COMPRESSED if os.path.exists(os.path.join(os.path.dirname(target), f".{os.path.basename(target)}.cmd"))),
    f"{PACKED}/piggy.S",
    f"{PACKED}/piggy.o",
    f"{PACKED}/vmlinux",
    f"{BOOT}/vmlinux.bin",
    f"{BOOT}/zoffset.h",
    f"{BOOT}/header.o",
    f"{BOOT}/setup.elf",
    f"{BOOT}/setup.bin",
    f"{BOOT}/bzImage",
]


def record_of(target):
    """The file in which Kbuild keeps the command and the prerequisites of a target."""
    return os.path.join(os.path.dirname(target), f".{os.path.basename(target)}.cmd")


def read(target):
    """The command of a target, and the files that its compiler read (scripts/Kbuild.include and scripts/basic/fixdep.c)."""
    with open(record_of(target), encoding="utf-8") as file:
        text = file.read().replace("\\\n", " ")
    command = re.search(r"^(?:saved)?cmd_\S+ := (.*)$", text, re.MULTILINE)
    if not command:
        sys.exit(f"error: {record_of(target)} contains no command: this kernel's Kbuild records them in another form")
    files = re.search(r"^deps_\S+ := (.*)$", text, re.MULTILINE)
    files = [word for word in files[1].split() if not word.startswith("$(")] if files else []
    return command[1].replace("$(pound)", "#").replace("$$", "$"), files


def members(path):
    """The files that a thin archive refers to; none for other files."""
    with open(path, "rb") as file:
        if file.read(8) != b"!<thin>\n":
            return []
    return subprocess.run(["ar", "t", path], check=True, stdout=subprocess.PIPE, encoding="utf-8").stdout.split()


def needed():
    """What linking reads, but for what it makes itself."""
    # Kbuild leaves the last one out of all prerequisites (scripts/basic/fixdep.c).
    files = {"vmlinux", "scripts/insert-sys-cert", "include/generated/autoconf.h"}
    for target in TARGETS:
        command, read_by_compiler = read(target)
        files.add(record_of(target))
        words = [word.removeprefix("./") for word in re.split(r"[\s'\"();|&<>]+", command)]
        files.update(word for word in [*words, *read_by_compiler] if word and not word.startswith("/") and os.path.isfile(word))
    for path in sorted(files):
        files.update(members(path))
    return sorted(files - set(TARGETS))


def collect(directory):
    for path in needed():
        copy = os.path.join(directory, path)
        os.makedirs(os.path.dirname(copy), exist_ok=True)
        shutil.copy(path, copy)


def link():
    for target in TARGETS:
        command, _ = read(target)
        print(f"  {target}", flush=True)
        subprocess.run(["bash", "-euo", "pipefail", "-c", command], check=True)


match sys.argv[1:]:
    case ["collect", directory]:
        collect(directory)
    case ["link"]:
        link()
    case _:
        sys.exit(__doc__)
