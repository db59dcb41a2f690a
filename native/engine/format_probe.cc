#include "native/engine/format_probe.h"

namespace mf {

FormatProbe::FormatProbe(const Format& format, Envelope envelope, size_t line_bytes_max)
    : line_bytes_max_(line_bytes_max),
      path_count_(format.paths.size()),
      reader_(envelope, line_bytes_max, false),
      parser_(format) {}

void FormatProbe::feed(std::string_view bytes) {
  held_.append(bytes);
  held_.erase(0, reader_.consume(held_, 0, *this));
}

void FormatProbe::end_generation() {
  reader_.end_generation(held_, 0, *this);
  held_.clear();
}

void FormatProbe::line(const Line& line) {
  const bool candidate = line.fault == LineFault::kNone && line.output == OutputStream::kStdout &&
                         line.content.starts_with('{');
  if (found_.has_value() || !candidate ||
      parser_.parse(line.content, record_) != LineVerdict::kAccepted) {
    return;
  }
  found_.emplace();
  for (uint32_t path = 0; path < path_count_; ++path) {
    if (record_.values[path].kind != ValueKind::kMissing) {
      found_->push_back(path);
    }
  }
}

}  // namespace mf
