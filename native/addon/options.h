// Options of an engine, from JavaScript. Values come from src/config, which has checked them;
// what is checked here keeps the core from harm, not the user from mistakes.
#pragma once

#include <napi.h>

#include <string>

#include "native/engine/engine.h"

namespace mf::addon {

/// False when `value` is no EngineOptions of src/native.ts; `problem` says what is wrong.
bool read_options(const Napi::Value& value, EngineOptions& options, std::string& problem);

}  // namespace mf::addon
