# Strips what was installed. Arguments: the install root, then for each glob of files that keep their symbols the glob and its regular
# expression. What is no regular file is never opened: the packager names it.
import errno, os, re, stat, struct, subprocess, sys

OPTIONS = {
    "archive": ["--strip-debug", "--enable-deterministic-archives"],
    "object": ["--strip-debug"],
    "program": ["--strip-all", "--remove-section=.comment"],
    "library": ["--strip-unneeded", "--remove-section=.comment"],
}
TYPES = {1: "object", 2: "program", 3: "library"}
EM_X86_64 = 62
ELF_HEADER = 64
ARCHIVE = b"!<arch>\n"
MEMBER_HEADER = 60
CAPABILITIES = "security.capability"
# Messages of strip that tell of this machine and not of the file.
SERIOUS = [os.strerror(number) for number in (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.ENOMEM, errno.EROFS)] + ["exhausted"]


def elf_kind(head):
    """What an ELF file for this machine is to strip, by its header: 64 bits, least significant byte first."""
    if len(head) < ELF_HEADER or not head.startswith(b"\x7fELF\2\1"):
        return None
    of, machine = struct.unpack_from("<HH", head, 16)
    return TYPES.get(of) if machine == EM_X86_64 else None


def has_objects(file):
    """Whether an archive is whole and contains an object for this machine. strip cuts off what follows a member that it cannot read."""
    found, at, end = False, len(ARCHIVE), file.seek(0, os.SEEK_END)
    while at < end:
        file.seek(at)
        header = file.read(MEMBER_HEADER)
        size = header[48:58].strip()
        if len(header) < MEMBER_HEADER or header[58:] != b"`\n" or not size.isdigit():
            return False
        found = found or elf_kind(file.read(ELF_HEADER)) == "object"
        # Members begin at even places.
        at += MEMBER_HEADER + int(size) + int(size) % 2
    return found and at <= end + 1


def kind(path):
    """What a file is to strip; None for data and for what another machine runs."""
    # Without following links, and without waiting for a writer should it be a pipe after all.
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with open(descriptor, "rb") as file:
        head = file.read(ELF_HEADER)
        if head.startswith(ARCHIVE):
            return "archive" if has_objects(file) else None
    return elf_kind(head)


def candidates(root, kept):
    """The files that are stripped, by kind."""
    found = {name: [] for name in OPTIONS}
    unused = dict(kept)
    for folder, folders, files in os.walk(root):
        folders.sort()
        for name in sorted(files):
            path = os.path.join(folder, name)
            # Kernel modules and boot loader images keep every symbol they are loaded by.
            if not stat.S_ISREG(os.lstat(path).st_mode) or name.endswith((".ko", ".mod", ".efi")):
                continue
            keeping = [glob for glob, pattern in kept if re.fullmatch(pattern, path.removeprefix(root), re.DOTALL)]
            for glob in keeping:
                unused.pop(glob, None)
            of = None if keeping else kind(path)
            if of is not None:
                found[of].append(path)
    for glob in unused:
        sys.exit(f"error: `keep-symbols`: no installed file matches `{glob}`\nhint: remove it, or correct it")
    return found


def strip(options, paths):
    """Strips files, which keep their modes and capabilities. Those that strip cannot read stay as they are."""
    modes = {path: stat.S_IMODE(os.lstat(path).st_mode) for path in paths}
    capabilities = {path: os.getxattr(path, CAPABILITIES) for path in paths if CAPABILITIES in os.listxattr(path)}
    for path, mode in modes.items():
        os.chmod(path, mode | 0o200)
    done = subprocess.run(["strip", *options, "--", *paths], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
    messages = os.fsdecode(done.stderr)
    if done.returncode < 0 or any(serious in messages for serious in SERIOUS):
        sys.exit(f"{messages}error: strip failed")
    for line in messages.splitlines():
        print(f"left alone: {line.removeprefix('strip: ')}" if done.returncode else line, flush=True)
    for path, mode in modes.items():
        os.chmod(path, mode)
    for path, value in capabilities.items():
        os.setxattr(path, CAPABILITIES, value)


BATCH = 200

root, *rest = sys.argv[1:]
if not os.path.islink(root):
    for of, paths in candidates(root, list(zip(rest[::2], rest[1::2]))).items():
        for at in range(0, len(paths), BATCH):
            strip(OPTIONS[of], paths[at : at + BATCH])
