// pread, whole: goes on after short reads and interrupts. Never mmap: a log that is truncated under
// a mapping kills the process.
#pragma once

#include <cstddef>
#include <cstdint>

#include "native/base/error.h"

namespace mf {

/// Reads up to `size` bytes at `offset`; fewer only at the end of the file. On kRead `error_number`
/// is the errno.
Error read_at(int fd, uint64_t offset, char* data, size_t size, size_t& got, int& error_number);

}  // namespace mf
