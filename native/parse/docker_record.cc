#include "native/parse/docker_record.h"

#include "native/parse/text.h"

namespace mf {
namespace {

enum Path : uint8_t { kLog, kStream, kTime };

Format docker_format() {
  Format format;
  format.paths = {{"log"}, {"stream"}, {"time"}};
  return format;
}

void unescape_value(const Value& value, std::string& text) {
  text.clear();
  append_unescaped(text, value.content());
}

}  // namespace

DockerRecords::DockerRecords(size_t record_bytes_max)
    : record_bytes_max_(record_bytes_max),
      parser_(docker_format()),
      ready_(parser_.init(record_bytes_max) == Error::kNone) {}

bool DockerRecords::read(std::string_view physical, Piece& piece) {
  const bool accepted = ready_ && physical.size() <= record_bytes_max_ &&
                        parser_.parse(physical, record_) == LineVerdict::kAccepted;
  if (!accepted || record_.lenient) {
    return false;
  }
  for (const Path path : {kLog, kStream, kTime}) {
    if (record_.values[path].kind != ValueKind::kString) {
      return false;
    }
  }
  unescape_value(record_.values[kStream], log_);
  if (log_ != "stdout" && log_ != "stderr") {
    return false;
  }
  piece.output = log_ == "stdout" ? OutputStream::kStdout : OutputStream::kStderr;
  unescape_value(record_.values[kTime], time_);
  piece.time = time_;
  unescape_value(record_.values[kLog], log_);
  piece.partial = !log_.ends_with('\n');
  piece.content = log_;
  if (!piece.partial) {
    piece.content.remove_suffix(1);
  }
  return true;
}

}  // namespace mf
