// One `read` on libuv's thread pool.
#pragma once

#include <napi.h>

#include "native/addon/engine_object.h"

namespace mf::addon {

class ReadWorker : public Napi::AsyncWorker {
 public:
  /// `target` is kept alive until the worker is done.
  ReadWorker(Napi::Env env, EngineObject& target, int fd, uint64_t bytes_max);

  [[nodiscard]] Napi::Promise promise() const { return deferred_.Promise(); }

  void Execute() override;
  void OnOK() override;
  void OnError(const Napi::Error& error) override;

 private:
  EngineObject& target_;
  Napi::ObjectReference keep_alive_;
  const Napi::Promise::Deferred deferred_;
  const int fd_;
  const uint64_t bytes_max_;
  uint64_t got_ = 0;
  int error_number_ = 0;
};

}  // namespace mf::addon
