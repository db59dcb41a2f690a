#include "native/addon/options.h"

#include <array>
#include <cmath>

#include "native/base/limits.h"

namespace mf::addon {
namespace {

constexpr std::array<const char*, kRoles> kRoleNames = {
    "project", "route",    "egressBytes",  "ingressBytes",  "durationMs",   "startTime",
    "logType", "streamId", "connectionId", "responseFlags", "responseCode", "responseCodeDetails"};

/// Reads named members and remembers the first that is missing or of another type.
class Reader {
 public:
  Reader(const Napi::Value& value, std::string& problem)
      : object_(value.IsObject() ? value.As<Napi::Object>() : Napi::Object::New(value.Env())),
        problem_(problem) {}

  Napi::Value member(const char* name) { return object_.Get(name); }

  std::string text(const char* name) {
    const Napi::Value value = member(name);
    if (!value.IsString()) {
      fail(name, "a string");
      return {};
    }
    return value.As<Napi::String>().Utf8Value();
  }

  int64_t whole(const char* name, int64_t min, int64_t max) {
    const Napi::Value value = member(name);
    const double number = value.IsNumber() ? value.As<Napi::Number>().DoubleValue() : NAN;
    if (!(number >= static_cast<double>(min) && number <= static_cast<double>(max)) ||
        number != std::floor(number)) {
      fail(name, "a whole number from " + std::to_string(min) + " to " + std::to_string(max));
      return min;
    }
    return static_cast<int64_t>(number);
  }

  bool flag(const char* name) {
    const Napi::Value value = member(name);
    if (!value.IsBoolean()) {
      fail(name, "true or false");
      return false;
    }
    return value.As<Napi::Boolean>().Value();
  }

  Napi::Array list(const char* name) {
    const Napi::Value value = member(name);
    if (!value.IsArray()) {
      fail(name, "an array");
      return Napi::Array::New(object_.Env());
    }
    return value.As<Napi::Array>();
  }

  std::vector<std::string> texts(const char* name) {
    const Napi::Array array = list(name);
    std::vector<std::string> texts;
    texts.reserve(array.Length());
    for (uint32_t i = 0; i < array.Length(); ++i) {
      texts.push_back(array.Get(i).ToString().Utf8Value());
    }
    return texts;
  }

  void fail(const char* name, const std::string& expected) {
    if (problem_.empty()) {
      problem_ = std::string("option ") + name + " is not " + expected;
    }
  }

 private:
  Napi::Object object_;
  std::string& problem_;
};

void read_project(const Napi::Value& value, Format& format, std::string& problem) {
  Reader project(value, problem);
  const std::string from = project.text("from");
  if (from == "routeNamespace") {
    format.project_source = ProjectSource::kRouteNamespace;
    format.project_text = project.text("strip");
  } else if (from == "constant") {
    format.project_source = ProjectSource::kConstant;
    format.project_text = project.text("value");
  } else if (from != "key") {
    project.fail("project.from", "one of key, routeNamespace, constant");
  }
}

void read_format(const Napi::Value& value, Format& format, std::string& problem) {
  Reader in(value, problem);
  const Napi::Array paths = in.list("paths");
  for (uint32_t i = 0; i < paths.Length(); ++i) {
    std::vector<std::string>& path = format.paths.emplace_back();
    const Napi::Value tokens = paths.Get(i);
    if (!tokens.IsArray() || tokens.As<Napi::Array>().Length() == 0) {
      in.fail("paths", "an array of non-empty arrays");
      continue;
    }
    for (uint32_t k = 0; k < tokens.As<Napi::Array>().Length(); ++k) {
      path.push_back(tokens.As<Napi::Array>().Get(k).ToString().Utf8Value());
    }
  }
  const auto count = static_cast<int64_t>(format.paths.size());
  if (count > static_cast<int64_t>(kPathsMax)) {
    in.fail("paths", "an array of at most 64 paths");
  }
  Reader roles(in.member("roles"), problem);
  for (size_t i = 0; i < kRoles; ++i) {
    const bool mapped = !roles.member(kRoleNames[i]).IsUndefined();
    format.roles[i] =
        mapped ? static_cast<int>(roles.whole(kRoleNames[i], 0, count - 1)) : kNotMapped;
  }
  const Napi::Array dimensions = in.list("dimensions");
  for (uint32_t i = 0; i < dimensions.Length(); ++i) {
    const Napi::Value index = dimensions.Get(i);
    const int64_t path = index.IsNumber() ? index.As<Napi::Number>().Int64Value() : -1;
    if (path < 0 || path >= count) {
      in.fail("dimensions", "an array of indices in paths");
      continue;
    }
    format.dimensions.push_back(static_cast<int>(path));
  }
  read_project(in.member("project"), format, problem);
}

}  // namespace

bool read_options(const Napi::Value& value, EngineOptions& options, std::string& problem) {
  constexpr int64_t kHourMs = 3'600'000;
  constexpr int64_t kCountMax = 1LL << 31;
  Reader in(value, problem);
  const std::string envelope = in.text("envelope");
  if (envelope == "raw") {
    options.envelope = Envelope::kRaw;
  } else if (envelope == "cri") {
    options.envelope = Envelope::kCri;
  } else if (envelope == "docker") {
    options.envelope = Envelope::kDocker;
  } else if (envelope != "auto") {
    in.fail("envelope", "one of auto, raw, cri, docker");
  }
  read_format(in.member("format"), options.meter.format, problem);
  options.meter.window_ms = in.whole("windowMs", 1000, kHourMs);
  if (kHourMs % options.meter.window_ms != 0) {
    in.fail("windowMs", "a divisor of one hour");
  }
  options.meter.totals_only = in.flag("totalsOnly");
  options.keep_quarantine = in.flag("keepQuarantine");
  Reader exclude(in.member("exclude"), problem);
  options.meter.exclude.codes = exclude.texts("codes");
  options.meter.exclude.flags = exclude.texts("flags");
  constexpr auto kBytesMax = static_cast<int64_t>(kLineBytesMaxMax);
  options.line_bytes_max = static_cast<size_t>(in.whole("lineBytesMax", 1024, kBytesMax));
  options.meter.keys_max = static_cast<size_t>(in.whole("keysMax", 1, kCountMax));
  options.meter.stream_states_max = static_cast<size_t>(in.whole("streamStatesMax", 1, kCountMax));
  return problem.empty();
}

}  // namespace mf::addon
