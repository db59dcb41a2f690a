// The peer of the line shapes: simdjson On-Demand, one document a line, its keys asked for in the
// order that they have, summed in the same table.
#pragma once

#include <string_view>

#include "native/aggregate/stream_meter.h"

namespace mf::test {

/// Adds the lines of `log`, around which simdjson's padding is readable, to a meter that knows
/// their keys. Returns how many lines it added: not those that have other keys, or keys that are
/// new.
size_t fold_on_demand(std::string_view log, bool has_project, StreamMeter& meter);

}  // namespace mf::test
