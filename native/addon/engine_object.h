// The Engine class of JavaScript: checks, calls the core, converts. Decides nothing.
//
// What may take long is a task on the thread pool and a promise (engine_task.h). While it runs the
// engine belongs to that thread: every other call throws METER_MISUSE.
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
  friend class EngineTask;

  Napi::Value feed(const Napi::CallbackInfo& info);
  Napi::Value read(const Napi::CallbackInfo& info);
  Napi::Value end_generation(const Napi::CallbackInfo& info);
  Napi::Value close_by_time(const Napi::CallbackInfo& info);
  Napi::Value end_stream(const Napi::CallbackInfo& info);
  Napi::Value snapshot(const Napi::CallbackInfo& info);
  Napi::Value checkpoint(const Napi::CallbackInfo& info);
  Napi::Value open_totals(const Napi::CallbackInfo& info);
  Napi::Value restore(const Napi::CallbackInfo& info);

  void feed_sync(const Napi::CallbackInfo& info);
  void end_generation_sync(const Napi::CallbackInfo& info);
  void end_stream_sync(const Napi::CallbackInfo& info);
  void seek(const Napi::CallbackInfo& info);
  Napi::Value take(const Napi::CallbackInfo& info);
  Napi::Value counters(const Napi::CallbackInfo& info);
  Napi::Value path_counters(const Napi::CallbackInfo& info);
  Napi::Value offset(const Napi::CallbackInfo& info);
  Napi::Value pending_bytes(const Napi::CallbackInfo& info);
  Napi::Value read_offset(const Napi::CallbackInfo& info);
  Napi::Value window_start_ms(const Napi::CallbackInfo& info);
  Napi::Value window_ms(const Napi::CallbackInfo& info);
  Napi::Value has_open_segment(const Napi::CallbackInfo& info);
  Napi::Value envelope(const Napi::CallbackInfo& info);
  void close(const Napi::CallbackInfo& info);

  /// The engine, or nullptr after throwing METER_MISUSE: closed, or a task runs.
  Engine* idle_engine(Napi::Env env);
  /// A task that gives nothing and cannot fail.
  Napi::Value start(Napi::Env env, void (Engine::*method)());

  std::unique_ptr<Engine> engine_;
  bool busy_ = false;
};

}  // namespace mf::addon
