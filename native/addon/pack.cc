#include "native/addon/pack.h"

#include <cstring>

namespace mf::addon {
namespace {

Napi::Value pack_bytes(Napi::Env env, const Bytes& bytes) {
  Napi::ArrayBuffer buffer = Napi::ArrayBuffer::New(env, bytes.size());
  if (!bytes.empty()) {
    std::memcpy(buffer.Data(), bytes.data(), bytes.size());
  }
  return Napi::Uint8Array::New(env, bytes.size(), buffer, 0);
}

Napi::Value pack_list(Napi::Env env, const std::vector<Bytes>& pages) {
  Napi::Array list = Napi::Array::New(env, pages.size());
  for (uint32_t i = 0; i < pages.size(); ++i) {
    list.Set(i, pack_bytes(env, pages[i]));
  }
  return list;
}

Napi::Value pack_part(Napi::Env env, const ClosedPart& part) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("epoch", static_cast<double>(part.epoch));
  object.Set("windowStartMs", static_cast<double>(part.window_start_ms));
  object.Set("windowMs", static_cast<double>(part.window_ms));
  object.Set("part", static_cast<double>(part.part));
  object.Set("byTime", part.by_time);
  object.Set("pages", pack_list(env, part.pages));
  object.Set("unattributed", pack_list(env, part.unattributed));
  object.Set("outcomes", pack_counts(env, part.outcomes));
  return object;
}

}  // namespace

bool view_bytes(const Napi::Value& value, std::string_view& bytes) {
  if (!value.IsTypedArray() || value.As<Napi::TypedArray>().TypedArrayType() != napi_uint8_array) {
    return false;
  }
  const auto array = value.As<Napi::Uint8Array>();
  bytes = {reinterpret_cast<const char*>(array.Data()), array.ByteLength()};
  return true;
}

bool view_pages(const Napi::Value& value, std::vector<std::string_view>& pages) {
  if (!value.IsArray()) {
    return false;
  }
  const auto list = value.As<Napi::Array>();
  for (uint32_t i = 0; i < list.Length(); ++i) {
    std::string_view page;
    if (!view_bytes(list.Get(i), page)) {
      return false;
    }
    pages.push_back(page);
  }
  return true;
}

Napi::Value pack_counts(Napi::Env env, const OutcomeCounts& counts) {
  Napi::BigInt64Array array = Napi::BigInt64Array::New(env, counts.size());
  std::memcpy(array.Data(), counts.data(), sizeof counts);
  return array;
}

Napi::Value pack_drain(Napi::Env env, Engine& engine) {
  const std::vector<ClosedPart> parts = engine.take_closed();
  const Napi::Array closed = Napi::Array::New(env, parts.size());
  for (uint32_t i = 0; i < parts.size(); ++i) {
    closed.Set(i, pack_part(env, parts[i]));
  }
  Napi::Object drain = Napi::Object::New(env);
  drain.Set("closed", closed);
  drain.Set("quarantine", pack_bytes(env, engine.take_quarantine()));
  return drain;
}

Napi::Value pack_snapshot(Napi::Env env, const EngineSnapshot& snapshot) {
  const Napi::Array pages = Napi::Array::New(env, snapshot.pages.size());
  for (uint32_t i = 0; i < snapshot.pages.size(); ++i) {
    const SnapshotPage& page = snapshot.pages[i];
    const Napi::Object object = Napi::Object::New(env);
    object.Set("name", page.name);
    object.Set("bytes", page.bytes.empty() ? env.Null() : pack_bytes(env, page.bytes));
    pages.Set(i, object);
  }
  Napi::Object object = Napi::Object::New(env);
  object.Set("head", pack_bytes(env, snapshot.head));
  object.Set("pages", pages);
  return object;
}

}  // namespace mf::addon
