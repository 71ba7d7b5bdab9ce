//! The image of the pause container, which holds a node's network namespace. It has one program, which waits for
//! ever. The image is made here, so none has to be pulled.

use bytes::Bytes;
use serde_json::json;
use sha2::{Digest as _, Sha256};

/// Its name in the engine.
pub(super) const NAME: &str = "gangplank/pause:1";

/// The program for `x86_64`: pause(2) in a loop.
const X86_64: [u8; 9] = [
    0xb8, 0x22, 0x00, 0x00, 0x00, // mov eax, 34 (pause)
    0x0f, 0x05, // syscall
    0xeb, 0xf7, // jmp back to the start
];

/// The program for aarch64, which has no pause(2): ppoll(0, 0, 0, 0) in a loop.
const AARCH64: [u32; 7] = [
    0xd280_0000, // mov x0, 0
    0xd280_0001, // mov x1, 0
    0xd280_0002, // mov x2, 0
    0xd280_0003, // mov x3, 0
    0xd280_0928, // mov x8, 73 (ppoll)
    0xd400_0001, // svc 0
    0x17ff_fffa, // b back to the start
];

/// The address in memory where the program is loaded.
const BASE: u64 = 0x40_0000;
/// The length of the headers before the code, in bytes.
const HEADS: u64 = 120;

/// The image as an archive for `docker load`. `None` for a processor without a program. The name of the
/// processor is one that Go or the kernel uses.
pub(super) fn archive(processor: &str) -> Option<Bytes> {
    let (name, program) = match processor {
        "amd64" | "x86_64" => ("amd64", program(62, &X86_64)),
        "arm64" | "aarch64" => ("arm64", program(183, &AARCH64.map(u32::to_le_bytes).concat())),
        _ => return None,
    };
    let layer = tar(&[("pause", 0o755, &program)]);
    let config = json!({
        "architecture": name,
        "os": "linux",
        "config": { "Entrypoint": ["/pause"], "User": "65534:65534" },
        "rootfs": { "type": "layers", "diff_ids": [format!("sha256:{}", hex::encode(Sha256::digest(&layer)))] },
        "history": [{ "created_by": "gangplank" }],
    });
    let manifest = json!([{ "Config": "config.json", "RepoTags": [NAME], "Layers": ["layer.tar"] }]);
    Some(Bytes::from(tar(&[
        ("layer.tar", 0o644, &layer),
        ("config.json", 0o644, config.to_string().as_bytes()),
        ("manifest.json", 0o644, manifest.to_string().as_bytes()),
    ])))
}

/// A static program for Linux: an ELF header, one segment, the code.
fn program(machine: u16, code: &[u8]) -> Vec<u8> {
    let length = HEADS + code.len() as u64;
    let mut file = Vec::new();
    file.extend(b"\x7fELF\x02\x01\x01\x00"); // 64 bits, little-endian, version 1, System V
    file.extend([0; 8]);
    file.extend(2_u16.to_le_bytes()); // executable
    file.extend(machine.to_le_bytes());
    file.extend(1_u32.to_le_bytes());
    file.extend((BASE + HEADS).to_le_bytes()); // the address of the first instruction
    file.extend(64_u64.to_le_bytes()); // the offset of the table of segments
    file.extend(0_u64.to_le_bytes()); // no sections
    file.extend(0_u32.to_le_bytes());
    file.extend([64_u16, 56, 1, 64, 0, 0].map(u16::to_le_bytes).concat()); // sizes and counts of the tables
    file.extend(1_u32.to_le_bytes()); // the segment: loaded,
    file.extend(5_u32.to_le_bytes()); // read and run
    file.extend([0, BASE, BASE, length, length, 0x1000].map(u64::to_le_bytes).concat());
    file.extend(code);
    file
}

/// A tar archive of these files: name, mode, content. The same files give the same bytes.
fn tar(files: &[(&str, u32, &[u8])]) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    for (name, mode, content) in files {
        let mut header = tar::Header::new_ustar();
        header.set_mode(*mode);
        header.set_size(content.len() as u64);
        header.set_mtime(0);
        // Names are short, and writing to memory does not fail.
        let _ = archive.append_data(&mut header, name, *content);
    }
    archive.into_inner().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_small_and_whole() {
        let intel = program(62, &X86_64);
        assert_eq!((intel.len(), intel[18], intel[24..28].to_vec()), (129, 62, vec![0x78, 0, 0x40, 0]));
        assert_eq!(program(183, &AARCH64.map(u32::to_le_bytes).concat()).len(), 148);
    }

    #[test]
    fn the_archive_is_the_same_each_time() {
        assert_eq!(archive("amd64"), archive("x86_64"));
        assert_ne!(archive("arm64"), archive("amd64"));
        assert_eq!(archive("mips"), None);
    }

    #[cfg(all(target_os = "linux", target_arch = "x86_64"))]
    #[test]
    fn the_program_runs_here_and_ends_on_a_signal() {
        use std::os::unix::fs::PermissionsExt as _;
        use std::os::unix::process::ExitStatusExt as _;

        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pause");
        std::fs::write(&path, program(62, &X86_64)).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        let mut process = std::process::Command::new(&path).spawn().unwrap();
        std::thread::sleep(std::time::Duration::from_millis(100));
        assert!(process.try_wait().unwrap().is_none(), "it ended by itself");
        process.kill().unwrap();
        assert_eq!(process.wait().unwrap().signal(), Some(9));
    }
}
