// Loaded before the server (LD_PRELOAD): ends it as kill -9 does at one named moment of its way to the disk.
//
// KILL_AT = <call>:<moment>:<nth>:<part of the path>
//   call    pwrite, sync (fsync and fdatasync), rename, link, create (open with O_CREAT), remove (unlink and remove)
//   moment  before, after, or half (pwrite alone: the first half of the bytes is written)
//   nth     which of the calls that match, from 1
// KILL_LOG = a file that gets the line KILL_AT when the moment came.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static char call_[16], moment_[16], path_[256];
static long nth_;
static atomic_long seen_;

__attribute__((constructor)) static void ReadEnvironment(void) {
    const char* at = getenv("KILL_AT");
    if (at == NULL || sscanf(at, "%15[^:]:%15[^:]:%ld:%255s", call_, moment_, &nth_, path_) != 4) call_[0] = 0;
}

static void* Next(const char* name) { return dlsym(RTLD_NEXT, name); }

// Whether this is the call to end at.
static int Meets(const char* call, const char* path) {
    if (call_[0] == 0 || strcmp(call, call_) != 0 || path == NULL || strstr(path, path_) == NULL) return 0;
    return atomic_fetch_add(&seen_, 1) + 1 == nth_;
}
static int MeetsDescriptor(const char* call, int fd) {
    if (call_[0] == 0 || strcmp(call, call_) != 0) return 0;
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t size = readlink(link, path, sizeof path - 1);
    if (size < 0) return 0;
    path[size] = 0;
    return Meets(call, path);
}
static void End(void) {
    const char* log = getenv("KILL_LOG");
    int fd = log == NULL ? -1 : ((int (*)(const char*, int, ...))Next("open"))(log, O_WRONLY | O_CREAT | O_APPEND, 0600);
    if (fd >= 0) dprintf(fd, "%s\n", getenv("KILL_AT"));
    kill(getpid(), SIGKILL);
    pause();
}
static int Is(const char* moment) { return strcmp(moment_, moment) == 0; }

#define AROUND(meets, type, real_call)     \
    int meets_ = (meets);                  \
    if (meets_ && Is("before")) End();     \
    type result = real_call;               \
    if (meets_ && !Is("before")) End();    \
    return result

#define PWRITE(name, offset_type)                                                               \
    ssize_t name(int fd, const void* data, size_t size, offset_type offset) {                   \
        static ssize_t (*real)(int, const void*, size_t, offset_type);                          \
        if (real == NULL) real = (ssize_t(*)(int, const void*, size_t, offset_type))Next(#name); \
        int meets = MeetsDescriptor("pwrite", fd);                                              \
        /* Direct writes come in whole blocks. */                                               \
        if (meets && Is("half")) size = size > 8192 ? size / 2 / 4096 * 4096 : size / 2;        \
        AROUND(meets, ssize_t, real(fd, data, size, offset));                                   \
    }
PWRITE(pwrite, off_t)
PWRITE(pwrite64, off64_t)

#define SYNC(name)                                                 \
    int name(int fd) {                                             \
        static int (*real)(int);                                   \
        if (real == NULL) real = (int (*)(int))Next(#name);        \
        AROUND(MeetsDescriptor("sync", fd), int, real(fd));        \
    }
SYNC(fsync)
SYNC(fdatasync)

#define TWO_PATHS(name)                                                                        \
    int name(const char* from, const char* to) {                                               \
        static int (*real)(const char*, const char*);                                          \
        if (real == NULL) real = (int (*)(const char*, const char*))Next(#name);               \
        AROUND(Meets(#name, to), int, real(from, to));                                         \
    }
TWO_PATHS(rename)
TWO_PATHS(link)

#define ONE_PATH(name)                                                  \
    int name(const char* path) {                                        \
        static int (*real)(const char*);                                \
        if (real == NULL) real = (int (*)(const char*))Next(#name);     \
        AROUND(Meets("remove", path), int, real(path));                 \
    }
ONE_PATH(unlink)
ONE_PATH(remove)

#define OPEN(name)                                                                       \
    int name(const char* path, int flags, ...) {                                         \
        static int (*real)(const char*, int, ...);                                       \
        if (real == NULL) real = (int (*)(const char*, int, ...))Next(#name);            \
        va_list more;                                                                    \
        va_start(more, flags);                                                           \
        mode_t mode = flags & O_CREAT ? va_arg(more, mode_t) : 0;                        \
        va_end(more);                                                                    \
        AROUND((flags & O_CREAT) && Meets("create", path), int, real(path, flags, mode)); \
    }
OPEN(open)
OPEN(open64)
