// Finds which of some keys the first accepted line of an input has: what `scan --format auto` needs
// to choose a preset (DESIGN 4.1). It folds nothing.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "native/base/error.h"
#include "native/parse/line_reader.h"
#include "native/parse/record_parser.h"

namespace mf {

class FormatProbe final : private LineSink {
 public:
  /// `format` needs only its paths.
  FormatProbe(const Format& format, Envelope envelope, size_t line_bytes_max);

  Error init() { return parser_.init(line_bytes_max_); }

  /// Looks at the bytes behind those seen so far.
  void feed(std::string_view bytes);
  void end_generation();

  /// Indices of the paths that the first accepted line has; nothing before such a line came.
  [[nodiscard]] const std::optional<std::vector<uint32_t>>& found() const { return found_; }

 private:
  void line(const Line& line) override;

  const size_t line_bytes_max_;
  const size_t path_count_;
  LineReader reader_;
  RecordParser parser_;
  Record record_;
  std::string held_;
  std::optional<std::vector<uint32_t>> found_;
};

}  // namespace mf
