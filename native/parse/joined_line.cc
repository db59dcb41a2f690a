#include "native/parse/joined_line.h"

#include <algorithm>

#include "native/base/limits.h"
#include "native/parse/text.h"

namespace mf {

void JoinedLine::append(std::string_view piece) {
  pending_ = true;
  if (length_ == 0) {
    while (!piece.empty() && is_space(piece.front())) {
      piece.remove_prefix(1);
    }
  }
  if (piece.empty()) {
    return;
  }
  const uint64_t before = length_;
  length_ += piece.size();
  size_t end = piece.size();
  while (end > 0 && is_space(piece[end - 1])) {
    --end;
  }
  if (end > 0) {
    cut_length_ = before + end;
  }
  if (hashed_ && length_ > kept_bytes_max_) {
    if (before <= kept_bytes_max_) {
      hash_.update(bytes_);
    }
    hash_.update(piece);
  }
  bytes_.append(piece.substr(0, kept_bytes_max_ - bytes_.size()));
}

Sha256::Digest JoinedLine::digest() const {
  return length_ > kept_bytes_max_ ? hash_.digest() : Sha256::of(bytes_);
}

void JoinedLine::save(ByteWriter& out) const {
  out.put(static_cast<uint8_t>(pending_));
  out.put(kept_bytes_max_);
  out.put(length_);
  out.put(cut_length_);
  out.put(hash_);
  out.put_text(bytes_);
}

bool JoinedLine::load(ByteReader& in) {
  pending_ = in.get<uint8_t>() != 0;
  const auto kept_bytes_max = in.get<uint64_t>();
  length_ = in.get<uint64_t>();
  cut_length_ = in.get<uint64_t>();
  hash_ = in.get<Sha256>();
  bytes_ = in.get_text();
  if (pending_) {
    kept_bytes_max_ = kept_bytes_max;
  }
  return !in.failed() && kept_bytes_max <= kLineBytesMaxMax && cut_length_ <= length_ &&
         bytes_.size() == std::min(length_, kept_bytes_max_) && (pending_ || length_ == 0);
}

}  // namespace mf
