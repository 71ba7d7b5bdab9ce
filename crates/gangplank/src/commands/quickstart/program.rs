//! The program in the image: a static executable for Linux that serves one page.

use std::net::SocketAddrV4;

use super::machine_code;

/// The address in memory where the executable is loaded. The code expects its data there.
const BASE: u64 = 0x40_0000;
/// The length of the ELF header and the program header, in bytes.
const HEADS: usize = 64 + 56;
/// The length of the data, in bytes. The code reads it by offsets.
const DATA: usize = 72;
/// How long a read or write of a client may take, in seconds.
const PATIENCE: u64 = 5;

/// A processor that the program is written for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Processor {
    X86_64,
    Aarch64,
}

impl Processor {
    /// The processor of this machine, because the engine is most likely here. On other machines, the processor
    /// of Lightsail's machines.
    pub(super) fn of_this_machine() -> Self {
        if cfg!(target_arch = "aarch64") { Self::Aarch64 } else { Self::X86_64 }
    }

    /// The processor's name in an image's configuration.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::X86_64 => "amd64",
            Self::Aarch64 => "arm64",
        }
    }

    /// The processor's number in an ELF header.
    fn number(self) -> u16 {
        match self {
            Self::X86_64 => 62,
            Self::Aarch64 => 183,
        }
    }

    fn code(self) -> Vec<u8> {
        match self {
            Self::X86_64 => machine_code::X86_64.to_vec(),
            Self::Aarch64 => machine_code::AARCH64.iter().flat_map(|word| word.to_le_bytes()).collect(),
        }
    }
}

/// Makes an executable that serves a page at an address.
pub(super) fn serving(processor: Processor, address: SocketAddrV4, page: &str) -> Vec<u8> {
    let code = processor.code();
    let line = format!("serving one page on port {}\n", address.port());
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        page.len()
    );
    let line_at = HEADS + DATA + code.len();
    let answer_at = line_at + line.len();
    let end = answer_at + head.len() + page.len();

    let mut program = elf(processor, (HEADS + DATA) as u64, end as u64);
    // A `sockaddr_in`: the family in the byte order of the machine, port and address in the byte order of the
    // network.
    program.extend(2_u16.to_le_bytes());
    program.extend(address.port().to_be_bytes());
    program.extend(address.ip().octets());
    program.extend([0; 8]);
    for number in [
        PATIENCE,
        0,
        BASE + line_at as u64,
        line.len() as u64,
        BASE + answer_at as u64,
        head.len() as u64,
        (head.len() + page.len()) as u64,
    ] {
        program.extend(number.to_le_bytes());
    }
    program.extend(code);
    program.extend([line, head, page.to_owned()].concat().bytes());
    program
}

/// Makes the ELF header and the program header of an executable that is loaded as one piece.
fn elf(processor: Processor, entry: u64, length: u64) -> Vec<u8> {
    let mut heads = b"\x7fELF\x02\x01\x01".to_vec(); // 64 bits, little-endian, version 1
    heads.resize(16, 0);
    heads.extend(2_u16.to_le_bytes()); // an executable
    heads.extend(processor.number().to_le_bytes());
    heads.extend(1_u32.to_le_bytes());
    heads.extend((BASE + entry).to_le_bytes());
    heads.extend(64_u64.to_le_bytes()); // the program header follows the ELF header
    heads.extend([0; 12]); // no sections, no flags
    for number in [64_u16, 56, 1, 0, 0, 0] {
        heads.extend(number.to_le_bytes()); // the sizes of both headers, one of the second, no sections
    }
    heads.extend(1_u32.to_le_bytes()); // to be loaded
    heads.extend(5_u32.to_le_bytes()); // to be read and executed
    for number in [0, BASE, BASE, length, length, 0x1_0000] {
        heads.extend(number.to_le_bytes());
    }
    heads
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead as _, BufReader, Read as _, Write as _};
    use std::net::{Ipv4Addr, TcpListener, TcpStream};
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;
    use std::process::{Child, Command, Stdio};
    use std::time::Duration;

    use super::*;

    struct Running(Child);

    impl Drop for Running {
        fn drop(&mut self) {
            let _ = self.0.kill();
            let _ = self.0.wait();
        }
    }

    /// Runs the executable, directly or by an emulator, and checks its answers.
    fn check(processor: Processor, by: Option<&Path>) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("program");
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = SocketAddrV4::new(Ipv4Addr::LOCALHOST, listener.local_addr().unwrap().port());
        drop(listener);
        std::fs::write(&file, serving(processor, address, "<p>Hello</p>")).unwrap();
        std::fs::set_permissions(&file, PermissionsExt::from_mode(0o755)).unwrap();
        let mut command = by.map_or_else(|| Command::new(&file), Command::new);
        if by.is_some() {
            command.arg(&file);
        }
        let mut running = Running(command.stdout(Stdio::piped()).spawn().unwrap());
        let mut line = String::new();
        BufReader::new(running.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, format!("serving one page on port {}\n", address.port()));

        // A silent client delays nobody.
        let _silent = TcpStream::connect(address).unwrap();
        let ask = |request: &str| {
            let mut stream = TcpStream::connect(address).unwrap();
            stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
            stream.write_all(request.as_bytes()).unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).unwrap();
            answer
        };
        for round in 0..50 {
            let answer = ask(&format!("GET /{round} HTTP/1.1\r\nHost: x\r\n\r\n"));
            let (head, body) = answer.split_once("\r\n\r\n").unwrap();
            assert!(
                head.starts_with("HTTP/1.1 200 OK\r\n") && head.contains("Content-Length: 12"),
                "{answer}"
            );
            assert_eq!(body, "<p>Hello</p>");
        }
        assert!(ask("HEAD / HTTP/1.1\r\nHost: x\r\n\r\n").ends_with("Connection: close\r\n\r\n"));
        // The body is longer than one read. The answer arrives whole although the server leaves a part of the body
        // unread.
        let body = "x".repeat(100_000);
        let answer = ask(&format!("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n{body}"));
        assert!(answer.ends_with("<p>Hello</p>"), "{answer}");
        if by.is_none() {
            // The silent client's child may still run. No child is a zombie.
            let children = format!("/proc/{0}/task/{0}/children", running.0.id());
            let count = || std::fs::read_to_string(&children).unwrap().split_whitespace().count();
            let are_gone = |_| {
                std::thread::sleep(Duration::from_millis(50));
                count() <= 1
            };
            assert!((0..100).any(are_gone), "{} children", count());
        }
        // If the address is taken, the program ends with an error.
        let mut second = by.map_or_else(|| Command::new(&file), Command::new);
        if by.is_some() {
            second.arg(&file);
        }
        assert_eq!(second.output().unwrap().status.code(), Some(1));
    }

    #[test]
    fn the_page_is_served_by_this_machine() {
        if std::env::consts::ARCH != "x86_64" && std::env::consts::ARCH != "aarch64" {
            return gangplank_testkit::skip("there is no program for this processor");
        }
        check(Processor::of_this_machine(), None);
    }

    #[test]
    fn the_page_is_served_by_the_other_processor() {
        let (other, name) = match Processor::of_this_machine() {
            Processor::X86_64 => (Processor::Aarch64, "qemu-aarch64"),
            Processor::Aarch64 => (Processor::X86_64, "qemu-x86_64"),
        };
        let folders = std::env::var_os("PATH").unwrap_or_default();
        let found =
            std::env::split_paths(&folders).map(|folder| folder.join(name)).find(|path| path.exists());
        match found {
            Some(path) => check(other, Some(&path)),
            None => gangplank_testkit::skip(&format!("there is no {name}")),
        }
    }
}
