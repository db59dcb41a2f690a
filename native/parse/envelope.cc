#include "native/parse/envelope.h"

namespace mf {
namespace {

/// Takes the text up to the next blank, and the blank; empty when there is no blank.
std::string_view take_word(std::string_view& rest) {
  const size_t blank = rest.find(' ');
  if (blank == std::string_view::npos) {
    return {};
  }
  const std::string_view word = rest.substr(0, blank);
  rest.remove_prefix(blank + 1);
  return word;
}

}  // namespace

bool read_cri(std::string_view physical, Piece& piece) {
  std::string_view rest = physical;
  piece.time = take_word(rest);
  const std::string_view output = take_word(rest);
  const std::string_view tag = take_word(rest);
  if (piece.time.empty() || (output != "stdout" && output != "stderr")) {
    return false;
  }
  if (tag.empty() || (tag[0] != 'P' && tag[0] != 'F') || (tag.size() > 1 && tag[1] != ':')) {
    return false;
  }
  piece.output = output == "stdout" ? OutputStream::kStdout : OutputStream::kStderr;
  piece.partial = tag[0] == 'P';
  piece.content = rest;
  return true;
}

}  // namespace mf
