// A line that comes in pieces: `P` parts, or a physical line too long to be held (DESIGN 4.4).
// White space at its beginning is cut as it comes; memory is bounded by `bytes_max`, and what lies
// beyond is hashed, not kept.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "native/base/bytes.h"
#include "native/base/sha256.h"

namespace mf {

class JoinedLine {
 public:
  /// `hashed` false: nobody will ask for the digest of a line that is too long.
  JoinedLine(size_t bytes_max, bool hashed)
      : bytes_max_(bytes_max), kept_bytes_max_(bytes_max), hashed_(hashed) {}

  void append(std::string_view piece);
  void clear() { *this = JoinedLine(bytes_max_, hashed_); }

  /// A piece came since the last clear, if only an empty one.
  [[nodiscard]] bool is_pending() const { return pending_; }
  /// Without the white space at both ends it is longer than `bytes_max`, or than what `bytes_max`
  /// was when it began.
  [[nodiscard]] bool is_too_long() const {
    return cut_length_ > bytes_max_ || cut_length_ > kept_bytes_max_;
  }
  /// The line, white space cut; of a line that is too long, its beginning.
  [[nodiscard]] std::string_view content() const {
    return std::string_view(bytes_).substr(0, cut_length_);
  }
  /// Bytes from the first that is no white space.
  [[nodiscard]] uint64_t length() const { return length_; }
  /// SHA-256 of those bytes.
  [[nodiscard]] Sha256::Digest digest() const;

  void save(ByteWriter& out) const;
  /// False when the bytes contradict themselves.
  bool load(ByteReader& in);

 private:
  size_t bytes_max_;
  /// `bytes_max_` when the line began: a restart with another one must leave no hole in it.
  uint64_t kept_bytes_max_;
  bool hashed_;
  bool pending_ = false;
  std::string bytes_;
  uint64_t length_ = 0;
  /// `length_` without white space at the end.
  uint64_t cut_length_ = 0;
  /// Covers all bytes once `length_` passes `kept_bytes_max_`.
  Sha256 hash_;
};

}  // namespace mf
