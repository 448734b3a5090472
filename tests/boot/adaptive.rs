//! A BPF program that adapts to the kernel (CO-RE), loaded without a compiler or library for it.
//!
//! It reads its own process's number out of the kernel's `task_struct`. What it brings says that the number is the structure's first member; where
//! it really is, the kernel finds out from its own types while it loads the program.

use std::ffi::{c_int, c_long};
use std::io;

unsafe extern "C" {
    fn syscall(number: c_long, ...) -> c_long;
}

const SYS_BPF: c_long = 321;

// Commands of bpf(2).
const PROG_LOAD: c_int = 5;
const PROG_TEST_RUN: c_int = 10;
const BTF_LOAD: c_int = 18;

const RAW_TRACEPOINT: u32 = 17;

/// `bpf_get_current_task_btf()`; the load of the number from where it returns; the end.
static PROGRAM: [u64; 3] = [
    instruction(0x85, 0, 158),
    // A 32-bit load from register 0 into register 0, at offset 0 until the kernel changes that.
    instruction(0x61, 0, 0),
    instruction(0x95, 0, 0),
];

/// Where in the program, in bytes, is an offset to be put; of which type; of which of its members (an offset in the strings); and that it is
/// the member's offset in bytes.
static RELOCATION: [u32; 4] = [8, 2, 28, 0];

/// The function that begins at the first instruction.
static FUNCTION: [u32; 2] = [0, 4];

/// Names at 1, 5, 17 and 21, and at 28 the path of the member: number 0 of structure 0.
static STRINGS: &[u8] = b"\0int\0task_struct\0pid\0number\x000:0\0";

const fn instruction(code: u8, offset: i16, immediate: i32) -> u64 {
    code as u64 | (offset as u16 as u64) << 16 | (immediate as u32 as u64) << 32
}

/// The attributes passed to `bpf(2)`: 144 bytes; those that are not used are zero.
struct Attributes([u8; 144]);

impl Attributes {
    fn new() -> Self {
        Self([0; 144])
    }

    fn number(mut self, at: usize, value: usize) -> Self {
        self.0[at..at + 4].copy_from_slice(&(value as u32).to_le_bytes());
        self
    }

    fn address<T>(mut self, at: usize, of: *const T) -> Self {
        self.0[at..at + 8].copy_from_slice(&(of.expose_provenance() as u64).to_le_bytes());
        self
    }

    fn call(&mut self, command: c_int) -> io::Result<usize> {
        // SAFETY: the attributes have the layout of `union bpf_attr`, and what they point to outlives the call.
        let result = unsafe { syscall(SYS_BPF, command, self.0.as_mut_ptr(), self.0.len()) };
        usize::try_from(result).map_err(|_| io::Error::last_os_error())
    }
}

/// Loads the program, runs it, and returns what it read: the number of the process that calls this from its first thread.
pub fn process_by_types() -> io::Result<u32> {
    let types = types();
    let types = Attributes::new().address(0, types.as_ptr()).number(16, types.len()).call(BTF_LOAD)?;
    let mut said = vec![0_u8; 1 << 16];
    let program = Attributes::new()
        .number(0, RAW_TRACEPOINT as usize)
        .number(4, PROGRAM.len())
        .address(8, PROGRAM.as_ptr())
        .address(16, c"GPL".as_ptr())
        .number(24, 1)
        .number(28, said.len())
        .address(32, said.as_mut_ptr())
        .number(72, types)
        .number(76, size_of_val(&FUNCTION))
        .address(80, FUNCTION.as_ptr())
        .number(88, 1)
        .number(116, 1)
        .address(128, RELOCATION.as_ptr())
        .number(136, size_of_val(&RELOCATION))
        .call(PROG_LOAD)
        .map_err(|error| {
            said.retain(|&byte| byte != 0);
            io::Error::new(error.kind(), format!("{error}: {}", String::from_utf8_lossy(&said)))
        })?;
    let mut run = Attributes::new().number(0, program);
    run.call(PROG_TEST_RUN)?;
    Ok(u32::from_le_bytes(run.0[4..8].try_into().expect("four bytes")))
}

/// The program's own types: a number, a structure whose first member is one, and the function.
fn types() -> Vec<u8> {
    // By line: `int`, 4 bytes, signed, 32 bits; `struct task_struct` with one member, `int pid` at bit 0; what a function without arguments returns,
    // 1; and the function `number`, which is one of 3.
    let types: [&[u32]; 4] =
        [&[1, 1 << 24, 4, 1 << 24 | 32], &[5, 4 << 24 | 1, 4, 17, 1, 0], &[0, 13 << 24, 1], &[21, 12 << 24, 3]];
    let bytes = |words: &[u32]| words.iter().flat_map(|word| word.to_le_bytes()).collect::<Vec<u8>>();
    let types = bytes(&types.concat());
    let header = [0x0001_eb9f, 24, 0, types.len() as u32, types.len() as u32, STRINGS.len() as u32];
    [&bytes(&header), &types, STRINGS].concat()
}
