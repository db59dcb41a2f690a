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

Line faulty(const JoinedLine& joined, LineFault fault, size_t begin) {
  Line line;
  line.content = joined.content();
  line.fault = fault;
  line.begin = begin;
  line.whole = &joined;
  return line;
}

}  // namespace

LineReader::LineReader(Envelope envelope, size_t line_bytes_max)
    : line_bytes_max_(line_bytes_max),
      held_bytes_max_(line_bytes_max + kEnvelopeBytesMax),
      envelope_(envelope),
      joined_{JoinedLine(line_bytes_max), JoinedLine(line_bytes_max)},
      long_bad_(line_bytes_max) {}

size_t LineReader::consume(std::string_view bytes, LineSink& sink) {
  begin_ = 0;
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
      begin_ = used;
      physical(without_carriage_return(text), sink);
    }
    used = end + 1;
  }
  const std::string_view rest = bytes.substr(used);
  if (long_.open) {
    extend_long(rest);
    return bytes.size();
  }
  if (rest.size() > held_bytes_max_) {
    begin_long(rest);
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

void LineReader::end_generation(std::string_view rest, LineSink& sink) {
  begin_ = 0;
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
      Line line = blank ? Line{} : faulty(joined(output), LineFault::kCut, begin_);
      line.output = output;
      sink.line(line);
      joined(output).clear();
    }
  }
}

void LineReader::physical(std::string_view text, LineSink& sink) {
  Piece piece;
  piece.content = text;
  if (envelope_ != Envelope::kRaw) {
    if (text.empty()) {
      Line blank;
      blank.begin = begin_;
      sink.line(blank);
      return;
    }
    if (envelope_ == Envelope::kAuto) {
      envelope_ = detect_envelope(text);
    }
    if (envelope_ == Envelope::kCri && !read_cri(text, piece)) {
      bad_envelope(text, sink);
      return;
    }
  }
  finish(piece, sink);
}

void LineReader::finish(const Piece& piece, LineSink& sink) {
  JoinedLine& pending = joined(piece.output);
  Line line;
  line.begin = begin_;
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
    return;
  }
  if (pending.is_too_long()) {
    line = faulty(pending, LineFault::kTooLong, begin_);
  }
  line.content = pending.content();
  line.output = piece.output;
  line.time = piece.time;
  sink.line(line);
  pending.clear();
}

void LineReader::bad_envelope(std::string_view text, LineSink& sink) {
  long_bad_.append(text);
  sink.line(faulty(long_bad_, LineFault::kBadEnvelope, begin_));
  long_bad_.clear();
}

void LineReader::begin_long(std::string_view text) {
  if (envelope_ == Envelope::kAuto) {
    envelope_ = detect_envelope(text);
  }
  Piece piece;
  piece.content = text;
  long_ = LongLine{};
  long_.open = true;
  if (envelope_ != Envelope::kRaw) {
    long_.bad_envelope = !read_cri(text, piece);
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
  if (ended.bad_envelope) {
    sink.line(faulty(long_bad_, LineFault::kBadEnvelope, begin_));
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
  out.put(static_cast<uint8_t>(long_.open));
  out.put(static_cast<uint8_t>(long_.bad_envelope));
  out.put(static_cast<uint8_t>(long_.partial));
  out.put(static_cast<uint8_t>(long_.output));
  out.put(static_cast<uint8_t>(long_.carriage_return));
  out.put_text(long_.time);
  long_bad_.save(out);
}

void LineReader::load(ByteReader& in) {
  envelope_ = static_cast<Envelope>(in.get<uint8_t>());
  at_start_ = in.get<uint8_t>() != 0;
  joined_[0].load(in);
  joined_[1].load(in);
  long_.open = in.get<uint8_t>() != 0;
  long_.bad_envelope = in.get<uint8_t>() != 0;
  long_.partial = in.get<uint8_t>() != 0;
  long_.output = in.get<uint8_t>() == 0 ? OutputStream::kStdout : OutputStream::kStderr;
  long_.carriage_return = in.get<uint8_t>() != 0;
  long_.time = in.get_text();
  long_bad_.load(in);
}

}  // namespace mf
