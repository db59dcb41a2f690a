// Work on an engine on libuv's thread pool, as a promise: all that reads a file or touches every
// key, which at a million keys takes most of a second.
//
// While a task runs the engine is its own; the object refuses every other call. The task holds a
// reference to the object, so that JavaScript may drop it at any time.
#pragma once

#include <napi.h>

#include <functional>
#include <memory>

#include "native/addon/engine_object.h"

namespace mf::addon {

struct EngineWork {
  /// On a thread of the pool, where nothing of JavaScript may be touched.
  std::function<Error(Engine&)> run;
  /// What the promise resolves to; undefined when it is left out.
  std::function<Napi::Value(Napi::Env)> answer;
  /// What the promise rejects with when `run` fails.
  std::function<Napi::Error(Napi::Env)> failure;
};

class EngineTask : public Napi::AsyncWorker {
 public:
  /// Starts the work; the task deletes itself when it is done.
  static Napi::Promise start(Napi::Env env, EngineObject& target, EngineWork work);

  void Execute() override;
  void OnOK() override;
  void OnError(const Napi::Error& error) override;

 private:
  EngineTask(Napi::Env env, EngineObject& target, EngineWork work);

  EngineObject& target_;
  Napi::ObjectReference keep_alive_;
  const Napi::Promise::Deferred deferred_;
  const EngineWork work_;
};

/// Frees an engine on the thread pool; the tables of many keys take a while.
class FreeTask : public Napi::AsyncWorker {
 public:
  static void start(Napi::Env env, std::unique_ptr<Engine> engine);

  void Execute() override { engine_.reset(); }

 private:
  FreeTask(Napi::Env env, std::unique_ptr<Engine> engine)
      : Napi::AsyncWorker(env), engine_(std::move(engine)) {}

  std::unique_ptr<Engine> engine_;
};

}  // namespace mf::addon
