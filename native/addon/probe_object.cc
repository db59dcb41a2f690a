#include "native/addon/probe_object.h"

#include "native/addon/js_error.h"
#include "native/addon/options.h"
#include "native/addon/pack.h"

namespace mf::addon {

Napi::Function ProbeObject::define(Napi::Env env) {
  return DefineClass(env, "FormatProbe",
                     {InstanceMethod<&ProbeObject::feed>("feed"),
                      InstanceMethod<&ProbeObject::end_generation>("endGeneration")});
}

ProbeObject::ProbeObject(const Napi::CallbackInfo& info) : Napi::ObjectWrap<ProbeObject>(info) {
  EngineOptions options;
  std::string problem;
  if (!read_options(info[0], options, problem)) {
    throw_error(info.Env(), kUsage, "the format probe cannot be made: " + problem);
    return;
  }
  probe_ =
      std::make_unique<FormatProbe>(options.meter.format, options.envelope, options.line_bytes_max);
  const Error error = probe_->init();
  if (error != Error::kNone) {
    throw_init_error(info.Env(), "the format probe", error);
  }
}

Napi::Value ProbeObject::feed(const Napi::CallbackInfo& info) {
  std::string_view bytes;
  if (!view_bytes(info[0], bytes)) {
    throw_error(info.Env(), kUsage, "feed takes a Uint8Array");
    return info.Env().Undefined();
  }
  probe_->feed(bytes);
  return found(info.Env());
}

Napi::Value ProbeObject::end_generation(const Napi::CallbackInfo& info) {
  probe_->end_generation();
  return found(info.Env());
}

Napi::Value ProbeObject::found(Napi::Env env) const {
  const auto& paths = probe_->found();
  if (!paths.has_value()) {
    return env.Null();
  }
  Napi::Array list = Napi::Array::New(env, paths->size());
  for (uint32_t i = 0; i < paths->size(); ++i) {
    list.Set(i, (*paths)[i]);
  }
  return list;
}

}  // namespace mf::addon
