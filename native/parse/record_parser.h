// The reference parser: gives every line its meaning (DESIGN 4.2), with simdjson underneath.
//
// The idea. simdjson's first stage proves UTF-8, finds where strings begin and end, refuses bare
// control characters in them, and lists the offset of every structural character and of the first
// byte of every other token. We walk that list ourselves, once, and check what the first stage does
// not: grammar, escapes, numbers, literals, depth, and that nothing follows the root object. On
// the way the walk looks up each key of a mapped path and notes the value's bytes.
//
// Why not simdjson's own second stages. The DOM builds a tape that nobody reads, and takes the
// first of two equal keys without a word. On-Demand does not check what it skips, so a torn line
// could be billed. Both hide the raw bytes of numbers, which must stay exact decimals.
//
// A line that fails is mended (mend.h) and walked again; the walk then compares each key and each
// mapped value with the line as written, because mended billing data is no billing data.
//
// Limits: containers above kContainersOpenMax are refused, so the recursion of the walk is bounded;
// a line must be no longer than the capacity given to `init`.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "native/base/error.h"
#include "native/parse/format.h"
#include "native/parse/path_tree.h"
#include "native/parse/record.h"
#include "native/parse/token_walk.h"

namespace mf {

enum class LineVerdict : uint8_t { kAccepted, kMalformed, kDuplicateKey };

class RecordParser {
 public:
  explicit RecordParser(const Format& format);
  ~RecordParser();
  RecordParser(const RecordParser&) = delete;
  RecordParser& operator=(const RecordParser&) = delete;

  /// Refuses a format that is too large. Makes room for lines of `line_bytes_max`; memory is taken
  /// when the first long line comes.
  Error init(size_t line_bytes_max);

  /// Reads one line, white space around it cut. `record` is filled when the line is accepted.
  LineVerdict parse(std::string_view line, Record& record);

 private:
  class Index;

  WalkResult attempt(std::string_view text, std::string_view original, Record& record);

  const PathTree paths_;
  const std::unique_ptr<Index> index_;
  KeyMemo memo_;
  std::string mended_;
};

/// simdjson's version and the kernel that it chose for this CPU.
std::string_view simdjson_version();
std::string simdjson_kernel();

}  // namespace mf
