#include "native/parse/record_parser.h"

#include <simdjson.h>

#include <algorithm>

#include "native/parse/mend.h"
#include "native/parse/token_walk.h"

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
    : paths_(format), path_count_(format.paths.size()), index_(std::make_unique<Index>()) {}

RecordParser::~RecordParser() = default;

Error RecordParser::init(size_t line_bytes_max) { return index_->init(line_bytes_max); }

LineVerdict RecordParser::parse(std::string_view line, Record& record) {
  const auto attempt = [&](std::string_view text, std::string_view original, bool& duplicate) {
    for (size_t i = 0; i < path_count_; ++i) {
      record.values[i] = Value{};
    }
    if (!index_->scan(text)) {
      return false;
    }
    TokenWalk walk(text, original, index_->offsets(), index_->count(), paths_, record);
    const bool accepted = walk.run();
    duplicate = walk.saw_duplicate();
    return accepted;
  };
  bool duplicate = false;
  record.lenient = false;
  if (!attempt(line, {}, duplicate)) {
    if (!mend(line, mended_) || !attempt(mended_, line, duplicate)) {
      return LineVerdict::kMalformed;
    }
    record.lenient = true;
  }
  return duplicate ? LineVerdict::kDuplicateKey : LineVerdict::kAccepted;
}

std::string_view simdjson_version() { return SIMDJSON_VERSION; }

std::string simdjson_kernel() { return simdjson::get_active_implementation()->name(); }

}  // namespace mf
