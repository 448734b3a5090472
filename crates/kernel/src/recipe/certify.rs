//! Inserts a certificate into a compiled kernel.

use super::{LINK, archive, document, phase};
use planning::recipe::{Phase, SOURCE_TREE};

/// `insert-sys-cert` fills the room that `CONFIG_SYSTEM_EXTRA_CERTIFICATE` reserves in `vmlinux`, and refuses a certificate that is too long.
const INSERT: &str = r#"sed '/^-----/d' /build/kernel/certificate.pem | base64 -d >/build/kernel/certificate.der
scripts/insert-sys-cert -b vmlinux -c /build/kernel/certificate.der
"#;

const INSTALL: &str = r#"cp -a /build/objects/out/. "$DESTDIR"
for modules in "$DESTDIR"/usr/lib/modules/*; do
  install -m 644 arch/x86/boot/bzImage "$modules/vmlinuz"
done
"#;

/// The phases between unpacking and packaging that make the kernel of a flavour from its compiled objects. It will trust modules signed for
/// `certificate_pem`.
pub fn certify(flavour: &str, certificate_pem: &str) -> Vec<Phase> {
    let unpack = [
        "mkdir -p /build/kernel /build/objects\n".into(),
        document("/build/kernel/certificate.pem", certificate_pem),
        document("/build/kernel/link.py", LINK),
        format!("tar -C /build/objects -xf {}\n", archive(flavour)),
    ];
    vec![
        phase("objects", unpack.concat(), SOURCE_TREE),
        phase("certificate", INSERT.into(), OBJECTS),
        phase("build", "python3 -IS /build/kernel/link.py link\n".into(), OBJECTS),
        phase("install", INSTALL.into(), OBJECTS),
    ]
}

/// Where the kernel's tree is in the sandbox of the second step.
const OBJECTS: &str = "/build/objects/src";
