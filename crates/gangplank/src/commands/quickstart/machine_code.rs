//! The demonstration's program in machine code: a server that answers every request with one page. It is written by
//! hand, so that the image can be made without a compiler and without a registry.
//!
//! The program ignores SIGCHLD, so that no child becomes a zombie. It listens, says so on standard output, and forks
//! for each connection. The child reads once, answers, and reads on until the client closes its side. It ends if a
//! read or write takes too long. A request for HEAD gets the head only. The answer and the address to listen on are
//! data in front of the code, at a fixed address:
//!
//! | offset | what |
//! |---|---|
//! | 0 | the address to bind, a `sockaddr_in` |
//! | 16 | how long a read or a write may take, a `timeval` |
//! | 32, 40 | the line to write when it listens: where the line is, and its length |
//! | 48 | where the answer is |
//! | 56, 64 | the answer's length: only its head, and in total |

/// For `x86_64`. `r14` holds the address of the data, `r12` the listening socket, `r13` the connection.
#[rustfmt::skip]
pub(super) const X86_64: [u8; 307] = [
    // start:
    0x41, 0xbe, 0x78, 0x00, 0x40, 0x00, // mov r14d, 0x400078
    0x6a, 0x00, // push 0
    0x6a, 0x00, // push 0
    0x6a, 0x00, // push 0
    0x6a, 0x01, // push 1
    0xbf, 0x11, 0x00, 0x00, 0x00, // mov edi, 17
    0x48, 0x89, 0xe6, // mov rsi, rsp
    0x31, 0xd2, // xor edx, edx
    0x41, 0xba, 0x08, 0x00, 0x00, 0x00, // mov r10d, 8
    0xb8, 0x0d, 0x00, 0x00, 0x00, // mov eax, 13 (rt_sigaction)
    0x0f, 0x05, // syscall
    0xbf, 0x02, 0x00, 0x00, 0x00, // mov edi, 2
    0xbe, 0x01, 0x00, 0x00, 0x00, // mov esi, 1
    0x31, 0xd2, // xor edx, edx
    0xb8, 0x29, 0x00, 0x00, 0x00, // mov eax, 41 (socket)
    0x0f, 0x05, // syscall
    0x41, 0x89, 0xc4, // mov r12d, eax
    0x44, 0x89, 0xe7, // mov edi, r12d
    0x4c, 0x89, 0xf6, // mov rsi, r14
    0xba, 0x10, 0x00, 0x00, 0x00, // mov edx, 16
    0xb8, 0x31, 0x00, 0x00, 0x00, // mov eax, 49 (bind)
    0x0f, 0x05, // syscall
    0x85, 0xc0, // test eax, eax
    0x0f, 0x85, 0xd2, 0x00, 0x00, 0x00, // jne fail
    0x44, 0x89, 0xe7, // mov edi, r12d
    0xbe, 0x01, 0x00, 0x00, 0x00, // mov esi, 1
    0xba, 0x14, 0x00, 0x00, 0x00, // mov edx, 20
    0x4d, 0x8d, 0x56, 0x10, // lea r10, [r14+16]
    0x41, 0xb8, 0x10, 0x00, 0x00, 0x00, // mov r8d, 16
    0xb8, 0x36, 0x00, 0x00, 0x00, // mov eax, 54 (setsockopt)
    0x0f, 0x05, // syscall
    0xba, 0x15, 0x00, 0x00, 0x00, // mov edx, 21
    0xb8, 0x36, 0x00, 0x00, 0x00, // mov eax, 54 (setsockopt)
    0x0f, 0x05, // syscall
    0xbe, 0x80, 0x00, 0x00, 0x00, // mov esi, 128
    0xb8, 0x32, 0x00, 0x00, 0x00, // mov eax, 50 (listen)
    0x0f, 0x05, // syscall
    0xbf, 0x01, 0x00, 0x00, 0x00, // mov edi, 1
    0x49, 0x8b, 0x76, 0x20, // mov rsi, [r14+32]
    0x49, 0x8b, 0x56, 0x28, // mov rdx, [r14+40]
    0xb8, 0x01, 0x00, 0x00, 0x00, // mov eax, 1 (write)
    0x0f, 0x05, // syscall
    // next:
    0x44, 0x89, 0xe7, // mov edi, r12d
    0x31, 0xf6, // xor esi, esi
    0x31, 0xd2, // xor edx, edx
    0x45, 0x31, 0xd2, // xor r10d, r10d
    0xb8, 0x20, 0x01, 0x00, 0x00, // mov eax, 288 (accept4)
    0x0f, 0x05, // syscall
    0x85, 0xc0, // test eax, eax
    0x78, 0xeb, // js next
    0x41, 0x89, 0xc5, // mov r13d, eax
    0xb8, 0x39, 0x00, 0x00, 0x00, // mov eax, 57 (fork)
    0x0f, 0x05, // syscall
    0x85, 0xc0, // test eax, eax
    0x74, 0x0c, // je child
    0x44, 0x89, 0xef, // mov edi, r13d
    0xb8, 0x03, 0x00, 0x00, 0x00, // mov eax, 3 (close)
    0x0f, 0x05, // syscall
    0xeb, 0xd1, // jmp next
    // child:
    0x48, 0x81, 0xec, 0x00, 0x10, 0x00, 0x00, // sub rsp, 4096
    0x44, 0x89, 0xef, // mov edi, r13d
    0x48, 0x89, 0xe6, // mov rsi, rsp
    0xba, 0x00, 0x10, 0x00, 0x00, // mov edx, 4096
    0x31, 0xc0, // xor eax, eax (read)
    0x0f, 0x05, // syscall
    0x85, 0xc0, // test eax, eax
    0x7e, 0x3b, // jle done
    0x49, 0x8b, 0x56, 0x38, // mov rdx, [r14+56]
    0x80, 0x3c, 0x24, 0x48, // cmp [rsp], 72
    0x74, 0x04, // je send
    0x49, 0x8b, 0x56, 0x40, // mov rdx, [r14+64]
    // send:
    0x44, 0x89, 0xef, // mov edi, r13d
    0x49, 0x8b, 0x76, 0x30, // mov rsi, [r14+48]
    0xb8, 0x01, 0x00, 0x00, 0x00, // mov eax, 1 (write)
    0x0f, 0x05, // syscall
    0xbe, 0x01, 0x00, 0x00, 0x00, // mov esi, 1
    0xb8, 0x30, 0x00, 0x00, 0x00, // mov eax, 48 (shutdown)
    0x0f, 0x05, // syscall
    // rest:
    0x44, 0x89, 0xef, // mov edi, r13d
    0x48, 0x89, 0xe6, // mov rsi, rsp
    0xba, 0x00, 0x10, 0x00, 0x00, // mov edx, 4096
    0x31, 0xc0, // xor eax, eax (read)
    0x0f, 0x05, // syscall
    0x85, 0xc0, // test eax, eax
    0x7f, 0xed, // jg rest
    // done:
    0x31, 0xff, // xor edi, edi
    0xeb, 0x05, // jmp end
    // fail:
    0xbf, 0x01, 0x00, 0x00, 0x00, // mov edi, 1
    // end:
    0xb8, 0x3c, 0x00, 0x00, 0x00, // mov eax, 60 (exit)
    0x0f, 0x05, // syscall
];

/// For `aarch64`. `x19` holds the address of the data, `x20` the listening socket, `x21` the connection.
#[rustfmt::skip]
pub(super) const AARCH64: [u32; 93] = [
    // start:
    0xd280_0f13, // mov x19,  120
    0xf2a0_0813, // movk x19,  64,  lsl 16
    0xd280_0021, // mov x1,  1
    0xa9bf_7fff, // stp xzr,  xzr,  [sp,  -16]!
    0xa9bf_7fe1, // stp x1,  xzr,  [sp,  -16]!
    0xd280_0220, // mov x0,  17
    0x9100_03e1, // mov x1,  sp
    0xd280_0002, // mov x2,  0
    0xd280_0103, // mov x3,  8
    0xd280_10c8, // mov x8,  134
    0xd400_0001, // svc 0
    0xd280_0040, // mov x0,  2
    0xd280_0021, // mov x1,  1
    0xd280_0002, // mov x2,  0
    0xd280_18c8, // mov x8,  198
    0xd400_0001, // svc 0
    0xaa00_03f4, // mov x20,  x0
    0xaa13_03e1, // mov x1,  x19
    0xd280_0202, // mov x2,  16
    0xd280_1908, // mov x8,  200
    0xd400_0001, // svc 0
    0xb500_08a0, // cbnz x0,  fail
    0xaa14_03e0, // mov x0,  x20
    0xd280_0021, // mov x1,  1
    0xd280_0282, // mov x2,  20
    0x9100_4263, // add x3,  x19,  16
    0xd280_0204, // mov x4,  16
    0xd280_1a08, // mov x8,  208
    0xd400_0001, // svc 0
    0xaa14_03e0, // mov x0,  x20
    0xd280_02a2, // mov x2,  21
    0xd400_0001, // svc 0
    0xaa14_03e0, // mov x0,  x20
    0xd280_1001, // mov x1,  128
    0xd280_1928, // mov x8,  201
    0xd400_0001, // svc 0
    0xd280_0020, // mov x0,  1
    0xa942_0a61, // ldp x1,  x2,  [x19,  32]
    0xd280_0808, // mov x8,  64
    0xd400_0001, // svc 0
    // next:
    0xaa14_03e0, // mov x0,  x20
    0xd280_0001, // mov x1,  0
    0xd280_0002, // mov x2,  0
    0xd280_0003, // mov x3,  0
    0xd280_1e48, // mov x8,  242
    0xd400_0001, // svc 0
    0xb7ff_ff40, // tbnz x0,  63,  next
    0xaa00_03f5, // mov x21,  x0
    0xd280_0220, // mov x0,  17
    0xd280_0001, // mov x1,  0
    0xd280_0002, // mov x2,  0
    0xd280_0003, // mov x3,  0
    0xd280_0004, // mov x4,  0
    0xd280_1b88, // mov x8,  220
    0xd400_0001, // svc 0
    0xb400_00a0, // cbz x0,  child
    0xaa15_03e0, // mov x0,  x21
    0xd280_0728, // mov x8,  57
    0xd400_0001, // svc 0
    0x17ff_ffed, // b next
    // child:
    0xd140_07ff, // sub sp,  sp,  1,  lsl 12
    0xaa15_03e0, // mov x0,  x21
    0x9100_03e1, // mov x1,  sp
    0xd282_0002, // mov x2,  4096
    0xd280_07e8, // mov x8,  63
    0xd400_0001, // svc 0
    0xf100_001f, // cmp x0,  0
    0x5400_02ad, // b.le done
    0xf940_1e62, // ldr x2,  [x19,  56]
    0x3940_03e3, // ldrb w3,  [sp]
    0x7101_207f, // cmp w3,  72
    0x5400_0040, // b.eq send
    0xf940_2262, // ldr x2,  [x19,  64]
    // send:
    0xaa15_03e0, // mov x0,  x21
    0xf940_1a61, // ldr x1,  [x19,  48]
    0xd280_0808, // mov x8,  64
    0xd400_0001, // svc 0
    0xaa15_03e0, // mov x0,  x21
    0xd280_0021, // mov x1,  1
    0xd280_1a48, // mov x8,  210
    0xd400_0001, // svc 0
    // rest:
    0xaa15_03e0, // mov x0,  x21
    0x9100_03e1, // mov x1,  sp
    0xd282_0002, // mov x2,  4096
    0xd280_07e8, // mov x8,  63
    0xd400_0001, // svc 0
    0xf100_001f, // cmp x0,  0
    0x54ff_ff4c, // b.gt rest
    // done:
    0xd280_0000, // mov x0,  0
    0x1400_0002, // b end
    // fail:
    0xd280_0020, // mov x0,  1
    // end:
    0xd280_0ba8, // mov x8,  93
    0xd400_0001, // svc 0
];
