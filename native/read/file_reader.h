// pread, whole: goes on after short reads and interrupts. Never mmap: a log that is truncated under
// a mapping kills the process.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "native/base/error.h"

namespace mf {

/// Fills `room` from `offset`; `got` is less than its size only at the end of the file. On kRead
/// `error_number` is the errno.
Error read_at(int fd, uint64_t offset, std::span<char> room, size_t& got, int& error_number);

}  // namespace mf
