// Lines that are not billed because something is wrong with them, packed for the state:
//
//   u8 outcome   u8 is_whole   u16 0   u32 text_bytes   u64 offset   u64 length   u8 sha256[32]
//   text
//
// `offset` is where the line's last physical line begins in its generation. A line that is not
// whole (too long, cut) has its beginning as text, and the hash and length of all of it.
#pragma once

#include <cstdint>

#include "native/base/bytes.h"
#include "native/base/outcome.h"
#include "native/parse/line_reader.h"

namespace mf {

void put_quarantined(ByteWriter& out, Outcome outcome, const Line& line);

}  // namespace mf
