#include "native/parse/line_reader.h"

#include <algorithm>
#include <cstring>

#include "native/base/limits.h"
#include "native/parse/text.h"

namespace mf {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

std::string_view without_carriage_return(std::string_view text) {
  return text.ends_with('\r') ? text.substr(0, text.size() - 1) : text;
}

Line faulty(const JoinedLine& joined, LineFault fault, uint64_t offset) {
  Line line;
  line.content = joined.content();
  line.fault = fault;
  line.offset = offset;
  line.whole = &joined;
  return line;
}

}  // namespace

LineReader::LineReader(Envelope envelope, size_t line_bytes_max, bool hash_faulty)
    : line_bytes_max_(line_bytes_max),
      envelope_(envelope),
      joined_{JoinedLine(line_bytes_max, hash_faulty), JoinedLine(line_bytes_max, hash_faulty)},
      long_bad_(line_bytes_max, hash_faulty) {}

size_t LineReader::consume(std::string_view bytes, uint64_t offset, LineSink& sink) {
  size_t used = skip_mark(bytes);
  if (used == std::string_view::npos) {
    return 0;
  }
  while (used < bytes.size()) {
    const auto* feed =
        static_cast<const char*>(std::memchr(bytes.data() + used, '\n', bytes.size() - used));
    if (feed == nullptr) {
      break;
    }
    const auto end = static_cast<size_t>(feed - bytes.data());
    const std::string_view text = bytes.substr(used, end - used);
    if (long_.open) {
      extend_long(text);
      end_long(sink);
    } else {
      offset_ = offset + used;
      physical(without_carriage_return(text), sink);
    }
    used = end + 1;
  }
  const std::string_view rest = bytes.substr(used);
  if (long_.open) {
    extend_long(rest);
    return bytes.size();
  }
  if (rest.size() > held_bytes_max()) {
    begin_long(rest, offset + used);
    return bytes.size();
  }
  return used;
}

size_t LineReader::skip_mark(std::string_view bytes) {
  if (!at_start_ || bytes.empty()) {
    return 0;
  }
  if (bytes.size() < kByteOrderMark.size() && kByteOrderMark.starts_with(bytes)) {
    return std::string_view::npos;
  }
  at_start_ = false;
  return bytes.starts_with(kByteOrderMark) ? kByteOrderMark.size() : 0;
}

void LineReader::end_generation(std::string_view rest, uint64_t offset, LineSink& sink) {
  offset_ = offset;
  if (long_.open) {
    extend_long(rest);
    end_long(sink);
  } else if (!rest.empty()) {
    physical(rest, sink);
  }
  at_start_ = true;
}

void LineReader::end_stream(LineSink& sink) {
  for (const OutputStream output : {OutputStream::kStdout, OutputStream::kStderr}) {
    if (joined(output).is_pending()) {
      // A part of white space only is an empty line: that row of DESIGN 4.7 comes first.
      const bool blank = joined(output).content().empty();
      const uint64_t offset = part_offsets_[static_cast<size_t>(output)];
      Line line = blank ? Line{} : faulty(joined(output), LineFault::kCut, offset);
      line.output = output;
      sink.line(line);
      joined(output).clear();
    }
  }
}

/// A byte of a docker record's line takes six at most, and a record must be whole to be read.
size_t LineReader::held_bytes_max() const {
  const size_t escaped_bytes_max = is_prefix(envelope_) ? 1 : 6;
  return line_bytes_max_ * escaped_bytes_max + kEnvelopeBytesMax;
}

/// An envelope that cannot be held is none: were it longer, it would depend on how the bytes come
/// whether its end is there when it is asked for.
bool LineReader::unwrap_cri(std::string_view text, Piece& piece) const {
  const size_t envelope_bytes_max = line_bytes_max_ + kEnvelopeBytesMax;
  return read_cri(text, piece) && text.size() - piece.content.size() <= envelope_bytes_max;
}

/// For the same reason a record leaves room for a CR behind it.
bool LineReader::unwrap_docker(std::string_view text, Piece& piece) {
  if (docker_ == nullptr) {
    docker_ = std::make_unique<DockerRecords>(held_bytes_max() - 1);
  }
  return docker_->read(text, piece);
}

bool LineReader::unwrap(std::string_view text, Piece& piece) {
  return envelope_ == Envelope::kDocker ? unwrap_docker(text, piece) : unwrap_cri(text, piece);
}

/// `auto` is decided by the first physical line that is not empty.
void LineReader::detect_envelope(std::string_view text) {
  Piece piece;
  if (envelope_ != Envelope::kAuto) {
    return;
  }
  if (unwrap_cri(text, piece)) {
    envelope_ = Envelope::kCri;
  } else if (unwrap_docker(text, piece)) {
    envelope_ = Envelope::kDocker;
  } else {
    envelope_ = Envelope::kRaw;
    docker_.reset();
  }
}

void LineReader::physical(std::string_view text, LineSink& sink) {
  Piece piece;
  piece.content = text;
  if (envelope_ != Envelope::kRaw) {
    if (text.empty()) {
      Line blank;
      blank.offset = offset_;
      sink.line(blank);
      return;
    }
    detect_envelope(text);
    if (envelope_ != Envelope::kRaw && !unwrap(text, piece)) {
      bad_envelope(text, sink);
      return;
    }
  }
  finish(piece, sink);
}

void LineReader::finish(const Piece& piece, LineSink& sink) {
  JoinedLine& pending = joined(piece.output);
  Line line;
  line.offset = offset_;
  if (!piece.partial && !pending.is_pending()) {
    line.content = trim(piece.content);
    line.output = piece.output;
    line.time = piece.time;
    if (line.content.size() <= line_bytes_max_) {
      sink.line(line);
      return;
    }
  }
  pending.append(piece.content);
  if (piece.partial) {
    part_offsets_[static_cast<size_t>(piece.output)] = offset_;
    return;
  }
  if (pending.is_too_long()) {
    line = faulty(pending, LineFault::kTooLong, offset_);
  }
  line.content = pending.content();
  line.output = piece.output;
  line.time = piece.time;
  sink.line(line);
  pending.clear();
}

void LineReader::bad_envelope(std::string_view text, LineSink& sink) {
  long_bad_.append(text);
  sink.line(faulty(long_bad_, LineFault::kBadEnvelope, offset_));
  long_bad_.clear();
}

void LineReader::begin_long(std::string_view text, uint64_t offset) {
  detect_envelope(text);
  Piece piece;
  piece.content = text;
  long_ = LongLine{};
  long_.open = true;
  long_.offset = offset;
  if (envelope_ != Envelope::kRaw) {
    long_.bad_envelope = !unwrap(text, piece);
    long_.partial = piece.partial && !long_.bad_envelope;
    long_.output = long_.bad_envelope ? OutputStream::kStdout : piece.output;
    long_.time = piece.time;
  }
  extend_long(long_.bad_envelope ? text : piece.content);
}

void LineReader::extend_long(std::string_view text) {
  if (text.empty()) {
    return;
  }
  JoinedLine& target = long_.bad_envelope ? long_bad_ : joined(long_.output);
  if (long_.carriage_return) {
    target.append("\r");
  }
  long_.carriage_return = text.ends_with('\r');
  target.append(without_carriage_return(text));
}

void LineReader::end_long(LineSink& sink) {
  const LongLine ended = std::move(long_);
  long_ = LongLine{};
  offset_ = ended.offset;
  if (ended.bad_envelope) {
    sink.line(faulty(long_bad_, LineFault::kBadEnvelope, offset_));
    long_bad_.clear();
    return;
  }
  Piece piece;
  piece.output = ended.output;
  piece.partial = ended.partial;
  piece.time = ended.time;
  finish(piece, sink);
}

void LineReader::save(ByteWriter& out) const {
  out.put(static_cast<uint8_t>(envelope_));
  out.put(static_cast<uint8_t>(at_start_));
  joined_[0].save(out);
  joined_[1].save(out);
  out.put(part_offsets_);
  out.put(static_cast<uint8_t>(long_.open));
  out.put(static_cast<uint8_t>(long_.bad_envelope));
  out.put(static_cast<uint8_t>(long_.partial));
  out.put(static_cast<uint8_t>(long_.output));
  out.put(static_cast<uint8_t>(long_.carriage_return));
  out.put(long_.offset);
  out.put_text(long_.time);
  long_bad_.save(out);
}

bool LineReader::load(ByteReader& in) {
  const auto envelope = in.get<uint8_t>();
  if (envelope > static_cast<uint8_t>(Envelope::kDocker)) {
    return false;
  }
  // What is configured wins: the stored one is what `auto` decided, or an earlier configuration.
  if (envelope_ == Envelope::kAuto) {
    envelope_ = static_cast<Envelope>(envelope);
  }
  at_start_ = in.get<uint8_t>() != 0;
  const bool joined = joined_[0].load(in) && joined_[1].load(in);
  part_offsets_ = in.get<std::array<uint64_t, 2>>();
  long_.open = in.get<uint8_t>() != 0;
  long_.bad_envelope = in.get<uint8_t>() != 0;
  long_.partial = in.get<uint8_t>() != 0;
  long_.output = in.get<uint8_t>() == 0 ? OutputStream::kStdout : OutputStream::kStderr;
  long_.carriage_return = in.get<uint8_t>() != 0;
  long_.offset = in.get<uint64_t>();
  long_.time = in.get_text();
  return joined && long_bad_.load(in) && !in.failed();
}

}  // namespace mf
