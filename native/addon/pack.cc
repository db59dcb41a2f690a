#include "native/addon/pack.h"

#include <cstring>
#include <utility>

#include "native/addon/handover.h"

namespace mf::addon {

// A worker thread may be ended while its answer is made: from then on nothing can be made any more,
// and to touch what is empty would end the process. So each answer stops there: nobody waits for
// it.

bool view_bytes(const Napi::Value& value, std::string_view& bytes) {
  if (!value.IsTypedArray() || value.As<Napi::TypedArray>().TypedArrayType() != napi_uint8_array) {
    return false;
  }
  const auto array = value.As<Napi::Uint8Array>();
  bytes = {reinterpret_cast<const char*>(array.Data()), array.ByteLength()};
  return true;
}

bool pin_pages(const Napi::Value& value, PinnedPages& pinned) {
  if (!value.IsArray()) {
    return false;
  }
  const auto list = value.As<Napi::Array>();
  // An array of its own: the caller's may change while the pages are read.
  const Napi::Array owned = Napi::Array::New(value.Env(), list.Length());
  for (uint32_t i = 0; i < list.Length(); ++i) {
    const Napi::HandleScope scope(value.Env());
    const Napi::Value page = list.Get(i);
    if (!view_bytes(page, pinned.pages.emplace_back())) {
      return false;
    }
    owned.Set(i, page);
  }
  pinned.owner = Napi::Persistent(owned.As<Napi::Object>());
  return true;
}

Napi::Value pack_counts(Napi::Env env, std::span<const int64_t> counts) {
  Napi::BigInt64Array array = Napi::BigInt64Array::New(env, counts.size());
  if (array.IsEmpty()) {
    return env.Undefined();
  }
  std::memcpy(array.Data(), counts.data(), counts.size_bytes());
  return array;
}

Napi::Value pack_part(Napi::Env env, ClosedPart& part) {
  Napi::Object object = Napi::Object::New(env);
  if (object.IsEmpty()) {
    return env.Undefined();
  }
  object.Set("epoch", static_cast<double>(part.epoch));
  object.Set("windowStartMs", static_cast<double>(part.window_start_ms));
  object.Set("windowMs", static_cast<double>(part.window_ms));
  object.Set("part", static_cast<double>(part.part));
  object.Set("byTime", part.by_time);
  object.Set("endOffset", static_cast<double>(part.end_offset));
  object.Set("pages", give_pages(env, part.pages));
  object.Set("unattributed", give_pages(env, part.unattributed));
  object.Set("projects", give_pages(env, part.projects));
  object.Set("reasons", give_page(env, part.reasons));
  object.Set("outcomes", pack_counts(env, part.outcomes));
  return object;
}

Napi::Value pack_drain(Napi::Env env, Engine& engine) {
  std::vector<ClosedPart> parts = engine.take_closed();
  const Napi::Array closed = Napi::Array::New(env, parts.size());
  for (uint32_t i = 0; i < parts.size(); ++i) {
    const Napi::HandleScope scope(env);
    closed.Set(i, pack_part(env, parts[i]));
  }
  Napi::Object drain = Napi::Object::New(env);
  drain.Set("closed", closed);
  drain.Set("quarantine", give_bytes(env, engine.take_quarantine()));
  return drain;
}

Napi::Value pack_snapshot(Napi::Env env, EngineSnapshot& snapshot) {
  const std::vector<PageList::Place> places = snapshot.pages.list().places();
  const std::vector<napi_value> views = give_views(env, snapshot.pages.list());
  const Napi::Array pages = Napi::Array::New(env, views.size());
  // Made once: there may be thousands of pages.
  const Napi::String name = Napi::String::New(env, "name");
  const Napi::String bytes = Napi::String::New(env, "bytes");
  for (uint32_t i = 0; i < views.size(); ++i) {
    const Napi::HandleScope scope(env);
    const Napi::Object page = Napi::Object::New(env);
    if (pages.IsEmpty() || page.IsEmpty()) {
      return env.Undefined();
    }
    page.Set(name, snapshot.pages.name(i));
    page.Set(bytes, places[i].size == 0 ? env.Null() : Napi::Value(env, views[i]));
    pages.Set(i, page);
  }
  Napi::Object object = Napi::Object::New(env);
  if (object.IsEmpty()) {
    return env.Undefined();
  }
  object.Set("head", give_bytes(env, std::move(snapshot.head)));
  object.Set("pages", pages);
  return object;
}

}  // namespace mf::addon
