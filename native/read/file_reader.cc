#include "native/read/file_reader.h"

#include <unistd.h>

#include <cerrno>

namespace mf {

Error read_at(int fd, uint64_t offset, std::span<char> room, size_t& got, int& error_number) {
  got = 0;
  while (got < room.size()) {
    const std::span<char> rest = room.subspan(got);
    const ssize_t count = pread(fd, rest.data(), rest.size(), static_cast<off_t>(offset + got));
    if (count == 0) {
      break;
    }
    if (count < 0) {
      if (errno == EINTR) {
        continue;
      }
      error_number = errno;
      return Error::kRead;
    }
    got += static_cast<size_t>(count);
  }
  return Error::kNone;
}

}  // namespace mf
