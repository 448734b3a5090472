# Builds Go programs. Arguments: `module`, or the directory of the import path in GOPATH; then the buildmode, tags and linker flags, then
# for each program its name and the path of its package.
import json, os, re, shutil, subprocess, sys

TOP = os.path.realpath("/build/src")
# Before it, a program cannot name the version whose behaviour it wants, and gets the same as go1.20.
FIRST_GODEBUG = (1, 21)
MISSING = re.compile(
    rb'cannot find package "([^"]+)"|(?:cannot find module|missing go\.sum entry for module) providing package ([^ :]+)'
    rb'|package (\S+) is not in std|(\S+): module lookup disabled by GOPROXY=off'
)


def fail(text, hint):
    sys.exit(f"error: {text}\nhint: {hint}")


def number(version):
    """A version of the language: `1.21`, `1.21.3` and `1.21rc1` are all of 1.21."""
    return tuple(map(int, re.findall(r"\d+", version)[:2]))


def read_module(file):
    command = ["go", "mod", "edit", "-json", file]
    done = subprocess.run(command, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, env={**os.environ, "GO111MODULE": "on"})
    if done.returncode:
        fail(f"`{os.path.relpath(file, TOP)}` cannot be read; the lines above say why", "correct it with a patch")
    return json.loads(done.stdout)


def godebug_lines(file):
    """The `godebug` lines of a `go.mod` (go.dev/ref/mod), which `go mod edit -json` leaves out."""
    with open(file, encoding="utf-8") as opened:
        text = re.sub("//.*", "", opened.read())
    found = re.findall(r"^godebug\s+(?:\(([^)]*)\)|(\S+))", text, re.MULTILINE)
    return dict(word.split("=", 1) for words in found for word in "".join(words).split() if "=" in word)


def module_of(folder):
    """The directory with the `go.mod` that a package below the source tree belongs to."""
    at = os.path.realpath(folder)
    while (at + "/").startswith(TOP + "/"):
        if os.path.isfile(os.path.join(at, "go.mod")):
            return at
        at = os.path.dirname(at)
    return None


def has_vendor(module):
    """Whether the dependencies of a module are vendored: beside its `go.mod`, or for a workspace beside its `go.work`."""
    at = module
    while (at + "/").startswith(TOP + "/"):
        if os.path.isfile(os.path.join(at, "go.work")):
            return os.path.isdir(os.path.join(at, "vendor"))
        at = os.path.dirname(at)
    return os.path.isdir(os.path.join(module, "vendor"))


def check_version(module, where, ours):
    wanted = module.get("Go", "1.16")
    if number(wanted) > number(ours):
        fail(f"`{where}` asks for go {wanted}, and the SDK has {ours}", "take a version of the source that this Go builds, or lower the line with a patch if nothing newer is used")


def language(gopath, folder, module):
    """In GOPATH mode Go passes over `go.mod`: a program's module is compiled as the version of Go that it names, as in module mode. What it
    imports is not, because the layer's packages and what a spec puts beside it may be patched for another version."""
    place = os.path.relpath(folder, os.path.join(gopath, "src"))
    return [f"-gcflags={place}/...=-lang=go{'.'.join(map(str, number(module['Go'])))}"] if "Go" in module else []


def set_godebug(folder, module, file):
    """Gives a program the runtime behaviour of the Go that its `go.mod` names (go.dev/doc/godebug), which GOPATH mode would not."""
    settings = godebug_lines(file)
    version = module.get("Go")
    if version and number(version) >= FIRST_GODEBUG:
        settings.setdefault("default", "go" + ".".join(map(str, number(version))))
    for name in sorted(os.listdir(folder)):
        if name.endswith(".go") and not name.endswith("_test.go"):
            with open(os.path.join(folder, name), encoding="utf-8", errors="replace") as file:
                for key in re.findall(r"^//go:debug\s+([^=\s]+)=", file.read(), re.MULTILINE):
                    settings.pop(key, None)
    if settings:
        with open(os.path.join(folder, "godebug_of_go_mod.go"), "w") as file:
            file.writelines(f"//go:debug {key}={value}\n" for key, value in sorted(settings.items()))
            file.write("\npackage main\n")


def build(name, package, flags):
    command = ["go", "build", "-p", os.environ["JOBS"], *flags, "-o", f"{os.environ['DESTDIR']}/usr/bin/{name}", package]
    missing = None
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE) as running:
        for line in running.stderr:
            sys.stderr.buffer.write(line)
            sys.stderr.flush()
            missing = missing or MISSING.search(line)
    if missing:
        lacking = os.fsdecode(next(filter(None, missing.groups())))
        if mode == "module":
            fail(
                f"`{lacking}` is not in the sources, and a build cannot fetch it",
                "take an archive with all dependencies in `vendor`, as `go mod vendor` and `go work vendor` lay them out; or set `import-path` to build with the SDK's go layer",
            )
        fail(
            f"`{lacking}` is neither in the sources nor in the SDK's go layer",
            "add the Debian package that contains it to the layer in `specs/sdk.toml`; or take an archive with all dependencies in `vendor`, and remove `import-path`",
        )
    if running.returncode:
        sys.exit(f"error: go cannot build `{package}`; the lines above say why")


mode, buildmode, tags, ldflags, *programs = sys.argv[1:]
# go finds its own files through /proc, which is empty in a sandbox without namespaces.
go = shutil.which("go")
if go:
    os.environ.setdefault("GOROOT", os.path.dirname(os.path.dirname(os.path.realpath(go))))
ours = subprocess.run(["go", "env", "GOVERSION"], stdout=subprocess.PIPE, encoding="utf-8", check=True).stdout.strip()
flags = [f"-buildmode={buildmode}", "-tags", tags, "-ldflags", ldflags]
if mode == "module":
    os.environ["GO111MODULE"] = "on"
for name, package in zip(*[iter(programs)] * 2):
    at = module_of(package) if os.path.isdir(package) else None
    where = os.path.relpath(os.path.join(at, "go.mod"), TOP) if at else None
    module = read_module(os.path.join(at, "go.mod")) if at else None
    if module:
        check_version(module, where, ours)
    if mode == "module":
        if not at:
            fail(f"no `go.mod` in or above `{package}`", "set `import-path`, and the sources are built in GOPATH mode")
        build(name, package, [*flags, *(["-mod=vendor"] if has_vendor(at) else [])])
    else:
        if module:
            set_godebug(package, module, os.path.join(at, "go.mod"))
        build(name, package, [*flags, *(language(mode, at, module) if module else [])])
