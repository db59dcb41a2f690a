#include "native/read/file_reserve.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

namespace mf {

namespace {

int open_file(const char* path) {
  return open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
}

}  // namespace

bool allocate_file(const char* path, uint64_t bytes) {
  const int fd = open_file(path);
  if (fd < 0) {
    return false;
  }
  const bool done = posix_fallocate(fd, 0, static_cast<off_t>(bytes)) == 0 && fsync(fd) == 0;
  close(fd);
  return done;
}

bool allocate_room(const char* path, uint64_t bytes) {
  const int fd = open_file(path);
  if (fd < 0) {
    return false;
  }
  const bool done = fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, static_cast<off_t>(bytes)) == 0 ||
                    errno == EOPNOTSUPP || errno == ENOSYS;
  close(fd);
  return done;
}

}  // namespace mf
