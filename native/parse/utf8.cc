#include "native/parse/utf8.h"

#include <simdjson.h>

namespace mf {

bool is_utf8(std::string_view text) {
  return simdjson::validate_utf8(text.data(), text.size());
}

}  // namespace mf
