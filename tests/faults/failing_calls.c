/* Lets one call fail: the n-th that changes a given folder, or the n-th large allocation.
 *
 * Preloaded into a process (LD_PRELOAD), it stands between every library, Python's and others, and the C library.
 * Nothing fails until `arm` is called. For Linux with glibc.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum { OFF, ONE_CALL, FULL_DISK, MEMORY }; /* FULL_DISK: from the n-th call on, nothing can be written */

static int kind = OFF, failure;
static long chosen;
static size_t least;
static char folder[PATH_MAX];
static atomic_long calls;

void arm(int kind_, const char *folder_, long chosen_, int failure_, size_t least_) {
    strncpy(folder, folder_, sizeof folder - 1);
    chosen = chosen_, failure = failure_, least = least_;
    atomic_store(&calls, 0);
    kind = kind_;
}

long disarm(void) { /* the number of calls that could have failed */
    kind = OFF;
    return atomic_load(&calls);
}

#define REAL(name) static __typeof__(&name) real; if (!real) real = dlsym(RTLD_NEXT, #name)

static int is_within(const char *path) { return !strncmp(path, folder, strlen(folder)); }

static int is_open_within(int file) {
    char name[64], path[PATH_MAX];
    snprintf(name, sizeof name, file == AT_FDCWD ? "/proc/self/cwd" : "/proc/self/fd/%d", file);
    ssize_t length = readlink(name, path, sizeof path - 1);
    path[length > 0 ? length : 0] = 0;
    return is_within(path);
}

static int fails(int needs_space) {
    long now = atomic_fetch_add(&calls, 1) + 1;
    if (kind == FULL_DISK ? now < chosen || !needs_space : now != chosen) return 0;
    errno = failure;
    return 1;
}

static int is_of_files(void) { return kind == ONE_CALL || kind == FULL_DISK; }

static int on_path(int in, const char *path, int needs_space) {
    return is_of_files() && (path[0] == '/' ? is_within(path) : is_open_within(in)) && fails(needs_space);
}

static int on_file(int file, int needs_space) { return is_of_files() && is_open_within(file) && fails(needs_space); }

#define OF_FILE(type, name, space, parameters, arguments) \
    type name parameters { REAL(name); return on_file(file, space) ? -1 : real arguments; }
#define OF_PATH(type, name, in, space, parameters, arguments) \
    type name parameters { REAL(name); return on_path(in, path, space) ? -1 : real arguments; }

OF_FILE(ssize_t, write, 1, (int file, const void *data, size_t size), (file, data, size))
OF_FILE(ssize_t, pwrite, 1, (int file, const void *data, size_t size, off_t at), (file, data, size, at))
OF_FILE(ssize_t, pwrite64, 1, (int file, const void *data, size_t size, off64_t at), (file, data, size, at))
OF_FILE(ssize_t, writev, 1, (int file, const struct iovec *data, int count), (file, data, count))
OF_FILE(ssize_t, pwritev, 1, (int file, const struct iovec *data, int count, off_t at), (file, data, count, at))
OF_FILE(ssize_t, copy_file_range, 1, (int from, off64_t *at, int file, off64_t *to, size_t size, unsigned flags),
        (from, at, file, to, size, flags))
OF_FILE(ssize_t, sendfile, 1, (int file, int from, off_t *at, size_t size), (file, from, at, size))
OF_FILE(ssize_t, sendfile64, 1, (int file, int from, off64_t *at, size_t size), (file, from, at, size))
OF_FILE(int, ftruncate, 1, (int file, off_t size), (file, size))
OF_FILE(int, ftruncate64, 1, (int file, off64_t size), (file, size))
OF_FILE(int, fallocate, 1, (int file, int mode, off_t at, off_t size), (file, mode, at, size))
OF_FILE(int, fsync, 0, (int file), (file))
OF_FILE(int, fdatasync, 0, (int file), (file))
OF_PATH(int, rename, AT_FDCWD, 0, (const char *path, const char *to), (path, to))
OF_PATH(int, renameat, in, 0, (int in, const char *path, int there, const char *to), (in, path, there, to))
OF_PATH(int, renameat2, in, 0, (int in, const char *path, int there, const char *to, unsigned flags),
        (in, path, there, to, flags))
OF_PATH(int, link, AT_FDCWD, 0, (const char *path, const char *to), (path, to))
OF_PATH(int, unlink, AT_FDCWD, 0, (const char *path), (path))
OF_PATH(int, unlinkat, in, 0, (int in, const char *path, int flags), (in, path, flags))
OF_PATH(int, rmdir, AT_FDCWD, 0, (const char *path), (path))
OF_PATH(int, mkdir, AT_FDCWD, 1, (const char *path, mode_t mode), (path, mode))
OF_PATH(int, mkdirat, in, 1, (int in, const char *path, mode_t mode), (in, path, mode))
OF_PATH(int, chmod, AT_FDCWD, 0, (const char *path, mode_t mode), (path, mode))

#define OPENING(name, in, parameters, arguments) \
    int name parameters { \
        va_list rest; \
        va_start(rest, flags); \
        mode_t mode = va_arg(rest, mode_t); \
        va_end(rest); \
        REAL(name); \
        if ((flags & (O_WRONLY | O_RDWR | O_CREAT)) && on_path(in, path, !!(flags & O_CREAT))) return -1; \
        return real arguments; \
    }
OPENING(open, AT_FDCWD, (const char *path, int flags, ...), (path, flags, mode))
OPENING(open64, AT_FDCWD, (const char *path, int flags, ...), (path, flags, mode))
OPENING(openat, in, (int in, const char *path, int flags, ...), (in, path, flags, mode))
OPENING(openat64, in, (int in, const char *path, int flags, ...), (in, path, flags, mode))

static FILE *open_stream(FILE *(*real)(const char *, const char *), const char *path, const char *mode) {
    return strpbrk(mode, "wa+") && on_path(AT_FDCWD, path, 1) ? NULL : real(path, mode);
}
FILE *fopen(const char *path, const char *mode) { REAL(fopen); return open_stream(real, path, mode); }
FILE *fopen64(const char *path, const char *mode) { REAL(fopen64); return open_stream(real, path, mode); }
size_t fwrite(const void *data, size_t size, size_t count, FILE *stream) {
    REAL(fwrite);
    return on_file(fileno(stream), 1) ? 0 : real(data, size, count, stream);
}
int fflush(FILE *stream) {
    REAL(fflush);
    return stream && on_file(fileno(stream), 1) ? EOF : real(stream);
}

/* Allocations: only those of at least `least` bytes, since small ones do not fail in practice */

extern void *__libc_malloc(size_t), *__libc_calloc(size_t, size_t), *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);

static int lacks(size_t size) {
    if (kind != MEMORY || size < least || !fails(1)) return 0;
    errno = ENOMEM;
    return 1;
}
void *malloc(size_t size) { return lacks(size) ? NULL : __libc_malloc(size); }
void *calloc(size_t count, size_t size) { return lacks(count * size) ? NULL : __libc_calloc(count, size); }
void *realloc(void *block, size_t size) { return lacks(size) ? NULL : __libc_realloc(block, size); }
void *memalign(size_t side, size_t size) { return lacks(size) ? NULL : __libc_memalign(side, size); }
void *aligned_alloc(size_t side, size_t size) { return lacks(size) ? NULL : __libc_memalign(side, size); }
int posix_memalign(void **block, size_t side, size_t size) {
    void *made = lacks(size) ? NULL : __libc_memalign(side, size);
    if (!made) return ENOMEM;
    *block = made;
    return 0;
}
