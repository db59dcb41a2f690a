// The one place where the addon makes errors. The class lives in src/errors.ts; native.ts hands the
// addon a function that makes one from a code and a message.
#pragma once

#include <napi.h>

#include <string>

#include "native/base/error.h"

namespace mf::addon {

/// State of one loaded copy of the addon: every environment (worker thread) has its own.
struct AddonData {
  Napi::FunctionReference make_error;
};

Napi::Error make_error(Napi::Env env, const char* code, const std::string& message);

/// Throws into JavaScript; the caller returns at once.
void throw_error(Napi::Env env, const char* code, const std::string& message);

/// Throws that `what` cannot be made, because its init said `error`.
void throw_init_error(Napi::Env env, const std::string& what, mf::Error error);

inline constexpr const char* kUsage = "METER_USAGE";
inline constexpr const char* kMisuse = "METER_MISUSE";
inline constexpr const char* kDisk = "METER_DISK";
inline constexpr const char* kStateCorrupt = "METER_STATE_CORRUPT";
inline constexpr const char* kBug = "METER_BUG";

}  // namespace mf::addon
