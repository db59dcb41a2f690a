// mend(line) of DESIGN 4.2: junk that a client put into a header must never make traffic free.
#pragma once

#include <string>
#include <string_view>

namespace mf {

/// Writes to `out` the mended line, byte for byte as long as `line`: inside strings each byte that
/// is not part of well-formed UTF-8 and each backslash that begins no valid escape becomes `?`;
/// outside strings a token that is exactly inf, -inf, nan or -nan becomes 0 and blanks.
/// Returns true when anything changed.
bool mend(std::string_view line, std::string& out);

}  // namespace mf
