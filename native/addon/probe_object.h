// The FormatProbe class of JavaScript; see native/engine/format_probe.h.
#pragma once

#include <napi.h>

#include <memory>

#include "native/engine/format_probe.h"

namespace mf::addon {

class ProbeObject : public Napi::ObjectWrap<ProbeObject> {
 public:
  static Napi::Function define(Napi::Env env);

  explicit ProbeObject(const Napi::CallbackInfo& info);

 private:
  Napi::Value feed(const Napi::CallbackInfo& info);
  Napi::Value end_generation(const Napi::CallbackInfo& info);
  [[nodiscard]] Napi::Value found(Napi::Env env) const;

  std::unique_ptr<FormatProbe> probe_;
};

}  // namespace mf::addon
