// Well-formed UTF-8, by simdjson's kernel for this CPU.
#pragma once

#include <string_view>

namespace mf {

bool is_utf8(std::string_view text);

}  // namespace mf
