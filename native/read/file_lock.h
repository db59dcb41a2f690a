// flock: one live writer per state directory. The kernel frees it when the process dies, however.
#pragma once

namespace mf {

/// Opens `path` (made with mode 0600) and takes an exclusive lock on it without waiting.
/// Returns the descriptor that holds it; -1 when somebody else does or the file cannot be opened,
/// and then `held` tells which.
int lock_file(const char* path, bool& held);

/// Frees a lock that lock_file took.
void unlock_file(int fd);

}  // namespace mf
