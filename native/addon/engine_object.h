// The Engine class of JavaScript: checks, calls the core, converts. Decides nothing.
//
// While a `read` runs on the thread pool the engine belongs to that thread: every other call
// throws METER_MISUSE. The worker holds a reference to this object, so that JavaScript may drop it
// at any time.
#pragma once

#include <napi.h>

#include <memory>

#include "native/engine/engine.h"

namespace mf::addon {

class EngineObject : public Napi::ObjectWrap<EngineObject> {
 public:
  static Napi::Function define(Napi::Env env);

  explicit EngineObject(const Napi::CallbackInfo& info);

 private:
  friend class ReadWorker;

  void feed(const Napi::CallbackInfo& info);
  Napi::Value read(const Napi::CallbackInfo& info);
  void end_generation(const Napi::CallbackInfo& info);
  void seek(const Napi::CallbackInfo& info);
  void close_by_time(const Napi::CallbackInfo& info);
  void end_stream(const Napi::CallbackInfo& info);
  Napi::Value take(const Napi::CallbackInfo& info);
  Napi::Value counters(const Napi::CallbackInfo& info);
  Napi::Value offset(const Napi::CallbackInfo& info);
  Napi::Value pending_bytes(const Napi::CallbackInfo& info);
  Napi::Value read_offset(const Napi::CallbackInfo& info);
  Napi::Value window_start_ms(const Napi::CallbackInfo& info);
  Napi::Value has_open_segment(const Napi::CallbackInfo& info);
  Napi::Value envelope(const Napi::CallbackInfo& info);
  Napi::Value snapshot(const Napi::CallbackInfo& info);
  void restore(const Napi::CallbackInfo& info);
  void close(const Napi::CallbackInfo& info);

  /// The engine, or nullptr after throwing METER_MISUSE: closed, or a read runs.
  Engine* idle_engine(Napi::Env env);

  std::unique_ptr<Engine> engine_;
  bool reading_ = false;
};

}  // namespace mf::addon
