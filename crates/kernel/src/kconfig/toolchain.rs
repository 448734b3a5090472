//! Compiler tests of Kconfig, and the SDK's answers.

/// The SDK's tools in Kconfig's numbering: gcc 14.2, binutils 2.44.
const VERSIONS: [(&str, &str); 7] = [
    ("$(cc-version)", "140200"),
    ("$(as-version)", "24400"),
    ("$(ld-version)", "24400"),
    ("$(rustc-version)", "0"),
    ("$(rustc-llvm-version)", "0"),
    ("pahole-version.sh", "130"),
    ("-print-file-name=plugin", "n"),
];

/// Features of LLVM and Rust only. The test with `-D__SIZEOF_INT128__` fails with gcc because gcc has the type.
const NOT_GCC: [&str; 14] = [
    "= Clang",
    "= LLVM",
    "= LLD",
    "-qi llvm",
    "rust",
    "-fsanitize=kcfi",
    "-mllvm",
    "-fsanitize=kernel-memory",
    "-fsanitize=array-bounds",
    "-enable-trivial-auto-var-init",
    "-frandomize-layout-seed-file",
    "-D__SIZEOF_INT128__",
    "import lxml",
    "__counted_by__",
];

/// The answer to a compiler test, as a constant.
pub fn answer(probe: &str) -> &'static str {
    if let Some((_, version)) = VERSIONS.iter().find(|(question, _)| probe.contains(question)) {
        return version;
    }
    if NOT_GCC.iter().any(|question| probe.contains(question)) { "n" } else { "y" }
}
