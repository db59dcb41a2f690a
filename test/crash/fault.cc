// A library for LD_PRELOAD that counts the calls by which a process changes a disk or speaks to a
// peer, and at one of them kills the process or lets the call fail.
//
// A *point* is a call that writes, syncs, resizes, creates, renames or removes below FAULT_ROOT, or
// that writes to a socket (but for the standard streams). The calls on one file come in the same
// order in every run, those on several files need not, so points are counted for one path, and over
// all threads together. strace can inject too, but counts for each thread alone, counts wake-ups of
// threads like writes, and cannot tear a write.
//
//   FAULT_ROOT     a directory; only what is below it is a point, and sockets are
//   FAULT_LOG      a file that gets one line for each point: call, bytes, path
//   FAULT_PATH     a path below FAULT_ROOT, or a directory with a slash at its end, or `socket:`
//   FAULT_AT       counted for that path, the point where it happens; `!` begins its line of the
//   log FAULT_DO       kill   the process ends in place of the call
//                  torn   half of the bytes are written (any other call is made), then it ends
//                  short  half of the bytes are written, and the call says so
//                  N      the call is not made, and fails with this errno
//   FAULT_ONWARDS  a directory: from then on it happens at every point in it
//   FAULT_GATE     a path; the first point makes PATH.reached and waits until PATH is there
//
// Limits: only calls through libc are seen, not memory that is mapped, not io_uring. A test
// compares the points of a run with what strace sees.

#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <climits>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

enum class Fate { pass, kill, torn, cut, fail };

struct Plan {
  // Copies: the process may change its environment while a thread reads it.
  char root[PATH_MAX] = "";
  char path[PATH_MAX] = "";
  char onwards[PATH_MAX] = "";
  char gate[PATH_MAX] = "";
  int log = -1;
  long at = 0;
  Fate fate = Fate::pass;
  int error = 0;
};

Plan plan;
/// Points of the path where it may happen.
std::atomic<long> counted{0};
std::atomic<bool> happened{false};
std::atomic<bool> passed_gate{false};

void copy_variable(const char* name, char (&to)[PATH_MAX]) {
  const char* value = std::getenv(name);
  std::snprintf(to, sizeof(to), "%s", value == nullptr ? "" : value);
}

__attribute__((constructor)) void read_plan() {
  copy_variable("FAULT_ROOT", plan.root);
  copy_variable("FAULT_PATH", plan.path);
  copy_variable("FAULT_GATE", plan.gate);
  copy_variable("FAULT_ONWARDS", plan.onwards);
  if (const char* log = std::getenv("FAULT_LOG")) {
    // By the raw call, here and below: what this library does itself is no point.
    const int flags = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC;
    plan.log = static_cast<int>(syscall(SYS_openat, AT_FDCWD, log, flags, 0600));
  }
  const char* at = std::getenv("FAULT_AT");
  const char* what = std::getenv("FAULT_DO");
  if (at == nullptr || what == nullptr) {
    return;
  }
  plan.at = std::atol(at);
  plan.error = std::atoi(what);
  plan.fate = std::strcmp(what, "kill") == 0    ? Fate::kill
              : std::strcmp(what, "torn") == 0  ? Fate::torn
              : std::strcmp(what, "short") == 0 ? Fate::cut
                                                : Fate::fail;
}

constexpr char kSocket[] = "socket:";

bool begins(const char* text, const char* with) {
  return std::strncmp(text, with, std::strlen(with)) == 0;
}

/// `path` is `directory` or below it.
bool is_in(const char* path, const char* directory) {
  const size_t bytes = std::strlen(directory);
  return bytes > 0 && begins(path, directory) && (path[bytes] == '/' || path[bytes] == '\0');
}

bool is_chosen(const char* path) {
  const size_t bytes = std::strlen(plan.path);
  if (begins(plan.path, kSocket)) {
    return begins(path, kSocket);
  }
  if (bytes == 0 || plan.path[bytes - 1] != '/') {
    return std::strcmp(path, plan.path) == 0;
  }
  // Below the directory, or the directory itself, which is named without the slash.
  return begins(path, plan.path) ||
         (std::strlen(path) + 1 == bytes && std::strncmp(path, plan.path, bytes - 1) == 0);
}

void wait_at_gate() {
  if (plan.gate[0] == '\0' || passed_gate) {
    return;
  }
  char reached[PATH_MAX + 8];
  std::snprintf(reached, sizeof(reached), "%s.reached", plan.gate);
  syscall(SYS_close, syscall(SYS_openat, AT_FDCWD, reached, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  while (access(plan.gate, F_OK) != 0) {
    usleep(1000);
  }
  passed_gate = true;
}

/// What happens at this call. A point is logged before its call is made.
Fate fate_at(const char* call, const char* path, size_t bytes) {
  if (plan.root[0] == '\0' || !(is_in(path, plan.root) || begins(path, kSocket))) {
    return Fate::pass;
  }
  const int error = errno;
  wait_at_gate();
  const long number = is_chosen(path) ? counted.fetch_add(1) + 1 : 0;
  const bool is_first = plan.at > 0 && number == plan.at;
  const bool is_it = is_first || (happened && is_in(path, plan.onwards));
  happened = happened || is_first;
  if (plan.log >= 0) {
    char line[PATH_MAX + 64];
    const int size =
        std::snprintf(line, sizeof(line), "%s%s %zu %s\n", is_it ? "!" : "", call, bytes, path);
    syscall(SYS_write, plan.log, line, static_cast<size_t>(size));
  }
  errno = error;
  return is_it ? plan.fate : Fate::pass;
}

Fate fate_at(const char* call, int fd, size_t bytes) {
  if (fd <= STDERR_FILENO || fd == plan.log) {
    return Fate::pass;
  }
  const int error = errno;
  char link[64];
  char path[PATH_MAX];
  std::snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
  const ssize_t size = readlink(link, path, sizeof(path) - 1);
  errno = error;
  if (size < 0) {
    return Fate::pass;
  }
  path[size] = '\0';
  return fate_at(call, path, bytes);
}

[[noreturn]] void die() {
  for (;;) {
    syscall(SYS_kill, getpid(), SIGKILL);
  }
}

/// A call on `place` (a path or a descriptor) that is made whole or not at all.
template <typename Place, typename Call>
int whole(const char* name, Place place, Call call) {
  switch (fate_at(name, place, 0)) {
    case Fate::kill:
      die();
    case Fate::torn:
      call();
      die();
    case Fate::fail:
      errno = plan.error;
      return -1;
    default:
      return static_cast<int>(call());
  }
}

/// A call that writes `bytes`; `call` is told how many of them it may write.
template <typename Call>
ssize_t written(const char* name, int fd, size_t bytes, Call call) {
  const size_t half = bytes > 1 ? bytes / 2 : bytes;
  switch (fate_at(name, fd, bytes)) {
    case Fate::kill:
      die();
    case Fate::torn:
      call(half);
      die();
    case Fate::cut:
      return call(half);
    case Fate::fail:
      errno = plan.error;
      return -1;
    default:
      return call(bytes);
  }
}

size_t size_of(const iovec* parts, int count) {
  size_t bytes = 0;
  for (int i = 0; i < count; i++) {
    bytes += parts[i].iov_len;
  }
  return bytes;
}

/// The first `bytes` of a list of buffers.
struct Head {
  iovec parts[IOV_MAX];
  int count = 0;

  Head(const iovec* from, int length, size_t bytes) {
    for (int i = 0; i < length && bytes > 0; i++) {
      parts[count] = {from[i].iov_base, std::min(from[i].iov_len, bytes)};
      bytes -= parts[count].iov_len;
      count++;
    }
  }
};

ssize_t positioned(const char* name, int fd, const void* from, size_t bytes, off_t at) {
  return written(name, fd, bytes,
                 [&](size_t size) { return syscall(SYS_pwrite64, fd, from, size, at); });
}

ssize_t gathered(const char* name, int fd, const iovec* parts, int count, off_t at) {
  return written(name, fd, size_of(parts, count), [&](size_t size) {
    const Head head(parts, count, size);
    return syscall(SYS_pwritev, fd, head.parts, head.count, at, 0L);
  });
}

int opened(int directory, const char* path, int flags, mode_t mode) {
  const auto call = [&] { return syscall(SYS_openat, directory, path, flags, mode); };
  const bool changes = (flags & (O_CREAT | O_TRUNC)) != 0;
  return changes ? whole("open", path, call) : static_cast<int>(call());
}

mode_t mode_of(int flags, va_list rest) {
  return (flags & O_CREAT) != 0 ? static_cast<mode_t>(va_arg(rest, int)) : 0;
}

}  // namespace

// The same names and types as in libc, which calls of the process find here first.
extern "C" {

ssize_t write(int fd, const void* from, size_t bytes) {
  return written("write", fd, bytes,
                 [&](size_t size) { return syscall(SYS_write, fd, from, size); });
}

ssize_t writev(int fd, const iovec* parts, int count) {
  return written("writev", fd, size_of(parts, count), [&](size_t size) {
    const Head head(parts, count, size);
    return syscall(SYS_writev, fd, head.parts, head.count);
  });
}

ssize_t pwrite(int fd, const void* from, size_t bytes, off_t at) {
  return positioned("pwrite64", fd, from, bytes, at);
}
ssize_t pwrite64(int fd, const void* from, size_t bytes, off64_t at) {
  return positioned("pwrite64", fd, from, bytes, at);
}

ssize_t pwritev(int fd, const iovec* parts, int count, off_t at) {
  return gathered("pwritev", fd, parts, count, at);
}
ssize_t pwritev64(int fd, const iovec* parts, int count, off64_t at) {
  return gathered("pwritev", fd, parts, count, at);
}

ssize_t send(int fd, const void* from, size_t bytes, int flags) {
  return written("sendto", fd, bytes, [&](size_t size) {
    return syscall(SYS_sendto, fd, from, size, flags, nullptr, 0);
  });
}

ssize_t sendmsg(int fd, const msghdr* message, int flags) {
  return written("sendmsg", fd, size_of(message->msg_iov, static_cast<int>(message->msg_iovlen)),
                 [&](size_t size) {
                   Head head(message->msg_iov, static_cast<int>(message->msg_iovlen), size);
                   msghdr sent = *message;
                   sent.msg_iov = head.parts;
                   sent.msg_iovlen = static_cast<size_t>(head.count);
                   return syscall(SYS_sendmsg, fd, &sent, flags);
                 });
}

int fsync(int fd) {
  return whole("fsync", fd, [&] { return syscall(SYS_fsync, fd); });
}
int fdatasync(int fd) {
  return whole("fdatasync", fd, [&] { return syscall(SYS_fdatasync, fd); });
}

int ftruncate(int fd, off_t bytes) noexcept {
  return whole("ftruncate", fd, [&] { return syscall(SYS_ftruncate, fd, bytes); });
}
int ftruncate64(int fd, off64_t bytes) noexcept {
  return whole("ftruncate", fd, [&] { return syscall(SYS_ftruncate, fd, bytes); });
}

int fallocate(int fd, int mode, off_t at, off_t bytes) {
  return whole("fallocate", fd, [&] { return syscall(SYS_fallocate, fd, mode, at, bytes); });
}
int fallocate64(int fd, int mode, off64_t at, off64_t bytes) {
  return whole("fallocate", fd, [&] { return syscall(SYS_fallocate, fd, mode, at, bytes); });
}

// These two give the error back and leave errno alone.
int posix_fallocate(int fd, off_t at, off_t bytes) {
  return fallocate(fd, 0, at, bytes) == 0 ? 0 : errno;
}
int posix_fallocate64(int fd, off64_t at, off64_t bytes) {
  return posix_fallocate(fd, at, bytes);
}

int open(const char* path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  const mode_t mode = mode_of(flags, rest);
  va_end(rest);
  return opened(AT_FDCWD, path, flags, mode);
}
int open64(const char* path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  const mode_t mode = mode_of(flags, rest);
  va_end(rest);
  return opened(AT_FDCWD, path, flags, mode);
}

int mkdir(const char* path, mode_t mode) noexcept {
  return whole("mkdirat", path, [&] { return syscall(SYS_mkdirat, AT_FDCWD, path, mode); });
}
int rename(const char* from, const char* to) noexcept {
  return whole("renameat2", from,
               [&] { return syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0); });
}
int link(const char* from, const char* to) noexcept {
  return whole("linkat", from,
               [&] { return syscall(SYS_linkat, AT_FDCWD, from, AT_FDCWD, to, 0); });
}
int unlink(const char* path) noexcept {
  return whole("unlinkat", path, [&] { return syscall(SYS_unlinkat, AT_FDCWD, path, 0); });
}
int rmdir(const char* path) noexcept {
  return whole("unlinkat", path,
               [&] { return syscall(SYS_unlinkat, AT_FDCWD, path, AT_REMOVEDIR); });
}

}  // extern "C"
