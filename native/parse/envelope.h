// Envelopes: how a container runtime wraps a line (DESIGN 4.1). A physical line in, content out.
// Of docker, see docker_record.h.
#pragma once

#include <cstdint>
#include <string_view>

namespace mf {

/// The order is part of the snapshot format: append, never reorder.
enum class Envelope : uint8_t { kAuto, kRaw, kCri, kDocker };

enum class OutputStream : uint8_t { kStdout = 0, kStderr = 1 };

/// A physical line without its envelope.
struct Piece {
  OutputStream output = OutputStream::kStdout;
  /// A part: the line goes on in the next piece of the same output.
  bool partial = false;
  /// The runtime's time as written; empty in a raw envelope.
  std::string_view time;
  std::string_view content;
};

/// Reads `<time> <stdout|stderr> <P|F>[:tags] <content>`. False when it is no such record.
bool read_cri(std::string_view physical, Piece& piece);

}  // namespace mf
