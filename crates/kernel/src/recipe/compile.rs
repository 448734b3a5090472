//! Compiles a kernel without a certificate.
//!
//! What is needed of `kernel-config` is in the scripts' text, so the build's key changes exactly when the configuration does.

use super::{LINK, archive, document, phase};
use crate::Kernel;
use crate::merge::Request;
use crate::symbol::Value;
use planning::recipe::{Phase, SOURCE_TREE};

/// Checks the configuration before the long compilation begins.
const VERIFY: &str = include_str!("verify.py");

/// The kernel must not contain who built it, where and when.
const IDENTITY: &str = r#"export KBUILD_BUILD_USER=kaon KBUILD_BUILD_HOST=kaon KBUILD_BUILD_VERSION=1
export KBUILD_BUILD_TIMESTAMP="$(date -u -d "@$SOURCE_DATE_EPOCH")"
"#;

/// Modules are stripped of debug information. They are compressed and indexed unsigned: they are signed outside of the sandbox, where the
/// key is. Signed modules keep their names, and the index contains only names.
const INSTALL: &str = r#"release=$(make -s kernelrelease)
modules=/build/objects/out/usr/lib/modules/$release
mkdir -p /build/objects/out
make INSTALL_MOD_PATH=/build/objects/out/usr INSTALL_MOD_STRIP=1 DEPMOD=true modules_install
rm -f "$modules/build" "$modules/source"
find "$modules" -name '*.ko' -print0 | sort -z | xargs -0 -r zstd -q --rm -3
install -m 644 .config "$modules/config"
install -m 644 System.map "$modules/System.map"
depmod -b /build/objects/out/usr -m /lib/modules -F System.map "$release"
"#;

/// Debug information is there for BTF alone. What is kept is without it and has BTF: the kernel in any case, modules where they have types of
/// their own.
const TYPES: &str = r#"strip --strip-debug vmlinux
with_types=0
demand() { echo "error: $1" >&2; exit 1; }
case $(readelf --sections --wide vmlinux) in *' .BTF '*) ;; *) demand 'the kernel has no BTF' ;; esac
for module in $(find /build/objects/out -name '*.ko.zst' | sort); do
  zstd -q -d -f -o /build/module.ko "$module"
  sections=$(readelf --sections --wide /build/module.ko)
  case $sections in *' .debug_'*) demand "$module contains debug information" ;; esac
  case $sections in *' .BTF '*) with_types=$((with_types + 1)) ;; esac
done
echo "$with_types modules have BTF"
[ "$with_types" -gt 0 ] || demand 'no module has BTF'
"#;

/// The boot image is linked again from nothing but the archive, and must be the one that Kbuild made: if a kernel needs more than the archive
/// contains, that is noticed here, and not by each builder.
const PACK: &str = r#"python3 -IS /build/kernel/link.py collect /build/objects/src
archive=$DESTDIR$ARCHIVE
mkdir -p "$(dirname "$archive")" /build/check
tar -C /build/objects --sort=name --mtime="@$SOURCE_DATE_EPOCH" --owner=0 --group=0 --numeric-owner --format=gnu -cf "$archive" out src
tar -C /build/check -xf "$archive" src
cd /build/check/src
python3 -IS /build/kernel/link.py link
cmp arch/x86/boot/bzImage /build/src/arch/x86/boot/bzImage
"#;

/// The phases between unpacking and packaging that compile `kernel`.
pub fn compile(kernel: &Kernel<'_>) -> Vec<Phase> {
    let configure = [
        "mkdir -p /build/kernel\n".into(),
        document("/build/kernel/merged.config", &kernel.merged.to_config()),
        document("/build/kernel/requests", &requests(kernel)),
        document("/build/kernel/promises", &promises(kernel)),
        document("/build/kernel/verify.py", VERIFY),
        document("/build/kernel/link.py", LINK),
        "make KCONFIG_ALLCONFIG=/build/kernel/merged.config allnoconfig\n".into(),
        "python3 /build/kernel/verify.py .config /build/kernel/requests /build/kernel/promises\n".into(),
    ];
    let phase = |name, script: String| phase(name, format!("{IDENTITY}{script}"), SOURCE_TREE);
    let types = has_btf(kernel).then(|| phase("types", TYPES.into()));
    [phase("configure", configure.concat()), phase("build", "make bzImage modules\n".into()), phase("install", INSTALL.into())]
        .into_iter()
        .chain(types)
        .chain([phase("pack", format!("ARCHIVE={}\n{PACK}", archive(&kernel.flavour.name)))])
        .collect()
}

/// Whether types are made of debug information, which is not to be packaged.
fn has_btf(kernel: &Kernel<'_>) -> bool {
    kernel.merged.wishes().any(|(symbol, value)| symbol.name() == "DEBUG_INFO_BTF" && *value == Value::Yes)
}

fn requests(kernel: &Kernel<'_>) -> String {
    let line = |request: Request<'_>| format!("{}\t{}\t{}\n", request.setting.symbol, request.setting.value, request.place());
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
