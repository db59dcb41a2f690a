// From bytes to lines: line ends, byte order mark, envelopes and the joining of parts (DESIGN 4.1,
// 4.4). A line that lies whole in the caller's bytes is handed over as a view of them; nothing is
// copied but parts.
//
// The caller holds the bytes of an unfinished physical line and brings them again with more behind
// them. Only when such a line outgrows `held_bytes_max` is it folded in pieces as it comes, so
// that a line of any length needs bounded memory. A docker record is held whole or is none: only
// when it is unescaped its line is known.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "native/base/bytes.h"
#include "native/parse/docker_record.h"
#include "native/parse/envelope.h"
#include "native/parse/joined_line.h"

namespace mf {

enum class LineFault : uint8_t { kNone, kBadEnvelope, kCut, kTooLong };

/// One line, after its parts are joined. Views live until the sink returns.
struct Line {
  /// White space around it is cut; of a line that is too long, its beginning.
  std::string_view content;
  OutputStream output = OutputStream::kStdout;
  /// The envelope's time of the last part, as written; empty when there is none.
  std::string_view time;
  LineFault fault = LineFault::kNone;
  /// Where its last physical line begins in its generation.
  uint64_t offset = 0;
  /// All of a faulty line; nullptr when there is no fault.
  const JoinedLine* whole = nullptr;
};

class LineSink {
 public:
  virtual ~LineSink() = default;
  virtual void line(const Line& line) = 0;
};

class LineReader {
 public:
  /// `hash_faulty`: lines above `line_bytes_max` are hashed to their end, which quarantine wants.
  LineReader(Envelope envelope, size_t line_bytes_max, bool hash_faulty = true);

  /// Reads the physical lines that end in `bytes`, which lie at `offset` of their generation.
  /// Returns how many bytes are done with; the caller brings the rest again, followed by more.
  size_t consume(std::string_view bytes, uint64_t offset, LineSink& sink);

  /// The generation ends here: `rest`, what consume left, is a line although no LF follows.
  void end_generation(std::string_view rest, uint64_t offset, LineSink& sink);

  /// No generation follows: parts that wait for their `F` are cut.
  void end_stream(LineSink& sink);

  [[nodiscard]] Envelope envelope() const { return envelope_; }

  /// True when the next physical line, if it is a whole line of stdout, is a line by itself:
  /// nothing of it came before, and its envelope is known and only stands before it.
  [[nodiscard]] bool takes_whole_lines() const {
    return !at_start_ && !long_.open && is_prefix(envelope_) &&
           !joined_[static_cast<size_t>(OutputStream::kStdout)].is_pending();
  }

  void save(ByteWriter& out) const;
  /// False when the bytes contradict themselves.
  bool load(ByteReader& in);

 private:
  /// Drops the byte order mark at the start of a generation; npos: more bytes are needed to know.
  size_t skip_mark(std::string_view bytes);
  [[nodiscard]] size_t held_bytes_max() const;
  [[nodiscard]] bool unwrap_cri(std::string_view text, Piece& piece) const;
  [[nodiscard]] bool unwrap_docker(std::string_view text, Piece& piece);
  [[nodiscard]] bool unwrap(std::string_view text, Piece& piece);
  void detect_envelope(std::string_view text);
  void physical(std::string_view text, LineSink& sink);
  void finish(const Piece& piece, LineSink& sink);
  void bad_envelope(std::string_view text, LineSink& sink);

  void begin_long(std::string_view text, uint64_t offset);
  void extend_long(std::string_view text);
  void end_long(LineSink& sink);

  /// True of an envelope that stands before a line, or is none.
  static bool is_prefix(Envelope envelope) {
    return envelope == Envelope::kRaw || envelope == Envelope::kCri;
  }

  JoinedLine& joined(OutputStream output) { return joined_[static_cast<size_t>(output)]; }

  const size_t line_bytes_max_;
  Envelope envelope_;
  /// Made when the first physical line may be such a record.
  std::unique_ptr<DockerRecords> docker_;
  bool at_start_ = true;
  /// Where the physical line being read begins in its generation.
  uint64_t offset_ = 0;
  std::array<JoinedLine, 2> joined_;
  /// Where the last part of each begins.
  std::array<uint64_t, 2> part_offsets_{};

  /// A physical line that is folded in pieces.
  struct LongLine {
    bool open = false;
    bool bad_envelope = false;
    bool partial = false;
    OutputStream output = OutputStream::kStdout;
    /// A CR that is part of the line unless LF follows.
    bool carriage_return = false;
    uint64_t offset = 0;
    std::string time;
  };
  LongLine long_;
  JoinedLine long_bad_;
};

}  // namespace mf
