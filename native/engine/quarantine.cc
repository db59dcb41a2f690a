#include "native/engine/quarantine.h"

#include <algorithm>

#include "native/base/limits.h"
#include "native/base/sha256.h"

namespace mf {

void put_quarantined(ByteWriter& out, Outcome outcome, const Line& line) {
  const bool whole = line.fault == LineFault::kNone;
  const std::string_view text =
      whole ? line.content
            : line.content.substr(0, std::min(line.content.size(), kQuarantineHeadBytesMax));
  out.put(static_cast<uint8_t>(outcome));
  out.put(static_cast<uint8_t>(whole));
  out.put(uint16_t{0});
  out.put(static_cast<uint32_t>(text.size()));
  out.put(line.offset);
  out.put(whole ? static_cast<uint64_t>(text.size()) : line.whole->length());
  out.put(whole ? Sha256::of(text) : line.whole->digest());
  out.put_raw(text.data(), text.size());
}

}  // namespace mf
