//! A clock for guests: a program that reports how long the machine has been running, and needs only a processor.

use std::path::Path;

use super::BenchError;
use image::oci::{self, Layer, Request};

/// Where a static program is loaded.
const BASE: u64 = 0x40_0000;

/// The headers before the code: those of the file and of its only segment.
const HEADERS_BYTES: usize = 64 + 56;

/// Prints the processor's time-stamp counter, which a machine that counts instructions starts at 0 and increments each nanosecond, and
/// `CLOCK_MONOTONIC` in nanoseconds, which starts with the kernel.
const CODE: [u8; 121] = [
    0x0f, 0x31, // rdtsc
    0x48, 0xc1, 0xe2, 0x20, // shl rdx, 32
    0x48, 0x09, 0xd0, // or rax, rdx
    0x49, 0x89, 0xc0, // mov r8, rax
    0x48, 0x83, 0xec, 0x50, // sub rsp, 80: a timespec, then text from its end downwards
    0xb8, 0xe4, 0x00, 0x00, 0x00, // mov eax, clock_gettime
    0xbf, 0x01, 0x00, 0x00, 0x00, // mov edi, CLOCK_MONOTONIC
    0x48, 0x89, 0xe6, // mov rsi, rsp
    0x0f, 0x05, // syscall
    0x48, 0x69, 0x04, 0x24, 0x00, 0xca, 0x9a, 0x3b, // imul rax, [rsp], 1000000000
    0x48, 0x03, 0x44, 0x24, 0x08, // add rax, [rsp + 8]
    0x48, 0x8d, 0x74, 0x24, 0x50, // lea rsi, [rsp + 80]
    0xb9, 0x0a, 0x00, 0x00, 0x00, // mov ecx, 10
    0xb3, 0x0a, // mov bl, '\n'
    0xe8, 0x24, 0x00, 0x00, 0x00, // call number
    0x4c, 0x89, 0xc0, // mov rax, r8
    0xb3, 0x20, // mov bl, ' '
    0xe8, 0x1a, 0x00, 0x00, 0x00, // call number
    0x48, 0x8d, 0x54, 0x24, 0x50, // lea rdx, [rsp + 80]
    0x48, 0x29, 0xf2, // sub rdx, rsi
    0xbf, 0x01, 0x00, 0x00, 0x00, // mov edi, 1
    0x89, 0xf8, // mov eax, edi: write
    0x0f, 0x05, // syscall
    0x31, 0xff, // xor edi, edi
    0xb8, 0x3c, 0x00, 0x00, 0x00, // mov eax, exit
    0x0f, 0x05, // syscall
    0x48, 0xff, 0xce, // number: dec rsi
    0x88, 0x1e, // mov [rsi], bl
    0x31, 0xd2, // digit: xor edx, edx
    0x48, 0xf7, 0xf1, // div rcx
    0x80, 0xc2, 0x30, // add dl, '0'
    0x48, 0xff, 0xce, // dec rsi
    0x88, 0x16, // mov [rsi], dl
    0x48, 0x85, 0xc0, // test rax, rax
    0x75, 0xee, // jnz digit
    0xc3, // ret
];

/// The program: a static ELF file for x86-64.
pub fn program() -> Vec<u8> {
    let size_bytes = (HEADERS_BYTES + CODE.len()) as u64;
    let mut file = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
    // An executable (2) for x86-64 (62), format 1.
    file.extend([2, 0, 62, 0, 1, 0, 0, 0]);
    // Entry point, offset of the program headers, no section headers.
    [BASE + HEADERS_BYTES as u64, 64, 0].iter().for_each(|word| file.extend(word.to_le_bytes()));
    // No flags; sizes of this header and of a program header; one program header; no section headers.
    [0_u16, 0, 64, 56, 1, 0, 0, 0].iter().for_each(|half| file.extend(half.to_le_bytes()));
    // A segment to load (1), readable and executable (5): the whole file.
    [1_u32, 5].iter().for_each(|half| file.extend(half.to_le_bytes()));
    [0, BASE, BASE, size_bytes, size_bytes, 0x1000].iter().for_each(|word| file.extend(word.to_le_bytes()));
    file.extend(CODE);
    file
}

/// Writes a container image with only this program, for `docker load`, as `kaon:bench-clock`.
pub fn write_image(folder: &Path, to: &Path) -> Result<(), BenchError> {
    let layer = folder.join("clock-layer.tar");
    let mut header = tar::Header::new_ustar();
    let program = program();
    header.set_size(program.len() as u64);
    header.set_mode(0o755);
    let mut builder = tar::Builder::new(Vec::new());
    let bytes = builder.append_data(&mut header, "clock", &program[..]).and_then(|()| builder.into_inner());
    let bytes = bytes.map_err(BenchError::io("write", &layer))?;
    std::fs::write(&layer, bytes).map_err(BenchError::io("write", &layer))?;
    let layers = [Layer { tar: layer, title: "clock".into() }];
    let (tag, command) = ("bench-clock", ["/clock".to_owned()]);
    let request = Request { tag, name: tag, summary: "A clock", command: &command, layers: &layers };
    oci::write_docker(&request, to).map_err(BenchError::around)
}

#[cfg(all(test, target_arch = "x86_64", target_os = "linux"))]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;
    use std::process::Command;

    use super::*;

    #[test]
    fn the_clock_runs_and_time_advances() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("clock");
        fs::write(&path, program()).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        let now = || -> Vec<u64> {
            let output = Command::new(&path).output().unwrap();
            assert!(output.status.success());
            String::from_utf8(output.stdout).unwrap().trim_end().split(' ').map(|word| word.parse().unwrap()).collect()
        };
        let (before, after) = (now(), now());
        assert_eq!((before.len(), after.len()), (2, 2));
        assert!(before.iter().zip(&after).all(|(before, after)| before < after), "{before:?} {after:?}");
    }
}
