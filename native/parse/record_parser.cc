#include "native/parse/record_parser.h"

#include <simdjson.h>

#include <algorithm>

#include "native/parse/mend.h"

namespace mf {

/// simdjson's first stage, with room that grows to the longest line seen.
class RecordParser::Index {
 public:
  Error init(size_t line_bytes_max) {
    line_bytes_max_ = line_bytes_max;
    return grow(std::min<size_t>(line_bytes_max, 16 << 10));
  }

  /// False when the bytes cannot be JSON: ill-formed UTF-8, an unclosed string, a bare control.
  bool scan(std::string_view line) {
    if (line.size() > capacity_ &&
        grow(std::min(line_bytes_max_, line.size() * 2)) != Error::kNone) {
      return false;
    }
    return stage_->stage1(reinterpret_cast<const uint8_t*>(line.data()), line.size(),
                          simdjson::stage1_mode::regular) == simdjson::SUCCESS;
  }

  [[nodiscard]] const uint32_t* offsets() const { return stage_->structural_indexes.get(); }
  [[nodiscard]] uint32_t count() const { return stage_->n_structural_indexes; }

 private:
  Error grow(size_t bytes) {
    const size_t depth = 1;  // The walk counts containers itself; the first stage needs none.
    if (stage_ == nullptr) {
      if (simdjson::get_active_implementation()->create_dom_parser_implementation(
              bytes, depth, stage_) != simdjson::SUCCESS) {
        return Error::kSimdjsonCapacity;
      }
    } else if (stage_->set_capacity(bytes) != simdjson::SUCCESS) {
      return Error::kSimdjsonCapacity;
    }
    capacity_ = bytes;
    return Error::kNone;
  }

  std::unique_ptr<simdjson::internal::dom_parser_implementation> stage_;
  size_t capacity_ = 0;
  size_t line_bytes_max_ = 0;
};

RecordParser::RecordParser(const Format& format)
    : paths_(format), index_(std::make_unique<Index>()) {}

RecordParser::~RecordParser() = default;

Error RecordParser::init(size_t line_bytes_max) {
  return paths_.is_too_large() ? Error::kFormatTooLarge : index_->init(line_bytes_max);
}

WalkResult RecordParser::attempt(std::string_view text, std::string_view original, Record& record) {
  record.clear(paths_.path_count());
  if (!index_->scan(text)) {
    return WalkResult::kRejected;
  }
  const TokenizedLine line{text, original, index_->offsets(), index_->count()};
  return walk_tokens(line, paths_, memo_, record);
}

LineVerdict RecordParser::parse(std::string_view line, Record& record) {
  WalkResult result = attempt(line, {}, record);
  record.lenient = result == WalkResult::kRejected;
  if (record.lenient) {
    result = mend(line, mended_) ? attempt(mended_, line, record) : WalkResult::kRejected;
  }
  switch (result) {
    case WalkResult::kAccepted:
      return LineVerdict::kAccepted;
    case WalkResult::kDuplicateKey:
      return LineVerdict::kDuplicateKey;
    case WalkResult::kRejected:
      break;
  }
  return LineVerdict::kMalformed;
}

std::string_view simdjson_version() {
  return SIMDJSON_VERSION;
}

std::string simdjson_kernel() {
  return simdjson::get_active_implementation()->name();
}

}  // namespace mf
