// Conversions between the core's values and JavaScript's. Packed: one typed array, not one object
// per key.
#pragma once

#include <napi.h>

#include <span>
#include <string_view>
#include <vector>

#include "native/engine/engine.h"

namespace mf::addon {

/// The bytes of a Uint8Array, valid while JavaScript does not run. False for anything else.
bool view_bytes(const Napi::Value& value, std::string_view& bytes);

/// Pages that a thread without JavaScript reads: they live as long as this does.
struct PinnedPages {
  Napi::ObjectReference owner;
  std::vector<std::string_view> pages;
};
/// False for anything but an array of Uint8Arrays, which nobody may change or transfer meanwhile.
bool pin_pages(const Napi::Value& value, PinnedPages& pinned);

/// ClosedSegment of src/native.ts; takes the pages of `part`.
Napi::Value pack_part(Napi::Env env, ClosedPart& part);
/// Drain of src/native.ts.
Napi::Value pack_drain(Napi::Env env, Engine& engine);
/// A BigInt64Array in the order of OUTCOMES, or of LINE_PATHS.
Napi::Value pack_counts(Napi::Env env, std::span<const int64_t> counts);
/// EngineSnapshot of src/native.ts; takes the pages of `snapshot`.
Napi::Value pack_snapshot(Napi::Env env, EngineSnapshot& snapshot);

}  // namespace mf::addon
