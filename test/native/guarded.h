// Bytes that end exactly where memory ends: the page behind them may not be touched, so that
// reading one byte too far kills the program.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <string_view>

#include "test/native/check.h"

namespace mf::test {

class Guarded {
 public:
  explicit Guarded(size_t bytes_max) {
    const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    room_ = (bytes_max / page + 1) * page;
    mapped_ = room_ + page;
    void* memory =
        mmap(nullptr, mapped_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(memory != MAP_FAILED);
    memory_ = static_cast<char*>(memory);
    CHECK(mprotect(memory_ + room_, page, PROT_NONE) == 0);
  }
  ~Guarded() { munmap(memory_, mapped_); }
  Guarded(const Guarded&) = delete;
  Guarded& operator=(const Guarded&) = delete;

  /// A copy of `bytes` at the end; valid until the next call.
  std::string_view copy(std::string_view bytes) {
    CHECK(bytes.size() <= room_);
    char* begin = memory_ + room_ - bytes.size();
    if (!bytes.empty()) {
      std::memcpy(begin, bytes.data(), bytes.size());
    }
    return {begin, bytes.size()};
  }

 private:
  size_t room_ = 0;
  size_t mapped_ = 0;
  char* memory_ = nullptr;
};

}  // namespace mf::test
