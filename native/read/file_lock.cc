#include "native/read/file_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>

namespace mf {

int lock_file(const char* path, bool& held) {
  held = false;
  const int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) {
    return -1;
  }
  if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
    held = errno == EWOULDBLOCK;
    close(fd);
    return -1;
  }
  return fd;
}

void unlock_file(int fd) {
  close(fd);
}

}  // namespace mf
