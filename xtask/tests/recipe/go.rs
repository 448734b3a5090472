//! Go programs, built as their `go.mod` requires.

use super::bench::{Ended, Sdk, run_on, source};

/// Builds the program `x` of a module with these files, and checks what it prints.
fn built(files: &str, keys: &str, printed: &str) -> Ended {
    let tables = source("a.tar", "") + &format!("[build.go]\nprograms = {{ x = '.' }}\n{keys}\n");
    let check = format!("test \"$($DESTDIR/usr/bin/x)\" = '{printed}'");
    run_on(Sdk::Go, &format!("source('a.tar', tar({files}))"), &tables, &check)
}

const PLACED: &str = "import-path = 'example.org/x'";

/// Prints what closures of a loop see, since each iteration has its own variable since Go 1.22 (the Go specification, "For statements"),
/// and the settings of the runtime that differ from those of the newest Go.
const PROGRAM: &str = r#"package main
import (
    "os"
    "runtime/debug"
)
func main() {
    var all []func()
    for i := 0; i < 3; i++ { all = append(all, func() { os.Stdout.WriteString(string(rune('0' + i))) }) }
    for _, one := range all { one() }
    info, _ := debug.ReadBuildInfo()
    for _, one := range info.Settings { if one.Key == "DefaultGODEBUG" { os.Stdout.WriteString(" " + one.Value) } }
}
"#;

fn module(go: &str, program: &str) -> String {
    format!("{{'a/go.mod': 'module example.org/x\\n\\n{go}\\n', 'a/x.go': r'''{program}'''}}", go = go.replace('\n', "\\n"))
}

#[test]
#[ignore = "needs the SDK: cargo xtask test"]
fn a_program_is_compiled_as_and_behaves_as_the_version_that_it_names() {
    let tables = source("a.tar", "") + &format!("[build.go]\nprograms = {{ x = '.' }}\n{PLACED}\n");
    for (go, printed) in [("go 1.21", "333 *=*"), ("go 1.22\ngodebug panicnil=1 // as before", "012 *panicnil=1*")] {
        // Compares with module mode for the same files, without the one that the build added.
        let check = format!(
            "ours=$($DESTDIR/usr/bin/x); [[ $ours = {} ]]\ncd -P $SRC; rm godebug_of_go_mod.go; test \"$ours\" = \"$(GO111MODULE=on go run .)\"",
            printed.replace(' ', "\\ ")
        );
        run_on(Sdk::Go, &format!("source('a.tar', tar({}))", module(go, PROGRAM)), &tables, &check).well(go);
    }
}

#[test]
#[ignore = "needs the SDK: cargo xtask test"]
fn a_newer_go_is_refused() {
    for keys in [PLACED, ""] {
        let ended = built(&module("go 1.99.1", PROGRAM), keys, "");
        ended.failed_in(
            keys,
            "build",
            &["`go.mod` asks for go 1.99.1, and the SDK has go1.", "take a version of the source that this Go builds"],
        );
    }
}

#[test]
#[ignore = "needs the SDK: cargo xtask test"]
fn what_a_program_imports_comes_from_vendor_or_the_layer() {
    let main = "package main\nimport \"example.org/lib\"\nfunc main() { lib.Say() }\n";
    let library = "package lib\nimport \"os\"\nfunc Say() { os.Stdout.WriteString(\"said\") }\n";
    let files = |vendored: &str| {
        format!(
            "{{'a/go.mod': 'module example.org/x\\n\\ngo 1.22\\n\\nrequire example.org/lib v1.0.0\\n', 'a/x.go': r'''{main}'''{vendored}}}"
        )
    };
    let list = "# example.org/lib v1.0.0\n## explicit; go 1.22\nexample.org/lib\n";
    let vendored =
        |list: &str| files(&format!(", 'a/vendor/modules.txt': '''{list}''', 'a/vendor/example.org/lib/lib.go': r'''{library}'''"));
    built(&vendored(list), "", "said").well("module mode");
    built(&vendored(list), PLACED, "said").well("GOPATH mode");
    let other = built(&vendored(&list.replace("v1.0.0", "v1.0.1")), "", "said");
    other.failed_in("another version", "build", &["inconsistent vendoring"]);
    built(&files(""), "", "said").failed_in(
        "no vendor",
        "build",
        &["`example.org/lib` is not in the sources, and a build cannot fetch it", "set `import-path`"],
    );
    let lacking = built(&files(""), PLACED, "said");
    lacking.failed_in(
        "not in the layer",
        "build",
        &["`example.org/lib` is neither in the sources nor in the SDK's go layer", "remove `import-path`"],
    );
    let workspace = format!(
        "{{'a/go.work': 'go 1.22\\nuse ./app\\nuse ./lib\\n', 'a/app/go.mod': 'module example.org/app\\n\\ngo 1.22\\n', 'a/app/x.go': r'''{main}''', \
         'a/lib/go.mod': 'module example.org/lib\\n\\ngo 1.22\\n', 'a/lib/lib.go': r'''{library}'''}}"
    );
    let tables = source("a.tar", "") + "[build.go]\nprograms = { x = './app' }\n";
    run_on(Sdk::Go, &format!("source('a.tar', tar({workspace}))"), &tables, "test $($DESTDIR/usr/bin/x) = said").well("a workspace");
    built("{'a/x.go': '''package main\nfunc main() {}\n'''}", "", "").failed_in("no module", "build", &["no `go.mod` in or above `.`"]);
}
