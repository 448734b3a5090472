//! The scripts that build a kernel.
//!
//! What they need of `kernel-config` is in their text, so the build's key changes exactly when the configuration does.

use super::Kernel;
use planning::recipe::{Phase, SOURCE_TREE};

/// The certificate's path in the kernel's tree; `CONFIG_SYSTEM_TRUSTED_KEYS` names the same path.
pub const CERTIFICATE: &str = "certs/kaon-modules.pem";

/// Checks the configuration before the long compilation begins.
const VERIFY: &str = include_str!("verify.py");

/// The kernel must not contain who built it, where and when. Compiler flags for programs must not apply to the kernel.
const PRELUDE: &str = r#"unset CFLAGS CXXFLAGS LDFLAGS PKG_CONFIG_LIBDIR
export KBUILD_BUILD_USER=kaon KBUILD_BUILD_HOST=kaon KBUILD_BUILD_VERSION=1
export KBUILD_BUILD_TIMESTAMP="$(date -u -d "@$SOURCE_DATE_EPOCH")"
"#;

/// Modules are stripped of debug information. They are compressed and indexed unsigned: they are signed outside of the sandbox, where the
/// key is. Signed modules keep their names, and the index contains only names.
const INSTALL: &str = r#"release=$(make -s kernelrelease)
modules=$DESTDIR/usr/lib/modules/$release
make INSTALL_MOD_PATH="$DESTDIR/usr" INSTALL_MOD_STRIP=1 DEPMOD=true modules_install
rm -f "$modules/build" "$modules/source"
find "$modules" -name '*.ko' -print0 | sort -z | xargs -0 -r zstd -q --rm -3
install -m 644 arch/x86/boot/bzImage "$modules/vmlinuz"
install -m 644 .config "$modules/config"
install -m 644 System.map "$modules/System.map"
depmod -b "$DESTDIR/usr" -m /lib/modules -F System.map "$release"
"#;

/// The phases between unpacking and packaging. The kernel will trust modules signed for `certificate_pem`.
pub fn phases(kernel: &Kernel<'_>, certificate_pem: &str) -> Vec<Phase> {
    let phase = |name, script: String| Phase { name, script: format!("{PRELUDE}{script}"), cwd: SOURCE_TREE.into() };
    let configure = [
        document("/build/kernel/merged.config", &kernel.merged.to_config()),
        document("/build/kernel/requests", &requests(kernel)),
        document("/build/kernel/promises", &promises(kernel)),
        document("/build/kernel/verify.py", VERIFY),
        document(CERTIFICATE, certificate_pem),
        "make KCONFIG_ALLCONFIG=/build/kernel/merged.config allnoconfig\n".into(),
        "python3 /build/kernel/verify.py .config /build/kernel/requests /build/kernel/promises\n".into(),
    ];
    vec![
        phase("configure", format!("mkdir -p /build/kernel\n{}", configure.concat())),
        phase("build", "make bzImage modules\n".into()),
        phase("install", INSTALL.into()),
    ]
}

/// Writes `text` to `path`. No line of the texts begins with the end mark.
fn document(path: &str, text: &str) -> String {
    let newline = if text.ends_with('\n') || text.is_empty() { "" } else { "\n" };
    format!("cat >{path} <<'__KAON_END__'\n{text}{newline}__KAON_END__\n")
}

fn requests(kernel: &Kernel<'_>) -> String {
    let line = |request: super::merge::Request<'_>| format!("{}\t{}\t{}\n", request.setting.symbol, request.setting.value, request.place());
    kernel.merged.winners().map(line).collect()
}

fn promises(kernel: &Kernel<'_>) -> String {
    let mut lines = String::new();
    for contract in &kernel.contracts {
        for assertion in &contract.assertions {
            lines.push_str(&format!("{}\t{}\t{}\t{}\n", assertion.symbol, assertion.allowed, contract.name, assertion.reason));
        }
    }
    lines
}
