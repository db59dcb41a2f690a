#include "native/read/file_reserve.h"

#include <fcntl.h>
#include <unistd.h>

namespace mf {

bool allocate_file(const char* path, uint64_t bytes) {
  const int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) {
    return false;
  }
  const bool done = posix_fallocate(fd, 0, static_cast<off_t>(bytes)) == 0 && fsync(fd) == 0;
  close(fd);
  return done;
}

}  // namespace mf
