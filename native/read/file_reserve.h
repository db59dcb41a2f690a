// Takes room on a disk for later.
#pragma once

#include <cstdint>

namespace mf {

/// Makes `path` (0600) a file of `bytes` bytes that are allocated on the disk, durably. False when
/// there is no room, or the file cannot be made; what is there then may be deleted.
bool allocate_file(const char* path, uint64_t bytes);

/// Allocates the first `bytes` bytes of the file at `path`, which is made (0600) if it is not there
/// and keeps its size: what is written into them later finds its room. False when there is none;
/// true where the file system cannot say so.
bool allocate_room(const char* path, uint64_t bytes);

}  // namespace mf
