//! Keeps the memory of a long-running process small: of its code, and of its heap ([`heap`]).
//!
//! A server runs much of its code at its start, or seldom. For each page of code that is touched, the kernel maps 64
//! KiB, which would stay as long as the process lives. This crate unmaps the code. Code that runs later is mapped again
//! from the kernel's file cache, which costs the first requests some microseconds.

#![cfg(target_os = "linux")]

pub mod heap;

use std::ffi::c_void;
use std::fs;
use std::io;
use std::ops::Range;

use rustix::mm::{Advice, madvise};

/// Unmaps the pages of the program's own code.
///
/// # Errors
/// If the process cannot read its own memory map, or if the kernel refuses.
pub fn give_back() -> io::Result<()> {
    let program = fs::read_link("/proc/self/exe")?;
    let program = program.to_string_lossy();
    let maps = fs::read_to_string("/proc/self/maps")?;
    for pages in maps.lines().filter_map(|line| code(line, &program)) {
        let (start, length) = (pages.start as *mut c_void, pages.len());
        // SAFETY: The range is a private, read-only mapping of a file in this process. Nothing was ever written to
        // it, because Rust programs have no relocations in their code (the linker refuses them). So each page is read
        // from the file again at its next use, with the same content (madvise(2), MADV_DONTNEED). Code that runs
        // meanwhile, this function included, is mapped again in the same way.
        #[expect(unsafe_code, reason = "the standard library has no safe call for it")]
        unsafe {
            madvise(start, length, Advice::LinuxDontNeed)?;
        }
    }
    Ok(())
}

/// The addresses in a line of `/proc/self/maps` (proc(5)), if it is code of the program's file.
fn code(line: &str, program: &str) -> Option<Range<usize>> {
    let (addresses, rest) = line.split_once(' ')?;
    let (start, end) = addresses.split_once('-')?;
    let is_code = rest.starts_with("r-xp ") && rest.ends_with(program);
    let address = |text| usize::from_str_radix(text, 16).ok();
    is_code.then_some(address(start)?..address(end)?)
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::os::unix::fs::FileExt as _;

    use super::*;

    /// The addresses of this program's code.
    fn our_code() -> Range<usize> {
        let program = fs::read_link("/proc/self/exe").expect("a program");
        let maps = fs::read_to_string("/proc/self/maps").expect("a map");
        maps.lines().find_map(|line| code(line, &program.to_string_lossy())).expect("code")
    }

    /// How many of these pages are mapped, by their entries in `/proc/self/pagemap` (proc(5)).
    fn mapped(entries: &[u8]) -> usize {
        entries.chunks_exact(8).filter(|entry| entry[7] & 0x80 != 0).count()
    }

    #[test]
    fn code_goes_and_comes_back_when_it_runs() {
        let printed = format!("{:?}", [1.5, 2.5]);
        let (code, page) = (our_code(), rustix::param::page_size());
        let at = (code.start / page * 8) as u64;
        let mut bytes = vec![0; code.len()];
        let (mut before, mut after) = (vec![0; code.len() / page * 8], vec![0; code.len() / page * 8]);
        let memory = File::open("/proc/self/mem").expect("the memory");
        let pages = File::open("/proc/self/pagemap").expect("the pages");
        // Makes the kernel map all of the code.
        memory.read_exact_at(&mut bytes, code.start as u64).expect("to read it");
        pages.read_exact_at(&mut before, at).expect("the pages");
        // Each call brings code back. So the pages are looked at with the first call, and counted later.
        give_back().expect("to give them back");
        pages.read_exact_at(&mut after, at).expect("the pages");
        let (before, after) = (mapped(&before), mapped(&after));
        assert!(after < before, "{before} pages before, {after} after");
        assert_eq!(format!("{:?}", [1.5, 2.5]), printed);
    }

    #[test]
    fn nothing_but_the_programs_code_is_meant() {
        let line =
            |rights: &str, file: &str| format!("55ba00000000-55ba00001000 {rights} 0059e000 fe:00 9 {file}");
        assert_eq!(code(&line("r-xp", "/usr/bin/a"), "/usr/bin/a"), Some(0x55ba_0000_0000..0x55ba_0000_1000));
        for (rights, file) in
            [("r--p", "/usr/bin/a"), ("rw-p", "/usr/bin/a"), ("r-xp", "/usr/lib/b.so"), ("r-xp", "")]
        {
            assert_eq!(code(&line(rights, file), "/usr/bin/a"), None, "{rights} {file}");
        }
    }
}
