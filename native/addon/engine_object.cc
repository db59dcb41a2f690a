#include "native/addon/engine_object.h"

#include <climits>
#include <utility>

#include "native/addon/js_error.h"
#include "native/addon/options.h"
#include "native/addon/pack.h"
#include "native/addon/read_worker.h"

namespace mf::addon {

Napi::Function EngineObject::define(Napi::Env env) {
  return DefineClass(
      env, "Engine",
      {InstanceMethod<&EngineObject::feed>("feed"), InstanceMethod<&EngineObject::read>("read"),
       InstanceMethod<&EngineObject::end_generation>("endGeneration"),
       InstanceMethod<&EngineObject::seek>("seek"),
       InstanceMethod<&EngineObject::close_by_time>("closeByTime"),
       InstanceMethod<&EngineObject::end_stream>("endStream"),
       InstanceMethod<&EngineObject::take>("take"),
       InstanceMethod<&EngineObject::counters>("counters"),
       InstanceMethod<&EngineObject::offset>("offset"),
       InstanceMethod<&EngineObject::read_offset>("readOffset"),
       InstanceMethod<&EngineObject::pending_bytes>("pendingBytes"),
       InstanceMethod<&EngineObject::window_start_ms>("windowStartMs"),
       InstanceMethod<&EngineObject::has_open_segment>("hasOpenSegment"),
       InstanceMethod<&EngineObject::envelope>("envelope"),
       InstanceMethod<&EngineObject::snapshot>("snapshot"),
       InstanceMethod<&EngineObject::restore>("restore"),
       InstanceMethod<&EngineObject::close>("close")});
}

EngineObject::EngineObject(const Napi::CallbackInfo& info) : Napi::ObjectWrap<EngineObject>(info) {
  EngineOptions options;
  std::string problem;
  if (!read_options(info[0], options, problem)) {
    throw_error(info.Env(), kUsage, "the engine cannot be made: " + problem);
    return;
  }
  engine_ = std::make_unique<Engine>(options);
  const Error error = engine_->init();
  if (error != Error::kNone) {
    engine_.reset();
    throw_init_error(info.Env(), "the engine", error);
  }
}

Engine* EngineObject::idle_engine(Napi::Env env) {
  if (engine_ == nullptr) {
    throw_error(env, kMisuse, "the engine is closed: make a new one");
    return nullptr;
  }
  if (reading_) {
    throw_error(env, kMisuse, "a read of this engine is running: await it first");
    return nullptr;
  }
  return engine_.get();
}

void EngineObject::feed(const Napi::CallbackInfo& info) {
  Engine* engine = idle_engine(info.Env());
  if (engine == nullptr) {
    return;
  }
  std::string_view bytes;
  if (!view_bytes(info[0], bytes)) {
    throw_error(info.Env(), kUsage, "feed takes a Uint8Array");
    return;
  }
  engine->feed(bytes);
}

Napi::Value EngineObject::read(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (idle_engine(env) == nullptr) {
    return env.Undefined();
  }
  const int64_t fd = info[0].IsNumber() ? info[0].As<Napi::Number>().Int64Value() : -1;
  const int64_t bytes_max = info[1].IsNumber() ? info[1].As<Napi::Number>().Int64Value() : -1;
  if (fd < 0 || fd > INT_MAX || bytes_max <= 0) {
    throw_error(env, kUsage, "read takes a file descriptor and a positive number of bytes");
    return env.Undefined();
  }
  reading_ = true;
  auto* worker = new ReadWorker(env, *this, static_cast<int>(fd), static_cast<uint64_t>(bytes_max));
  const Napi::Promise promise = worker->promise();
  worker->Queue();
  // NOLINTNEXTLINE(clang-analyzer-cplusplus.NewDeleteLeaks): a worker deletes itself when done.
  return promise;
}

void EngineObject::end_generation(const Napi::CallbackInfo& info) {
  if (Engine* engine = idle_engine(info.Env())) {
    engine->end_generation();
  }
}

void EngineObject::seek(const Napi::CallbackInfo& info) {
  Engine* engine = idle_engine(info.Env());
  if (engine == nullptr) {
    return;
  }
  const int64_t offset = info[0].IsNumber() ? info[0].As<Napi::Number>().Int64Value() : -1;
  if (offset < 0) {
    throw_error(info.Env(), kUsage, "seek takes an offset of 0 or more");
    return;
  }
  engine->seek(static_cast<uint64_t>(offset));
}

void EngineObject::close_by_time(const Napi::CallbackInfo& info) {
  if (Engine* engine = idle_engine(info.Env())) {
    engine->close_by_time();
  }
}

void EngineObject::end_stream(const Napi::CallbackInfo& info) {
  if (Engine* engine = idle_engine(info.Env())) {
    engine->end_stream();
  }
}

Napi::Value EngineObject::take(const Napi::CallbackInfo& info) {
  Engine* engine = idle_engine(info.Env());
  return engine == nullptr ? info.Env().Undefined() : pack_drain(info.Env(), *engine);
}

Napi::Value EngineObject::counters(const Napi::CallbackInfo& info) {
  Engine* engine = idle_engine(info.Env());
  return engine == nullptr ? info.Env().Undefined()
                           : pack_counts(info.Env(), engine->meter().counts());
}

Napi::Value EngineObject::offset(const Napi::CallbackInfo& info) {
  Engine* engine = idle_engine(info.Env());
  return engine == nullptr ? info.Env().Undefined()
                           : Napi::Number::New(info.Env(), static_cast<double>(engine->offset()));
}

Napi::Value EngineObject::read_offset(const Napi::CallbackInfo& info) {
  Engine* engine = idle_engine(info.Env());
  return engine == nullptr
             ? info.Env().Undefined()
             : Napi::Number::New(info.Env(), static_cast<double>(engine->read_offset()));
}

Napi::Value EngineObject::pending_bytes(const Napi::CallbackInfo& info) {
  Engine* engine = idle_engine(info.Env());
  return engine == nullptr
             ? info.Env().Undefined()
             : Napi::Number::New(info.Env(), static_cast<double>(engine->pending_bytes()));
}

Napi::Value EngineObject::window_start_ms(const Napi::CallbackInfo& info) {
  Engine* engine = idle_engine(info.Env());
  if (engine == nullptr) {
    return info.Env().Undefined();
  }
  const WindowClock& window = engine->meter().window();
  const double ms = window.has_begun() ? static_cast<double>(window.window_start_ms()) : -1;
  return Napi::Number::New(info.Env(), ms);
}

Napi::Value EngineObject::has_open_segment(const Napi::CallbackInfo& info) {
  Engine* engine = idle_engine(info.Env());
  return engine == nullptr ? info.Env().Undefined()
                           : Napi::Boolean::New(info.Env(), engine->meter().has_open_segment());
}

Napi::Value EngineObject::envelope(const Napi::CallbackInfo& info) {
  Engine* engine = idle_engine(info.Env());
  if (engine == nullptr) {
    return info.Env().Undefined();
  }
  constexpr std::array<const char*, 3> kNames = {"auto", "raw", "cri"};
  return Napi::String::New(info.Env(), kNames[static_cast<size_t>(engine->envelope())]);
}

Napi::Value EngineObject::snapshot(const Napi::CallbackInfo& info) {
  Engine* engine = idle_engine(info.Env());
  return engine == nullptr ? info.Env().Undefined() : pack_snapshot(info.Env(), engine->snapshot());
}

void EngineObject::restore(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Engine* engine = idle_engine(env);
  if (engine == nullptr) {
    return;
  }
  std::string_view head;
  std::vector<std::string_view> pages;
  if (!view_bytes(info[0], head) || !view_pages(info[1], pages)) {
    throw_error(env, kUsage, "restore takes a head and an array of pages, each a Uint8Array");
    return;
  }
  if (engine->restore(head, pages) != Error::kNone) {
    engine_.reset();
    throw_error(env, kStateCorrupt,
                "the snapshot of a stream is damaged or of another version: its totals cannot be "
                "taken up. Move the state directory away to begin anew.");
  }
}

void EngineObject::close(const Napi::CallbackInfo& info) {
  if (reading_) {
    throw_error(info.Env(), kMisuse, "a read of this engine is running: await it first");
    return;
  }
  engine_.reset();
}

}  // namespace mf::addon
