// The addon's exports: a table of contents. Everything here checks, calls the core, converts.
#include <napi.h>

#include "native/addon/engine_object.h"
#include "native/addon/js_error.h"
#include "native/addon/pack.h"
#include "native/addon/probe_object.h"
#include "native/base/crc32c.h"
#include "native/parse/record_parser.h"
#include "native/read/file_lock.h"
#include "native/read/file_reserve.h"

namespace mf::addon {
namespace {

Napi::Value checksum(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  std::string_view bytes;
  if (!view_bytes(info[0], bytes) || !info[1].IsNumber()) {
    throw_error(env, kUsage, "crc32c takes a Uint8Array and a seed");
    return env.Undefined();
  }
  const uint32_t seed = info[1].As<Napi::Number>().Uint32Value();
  const auto* data = reinterpret_cast<const uint8_t*>(bytes.data());
  return Napi::Number::New(env, crc32c(data, bytes.size(), seed));
}

Napi::Value lock(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (!info[0].IsString()) {
    throw_error(env, kUsage, "lockFile takes a path");
    return env.Undefined();
  }
  const std::string path = info[0].As<Napi::String>().Utf8Value();
  bool held = false;
  const int fd = lock_file(path.c_str(), held);
  if (fd < 0 && !held) {
    throw_error(env, kDisk, "the lock file " + path + " cannot be opened or locked");
    return env.Undefined();
  }
  return fd < 0 ? env.Null() : Napi::Number::New(env, fd);
}

void unlock(const Napi::CallbackInfo& info) {
  if (info[0].IsNumber()) {
    unlock_file(info[0].As<Napi::Number>().Int32Value());
  }
}

/// `allocateFile` and `allocateRoom`: a path and a number of bytes.
template <bool (*allocate_bytes)(const char*, uint64_t)>
Napi::Value allocate(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const bool valid =
      info[0].IsString() && info[1].IsNumber() && info[1].As<Napi::Number>().DoubleValue() > 0;
  if (!valid) {
    throw_error(env, kUsage, "this takes a path and a number of bytes");
    return env.Undefined();
  }
  const std::string path = info[0].As<Napi::String>().Utf8Value();
  const auto bytes = static_cast<uint64_t>(info[1].As<Napi::Number>().Int64Value());
  return Napi::Boolean::New(env, allocate_bytes(path.c_str(), bytes));
}

Napi::Value describe(const Napi::CallbackInfo& info) {
  Napi::Object object = Napi::Object::New(info.Env());
  object.Set("simdjson", std::string(simdjson_version()));
  object.Set("kernel", simdjson_kernel());
  Kernel shapes = Kernel::kReference;
  object.Set("shapes", chosen_kernel(shapes) ? std::string(kernel_name(shapes)) : "unknown");
  return object;
}

/// `load(makeError)`: the exports, with the function that makes their errors.
Napi::Value load(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  auto* data = env.GetInstanceData<AddonData>();
  data->make_error = Napi::Persistent(info[0].As<Napi::Function>());
  Napi::Object exports = Napi::Object::New(env);
  exports.Set("Engine", EngineObject::define(env));
  exports.Set("FormatProbe", ProbeObject::define(env));
  exports.Set("crc32c", Napi::Function::New<checksum>(env, "crc32c"));
  exports.Set("lockFile", Napi::Function::New<lock>(env, "lockFile"));
  exports.Set("unlockFile", Napi::Function::New<unlock>(env, "unlockFile"));
  exports.Set("allocateFile", Napi::Function::New<allocate<allocate_file>>(env, "allocateFile"));
  exports.Set("allocateRoom", Napi::Function::New<allocate<allocate_room>>(env, "allocateRoom"));
  exports.Set("describe", Napi::Function::New<describe>(env, "describe"));
  return exports;
}

Napi::Object init(Napi::Env env, Napi::Object exports) {
  env.SetInstanceData(new AddonData());
  exports.Set("load", Napi::Function::New<load>(env, "load"));
  return exports;
}

}  // namespace
}  // namespace mf::addon

namespace {
Napi::Object init_addon(Napi::Env env, Napi::Object exports) {
  return mf::addon::init(env, exports);
}
}  // namespace

NODE_API_MODULE(meter_fast, init_addon)
