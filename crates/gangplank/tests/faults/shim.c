/* Stands between the server and the C library, and lets calls fail that touch files under one
 * directory. A test says which through a small file that both have mapped (shim.rs describes it).
 * It also writes down the order of calls, leaves syncs out, and sets the wall clock off. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum kind { WRITE = 1, SYNC = 2, RENAME = 4, CREATE = 8, TRUNCATE = 16, UNLINK = 32, MKDIR = 64 };

struct control {
    uint64_t mode;      /* 0: nothing fails, 1: call `at` fails, 2: every call from `at` on fails */
    uint64_t at;        /* counted from 1 */
    uint64_t error;     /* errno */
    uint64_t kinds;     /* which calls count */
    uint64_t halve;     /* call `at`, if it writes, writes half of it instead of failing */
    uint64_t skip_sync; /* syncs say they succeeded and do nothing */
    int64_t wall_ms;    /* added to the wall clock */
    uint64_t count;     /* calls counted so far */
    uint64_t hits;      /* calls that failed or were cut short */
};

static struct control nothing;
static struct control *control = &nothing;
static const char *under;
static size_t under_length;
static int log_file = -1;

__attribute__((constructor)) static void open_control(void) {
    const char *path = getenv("FAULT_SHIM_CONTROL");
    const char *log = getenv("FAULT_SHIM_LOG");
    under = getenv("FAULT_SHIM_UNDER");
    if (!path || !under) return;
    under_length = strlen(under);
    int file = syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC);
    if (file < 0) return;
    void *mapped = mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (mapped != MAP_FAILED) control = mapped;
    syscall(SYS_close, file);
    if (log) log_file = syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

/* The function that would have been called without this one. */
#define NEXT(name) \
    static __typeof__(&name) next; \
    if (!next) next = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

static const char *path_of(int file, char *path) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = syscall(SYS_readlinkat, AT_FDCWD, link, path, PATH_MAX - 1);
    path[length < 0 ? 0 : length] = 0;
    return path;
}

static int watched(const char *path) {
    return under && path && strncmp(path, under, under_length) == 0 &&
           (path[under_length] == '/' || path[under_length] == 0 || path[under_length] == ' ');
}

static void note(const char *call, const char *path, const char *more, long result) {
    if (log_file < 0) return;
    char line[2 * PATH_MAX];
    int length = snprintf(line, sizeof line, "%s %s %s %ld\n", call, path, more, result);
    syscall(SYS_write, log_file, line, length);
}

/* What the call is to fail with; 0 if it is to go on, -1 if it is to write only half. */
static int fault(int kind, const char *path) {
    if (!watched(path) || !(__atomic_load_n(&control->kinds, __ATOMIC_SEQ_CST) & kind)) return 0;
    uint64_t mode = __atomic_load_n(&control->mode, __ATOMIC_SEQ_CST);
    uint64_t number = __atomic_add_fetch(&control->count, 1, __ATOMIC_SEQ_CST);
    if (!mode || number < control->at || (mode == 1 && number > control->at)) return 0;
    if (control->halve && number == control->at && kind != WRITE) return 0;
    __atomic_add_fetch(&control->hits, 1, __ATOMIC_SEQ_CST);
    return control->halve && number == control->at ? -1 : (int)control->error;
}

#define FAIL(call, path, error) do { note(call, path, "failed", error); errno = (error); return -1; } while (0)

#define WRITER(name, arguments, passed, halved) \
    ssize_t name arguments { \
        NEXT(name); \
        char path[PATH_MAX]; \
        if (!watched(path_of(file, path))) return next passed; \
        int error = fault(WRITE, path); \
        if (error > 0) FAIL(#name, path, error); \
        ssize_t written = error < 0 ? next halved : next passed; \
        note(#name, path, "", written); \
        return written; \
    }

#define HALF(size) ((size) > 1 ? (size) / 2 : (size))
WRITER(pwrite, (int file, const void *bytes, size_t size, off_t at), (file, bytes, size, at), (file, bytes, HALF(size), at))
WRITER(pwrite64, (int file, const void *bytes, size_t size, off64_t at), (file, bytes, size, at), (file, bytes, HALF(size), at))
WRITER(pwritev, (int file, const struct iovec *parts, int count, off_t at), (file, parts, count, at), (file, parts, HALF(count), at))

/* These two also carry answers to clients; the log says when one leaves. */
static void note_answer(const char *call, int file, const void *bytes, size_t size) {
    if (log_file < 0 || size < 12 || memcmp(bytes, "HTTP/1.1 ", 9) != 0) return;
    char status[4] = {0}, peer[64];
    memcpy(status, (const char *)bytes + 9, 3);
    snprintf(peer, sizeof peer, "socket:%d", file);
    note("answer", peer, status, size);
    (void)call;
}

ssize_t write(int file, const void *bytes, size_t size) {
    NEXT(write);
    char path[PATH_MAX];
    if (!watched(path_of(file, path))) {
        note_answer("write", file, bytes, size);
        return next(file, bytes, size);
    }
    int error = fault(WRITE, path);
    if (error > 0) FAIL("write", path, error);
    ssize_t written = next(file, bytes, error < 0 ? HALF(size) : size);
    note("write", path, "", written);
    return written;
}

ssize_t writev(int file, const struct iovec *parts, int count) {
    NEXT(writev);
    char path[PATH_MAX];
    if (!watched(path_of(file, path))) {
        if (count > 0) note_answer("writev", file, parts[0].iov_base, parts[0].iov_len);
        return next(file, parts, count);
    }
    int error = fault(WRITE, path);
    if (error > 0) FAIL("writev", path, error);
    ssize_t written = next(file, parts, error < 0 ? HALF(count) : count);
    note("writev", path, "", written);
    return written;
}

ssize_t send(int socket, const void *bytes, size_t size, int flags) {
    NEXT(send);
    note_answer("send", socket, bytes, size);
    return next(socket, bytes, size, flags);
}

#define SYNCER(name, arguments, passed) \
    int name arguments { \
        NEXT(name); \
        char path[PATH_MAX]; \
        if (!watched(path_of(file, path))) return next passed; \
        int error = fault(SYNC, path); \
        if (error > 0) FAIL(#name, path, error); \
        int result = control->skip_sync ? 0 : next passed; \
        note(#name, path, "", result); \
        return result; \
    }
SYNCER(fsync, (int file), (file))
SYNCER(fdatasync, (int file), (file))
SYNCER(sync_file_range, (int file, off64_t at, off64_t size, unsigned flags), (file, at, size, flags))

#define TRUNCATER(name, arguments, passed) \
    int name arguments { \
        NEXT(name); \
        char path[PATH_MAX]; \
        if (!watched(path_of(file, path))) return next passed; \
        int error = fault(TRUNCATE, path); \
        if (error > 0) FAIL(#name, path, error); \
        int result = next passed; \
        note(#name, path, "", result); \
        return result; \
    }
TRUNCATER(ftruncate, (int file, off_t size), (file, size))
TRUNCATER(ftruncate64, (int file, off64_t size), (file, size))
TRUNCATER(fallocate, (int file, int mode, off_t at, off_t size), (file, mode, at, size))
TRUNCATER(fallocate64, (int file, int mode, off64_t at, off64_t size), (file, mode, at, size))

#define BY_PATH(name, kind, arguments, passed, path, more) \
    int name arguments { \
        NEXT(name); \
        int error = fault(kind, path); \
        if (error > 0) FAIL(#name, path, error); \
        int result = next passed; \
        if (watched(path)) note(#name, path, more, result); \
        return result; \
    }
BY_PATH(rename, RENAME, (const char *from, const char *to), (from, to), from, to)
BY_PATH(link, RENAME, (const char *from, const char *to), (from, to), from, to)
BY_PATH(unlink, UNLINK, (const char *path), (path), path, "")
BY_PATH(rmdir, UNLINK, (const char *path), (path), path, "")
BY_PATH(mkdir, MKDIR, (const char *path, mode_t mode), (path, mode), path, "")
BY_PATH(renameat, RENAME, (int a, const char *from, int b, const char *to), (a, from, b, to), from, to)
BY_PATH(unlinkat, UNLINK, (int at, const char *path, int flags), (at, path, flags), path, "")

/* Only files that the call makes count: opening what is there changes nothing. */
#define OPENER(name, arguments, passed) \
    int name arguments { \
        NEXT(name); \
        mode_t mode = 0; \
        if (flags & (O_CREAT | __O_TMPFILE)) { \
            va_list more; \
            va_start(more, flags); \
            mode = va_arg(more, mode_t); \
            va_end(more); \
        } \
        struct stat there; \
        int makes = (flags & O_CREAT) && watched(path) && stat(path, &there) != 0; \
        int error = makes ? fault(CREATE, path) : 0; \
        if (error > 0) FAIL(#name, path, error); \
        int file = next passed; \
        if (makes) note(#name, path, "O_CREAT", file < 0 ? -1 : 0); \
        return file; \
    }
OPENER(open, (const char *path, int flags, ...), (path, flags, mode))
OPENER(open64, (const char *path, int flags, ...), (path, flags, mode))
OPENER(openat, (int at, const char *path, int flags, ...), (at, path, flags, mode))
OPENER(openat64, (int at, const char *path, int flags, ...), (at, path, flags, mode))

int clock_gettime(clockid_t clock, struct timespec *now) {
    NEXT(clock_gettime);
    int result = next(clock, now);
    int64_t off = __atomic_load_n(&control->wall_ms, __ATOMIC_SEQ_CST);
    if (result == 0 && clock == CLOCK_REALTIME && off != 0) {
        int64_t nanos = now->tv_nsec + off % 1000 * 1000000;
        now->tv_sec += off / 1000;
        if (nanos < 0) { nanos += 1000000000; now->tv_sec--; }
        if (nanos >= 1000000000) { nanos -= 1000000000; now->tv_sec++; }
        now->tv_nsec = nanos;
    }
    return result;
}
