#include "native/addon/engine_object.h"

#include <climits>
#include <cstring>
#include <utility>

#include "native/addon/engine_task.h"
#include "native/addon/js_error.h"
#include "native/addon/options.h"
#include "native/addon/pack.h"

namespace mf::addon {
namespace {

constexpr const char* kBusyText = "an earlier call of this engine is running: await it first";

/// The one argument of `feed`; false after throwing METER_USAGE.
bool fed_bytes(const Napi::CallbackInfo& info, std::string_view& bytes) {
  const bool is_bytes = view_bytes(info[0], bytes);
  if (!is_bytes) {
    throw_error(info.Env(), kUsage, "feed takes a Uint8Array");
  }
  return is_bytes;
}

}  // namespace

Napi::Function EngineObject::define(Napi::Env env) {
  return DefineClass(env, "Engine",
                     {InstanceMethod<&EngineObject::feed>("feed"),
                      InstanceMethod<&EngineObject::read>("read"),
                      InstanceMethod<&EngineObject::end_generation>("endGeneration"),
                      InstanceMethod<&EngineObject::close_by_time>("closeByTime"),
                      InstanceMethod<&EngineObject::end_stream>("endStream"),
                      InstanceMethod<&EngineObject::snapshot>("snapshot"),
                      InstanceMethod<&EngineObject::checkpoint>("checkpoint"),
                      InstanceMethod<&EngineObject::open_totals>("openTotals"),
                      InstanceMethod<&EngineObject::restore>("restore"),
                      InstanceMethod<&EngineObject::feed_sync>("feedSync"),
                      InstanceMethod<&EngineObject::end_generation_sync>("endGenerationSync"),
                      InstanceMethod<&EngineObject::end_stream_sync>("endStreamSync"),
                      InstanceMethod<&EngineObject::seek>("seek"),
                      InstanceMethod<&EngineObject::take>("take"),
                      InstanceMethod<&EngineObject::counters>("counters"),
                      InstanceMethod<&EngineObject::path_counters>("pathCounters"),
                      InstanceMethod<&EngineObject::offset>("offset"),
                      InstanceMethod<&EngineObject::read_offset>("readOffset"),
                      InstanceMethod<&EngineObject::pending_bytes>("pendingBytes"),
                      InstanceMethod<&EngineObject::window_start_ms>("windowStartMs"),
                      InstanceMethod<&EngineObject::window_ms>("windowMs"),
                      InstanceMethod<&EngineObject::has_open_segment>("hasOpenSegment"),
                      InstanceMethod<&EngineObject::envelope>("envelope"),
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
  if (busy_) {
    throw_error(env, kMisuse, kBusyText);
    return nullptr;
  }
  return engine_.get();
}

Napi::Value EngineObject::start(Napi::Env env, void (Engine::*method)()) {
  if (idle_engine(env) == nullptr) {
    return env.Undefined();
  }
  EngineWork work;
  work.run = [method](Engine& engine) {
    (engine.*method)();
    return Error::kNone;
  };
  return EngineTask::start(env, *this, std::move(work));
}

Napi::Value EngineObject::feed(const Napi::CallbackInfo& info) {
  std::string_view bytes;
  if (idle_engine(info.Env()) == nullptr || !fed_bytes(info, bytes)) {
    return info.Env().Undefined();
  }
  EngineWork work;
  work.run = [copy = Bytes(bytes)](Engine& engine) {
    engine.feed(copy);
    return Error::kNone;
  };
  return EngineTask::start(info.Env(), *this, std::move(work));
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
  struct Read {
    uint64_t got = 0;
    int error_number = 0;
  };
  const auto read = std::make_shared<Read>();
  EngineWork work;
  work.run = [=](Engine& engine) {
    return engine.read(static_cast<int>(fd), static_cast<uint64_t>(bytes_max), read->got,
                       read->error_number);
  };
  work.answer = [read](Napi::Env then) {
    return Napi::Number::New(then, static_cast<double>(read->got));
  };
  work.failure = [read](Napi::Env then) {
    // NOLINTNEXTLINE(concurrency-mt-unsafe): pread's errors are known ones, their texts constants.
    const std::string why = std::strerror(read->error_number);
    return make_error(then, kDisk, "a log file cannot be read: " + why);
  };
  return EngineTask::start(env, *this, std::move(work));
}

Napi::Value EngineObject::end_generation(const Napi::CallbackInfo& info) {
  return start(info.Env(), &Engine::end_generation);
}

Napi::Value EngineObject::close_by_time(const Napi::CallbackInfo& info) {
  return start(info.Env(), &Engine::close_by_time);
}

Napi::Value EngineObject::end_stream(const Napi::CallbackInfo& info) {
  return start(info.Env(), &Engine::end_stream);
}

Napi::Value EngineObject::snapshot(const Napi::CallbackInfo& info) {
  if (idle_engine(info.Env()) == nullptr) {
    return info.Env().Undefined();
  }
  const auto snapshot = std::make_shared<EngineSnapshot>();
  EngineWork work;
  work.run = [snapshot](Engine& engine) {
    *snapshot = engine.snapshot();
    return Error::kNone;
  };
  work.answer = [snapshot](Napi::Env env) { return pack_snapshot(env, *snapshot); };
  return EngineTask::start(info.Env(), *this, std::move(work));
}

Napi::Value EngineObject::checkpoint(const Napi::CallbackInfo& info) {
  if (idle_engine(info.Env()) == nullptr) {
    return info.Env().Undefined();
  }
  const auto checkpoint = std::make_shared<EngineSnapshot>();
  EngineWork work;
  work.run = [checkpoint](const Engine& engine) {
    *checkpoint = engine.checkpoint();
    return Error::kNone;
  };
  work.answer = [checkpoint](Napi::Env env) { return pack_snapshot(env, *checkpoint); };
  return EngineTask::start(info.Env(), *this, std::move(work));
}

Napi::Value EngineObject::open_totals(const Napi::CallbackInfo& info) {
  if (idle_engine(info.Env()) == nullptr) {
    return info.Env().Undefined();
  }
  const auto open = std::make_shared<ClosedPart>();
  EngineWork work;
  work.run = [open](const Engine& engine) {
    *open = engine.open_totals();
    return Error::kNone;
  };
  work.answer = [open](Napi::Env env) { return pack_part(env, *open); };
  return EngineTask::start(info.Env(), *this, std::move(work));
}

Napi::Value EngineObject::restore(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (idle_engine(env) == nullptr) {
    return env.Undefined();
  }
  const auto pinned = std::make_shared<PinnedPages>();
  std::string_view head;
  if (!view_bytes(info[0], head) || !pin_pages(info[1], *pinned)) {
    throw_error(env, kUsage, "restore takes a head and an array of pages, each a Uint8Array");
    return env.Undefined();
  }
  EngineWork work;
  work.run = [pinned, head = Bytes(head)](Engine& engine) {
    return engine.restore(head, pinned->pages);
  };
  work.failure = [this](Napi::Env then) {
    FreeTask::start(then, std::move(engine_));
    return make_error(then, kStateCorrupt,
                      "the snapshot of a stream is damaged or of another version: its totals "
                      "cannot be taken up. Move the state directory away to begin anew.");
  };
  return EngineTask::start(env, *this, std::move(work));
}

void EngineObject::feed_sync(const Napi::CallbackInfo& info) {
  std::string_view bytes;
  Engine* engine = idle_engine(info.Env());
  if (engine != nullptr && fed_bytes(info, bytes)) {
    engine->feed(bytes);
  }
}

void EngineObject::end_generation_sync(const Napi::CallbackInfo& info) {
  if (Engine* engine = idle_engine(info.Env())) {
    engine->end_generation();
  }
}

void EngineObject::end_stream_sync(const Napi::CallbackInfo& info) {
  if (Engine* engine = idle_engine(info.Env())) {
    engine->end_stream();
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

Napi::Value EngineObject::take(const Napi::CallbackInfo& info) {
  Engine* engine = idle_engine(info.Env());
  return engine == nullptr ? info.Env().Undefined() : pack_drain(info.Env(), *engine);
}

Napi::Value EngineObject::counters(const Napi::CallbackInfo& info) {
  Engine* engine = idle_engine(info.Env());
  return engine == nullptr ? info.Env().Undefined()
                           : pack_counts(info.Env(), engine->meter().counts());
}

Napi::Value EngineObject::path_counters(const Napi::CallbackInfo& info) {
  Engine* engine = idle_engine(info.Env());
  return engine == nullptr ? info.Env().Undefined() : pack_counts(info.Env(), engine->paths());
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

Napi::Value EngineObject::window_ms(const Napi::CallbackInfo& info) {
  Engine* engine = idle_engine(info.Env());
  if (engine == nullptr) {
    return info.Env().Undefined();
  }
  const WindowClock& window = engine->meter().window();
  return Napi::Number::New(info.Env(), static_cast<double>(window.window_ms()));
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
  constexpr std::array<const char*, 4> kNames = {"auto", "raw", "cri", "docker"};
  return Napi::String::New(info.Env(), kNames[static_cast<size_t>(engine->envelope())]);
}

void EngineObject::close(const Napi::CallbackInfo& info) {
  if (busy_) {
    throw_error(info.Env(), kMisuse, kBusyText);
    return;
  }
  if (engine_ != nullptr) {
    FreeTask::start(info.Env(), std::move(engine_));
  }
}

}  // namespace mf::addon
