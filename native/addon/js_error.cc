#include "native/addon/js_error.h"

namespace mf::addon {

Napi::Error make_error(Napi::Env env, const char* code, const std::string& message) {
  const auto* data = env.GetInstanceData<AddonData>();
  const Napi::Value made =
      data->make_error.Call({Napi::String::New(env, code), Napi::String::New(env, message)});
  if (!made.IsObject()) {
    return Napi::Error::New(env, message);
  }
  return {env, made};
}

void throw_error(Napi::Env env, const char* code, const std::string& message) {
  make_error(env, code, message).ThrowAsJavaScriptException();
}

}  // namespace mf::addon
