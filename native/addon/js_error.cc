#include "native/addon/js_error.h"

#include "native/base/kernel.h"

namespace mf::addon {
namespace {

std::string kernel_names() {
  const Kernels kernels = supported_kernels();
  std::string names;
  for (uint32_t i = 0; i < kernels.count; ++i) {
    names += names.empty() ? "" : ", ";
    names += kernel_name(kernels.of[i]);
  }
  return names;
}

}  // namespace

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

void throw_init_error(Napi::Env env, const std::string& what, mf::Error error) {
  if (error == mf::Error::kFormatTooLarge) {
    throw_error(env, kUsage, what + " cannot be made: its format maps too many or too deep keys");
  } else if (error == mf::Error::kKernelUnknown) {
    throw_error(env, kUsage,
                what +
                    " cannot be made: METER_FAST_KERNEL names no kernel, or one that this CPU "
                    "cannot run. Those that it can: " +
                    kernel_names());
  } else {
    throw_error(env, kBug, what + " cannot be made: simdjson has no memory");
  }
}

}  // namespace mf::addon
