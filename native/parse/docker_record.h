// Records of docker's json-file log driver (DESIGN 4.1): an object with strings `log`, `stream` and
// `time`; a `log` without a final LF is a part.
//
// A record is read by the reference parser, with a format of three keys, so that what is no valid
// JSON is no record. It is never mended: docker itself writes well-formed UTF-8. The line inside
// was escaped once more; it is unescaped into a buffer here, which is why such lines do not take
// the fast path.
#pragma once

#include <string>
#include <string_view>

#include "native/parse/envelope.h"
#include "native/parse/record.h"
#include "native/parse/record_parser.h"

namespace mf {

class DockerRecords {
 public:
  /// Records of at most `record_bytes_max` bytes are read; a longer one is none.
  explicit DockerRecords(size_t record_bytes_max);

  /// False when `physical` is no such record. The views in `piece` live until the next call.
  bool read(std::string_view physical, Piece& piece);

 private:
  const size_t record_bytes_max_;
  RecordParser parser_;
  bool ready_;
  Record record_;
  std::string log_;
  std::string time_;
};

}  // namespace mf
