#include "native/parse/joined_line.h"

#include <algorithm>

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
  if (length_ > bytes_max_) {
    if (before <= bytes_max_) {
      hash_.update(bytes_);
    }
    hash_.update(piece);
  }
  bytes_.append(piece.substr(0, bytes_max_ - std::min(bytes_max_, bytes_.size())));
}

Sha256::Digest JoinedLine::digest() const {
  return length_ > bytes_max_ ? hash_.digest() : Sha256::of(bytes_);
}

void JoinedLine::save(ByteWriter& out) const {
  out.put(static_cast<uint8_t>(pending_));
  out.put(length_);
  out.put(cut_length_);
  out.put(hash_);
  out.put_text(bytes_);
}

void JoinedLine::load(ByteReader& in) {
  pending_ = in.get<uint8_t>() != 0;
  length_ = in.get<uint64_t>();
  cut_length_ = in.get<uint64_t>();
  hash_ = in.get<Sha256>();
  bytes_ = in.get_text();
}

}  // namespace mf
