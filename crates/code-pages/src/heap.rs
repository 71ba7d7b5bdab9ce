//! The limits of glibc's allocator. Without these limits, the allocator keeps the memory that a busy moment
//! needed. It has up to eight heaps for each processor. Once a large block was freed, later blocks of its size
//! also come from a heap. A heap can only shrink at its end. Other allocators stay as they are.

/// The number of heaps for each processor. With one for each, threads wait for each other: lists of images take twice the
/// processor time.
const HEAPS: usize = 2;

/// Blocks of this size have their own pages, which are returned when the block is freed. In bytes.
const LARGE: i32 = 1 << 20;

/// When this many bytes at the end of a heap are free, they are returned.
const FREE: i32 = 1 << 20;

/// Sets the limits. The limits only hold for heaps that are made later, so call this at the start of the
/// program.
pub fn limit() {
    #[cfg(target_env = "gnu")]
    {
        let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let heaps = i32::try_from(HEAPS * processors).unwrap_or(i32::MAX);
        for (parameter, value) in
            [(libc::M_ARENA_MAX, heaps), (libc::M_MMAP_THRESHOLD, LARGE), (libc::M_TRIM_THRESHOLD, FREE)]
        {
            // SAFETY: The call changes numbers in the allocator, under the allocator's own lock (mallopt(3)). No memory
            // is handed to it.
            #[expect(unsafe_code, reason = "the standard library has no safe call for it")]
            unsafe {
                libc::mallopt(parameter, value);
            }
        }
    }
}
