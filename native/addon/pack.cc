#include "native/addon/pack.h"

#include <cstring>
#include <memory>
#include <utility>

namespace mf::addon {
namespace {

/// A buffer of its own costs more than a copy of this many bytes.
constexpr size_t kCopiedBytesMax = 64 << 10;

void free_block(napi_env env, void* /*data*/, void* hint) {
  const std::unique_ptr<Bytes> block(static_cast<Bytes*>(hint));
  int64_t external_bytes = 0;
  (void)napi_adjust_external_memory(env, -static_cast<int64_t>(block->size()), &external_bytes);
}

Napi::ArrayBuffer copy_block(Napi::Env env, const Bytes& block) {
  Napi::ArrayBuffer buffer = Napi::ArrayBuffer::New(env, block.size());
  if (!block.empty()) {
    std::memcpy(buffer.Data(), block.data(), block.size());
  }
  return buffer;
}

/// Hands memory over without copying it: a hundred megabytes would hold the event loop. V8 does not
/// count it by itself, and would not collect it in time.
Napi::ArrayBuffer pack_block(Napi::Env env, Bytes bytes) {
  if (bytes.size() <= kCopiedBytesMax) {
    return copy_block(env, bytes);
  }
  auto block = std::make_unique<Bytes>(std::move(bytes));
  napi_value buffer = nullptr;
  const napi_status status = napi_create_external_arraybuffer(env, block->data(), block->size(),
                                                              free_block, block.get(), &buffer);
  if (status != napi_ok) {
    // A runtime that allows no memory of others, as Electron's.
    return copy_block(env, *block);
  }
  int64_t external_bytes = 0;
  (void)napi_adjust_external_memory(env, static_cast<int64_t>(block->size()), &external_bytes);
  // NOLINTNEXTLINE(bugprone-unused-return-value): free_block owns it now.
  (void)block.release();
  return {env, buffer};
}

Napi::Value pack_bytes(Napi::Env env, Bytes bytes) {
  const size_t size = bytes.size();
  return Napi::Uint8Array::New(env, size, pack_block(env, std::move(bytes)), 0);
}

/// The pages of a list, which is empty then, as views of its blocks.
class PageViews {
 public:
  PageViews(Napi::Env env, PageList& list) : env_(env), places_(list.places()) {
    for (Bytes& block : list.take_blocks()) {
      blocks_.push_back(pack_block(env, std::move(block)));
    }
  }

  [[nodiscard]] uint32_t size() const { return static_cast<uint32_t>(places_.size()); }
  [[nodiscard]] bool is_empty(uint32_t page) const { return places_[page].size == 0; }
  [[nodiscard]] Napi::Value at(uint32_t page) const {
    const PageList::Place& place = places_[page];
    return Napi::Uint8Array::New(env_, place.size, blocks_[place.block], place.begin);
  }

 private:
  Napi::Env env_;
  std::vector<PageList::Place> places_;
  std::vector<Napi::ArrayBuffer> blocks_;
};

Napi::Value pack_list(Napi::Env env, PageList& list) {
  const PageViews pages(env, list);
  Napi::Array array = Napi::Array::New(env, pages.size());
  for (uint32_t i = 0; i < pages.size(); ++i) {
    const Napi::HandleScope scope(env);
    array.Set(i, pages.at(i));
  }
  return array;
}

/// The one page of a list that has at most one; an empty one when it has none.
Napi::Value pack_single(Napi::Env env, PageList& list) {
  const PageViews pages(env, list);
  return pages.size() == 0 ? pack_bytes(env, {}) : pages.at(0);
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

Napi::Value pack_counts(Napi::Env env, const OutcomeCounts& counts) {
  Napi::BigInt64Array array = Napi::BigInt64Array::New(env, counts.size());
  std::memcpy(array.Data(), counts.data(), sizeof counts);
  return array;
}

Napi::Value pack_part(Napi::Env env, ClosedPart& part) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("epoch", static_cast<double>(part.epoch));
  object.Set("windowStartMs", static_cast<double>(part.window_start_ms));
  object.Set("windowMs", static_cast<double>(part.window_ms));
  object.Set("part", static_cast<double>(part.part));
  object.Set("byTime", part.by_time);
  object.Set("endOffset", static_cast<double>(part.end_offset));
  object.Set("pages", pack_list(env, part.pages));
  object.Set("unattributed", pack_list(env, part.unattributed));
  object.Set("projects", pack_list(env, part.projects));
  object.Set("reasons", pack_single(env, part.reasons));
  object.Set("outcomes", pack_counts(env, part.outcomes));
  return object;
}

Napi::Value pack_drain(Napi::Env env, Engine& engine) {
  std::vector<ClosedPart> parts = engine.take_closed();
  const Napi::Array closed = Napi::Array::New(env, parts.size());
  for (uint32_t i = 0; i < parts.size(); ++i) {
    closed.Set(i, pack_part(env, parts[i]));
  }
  Napi::Object drain = Napi::Object::New(env);
  drain.Set("closed", closed);
  drain.Set("quarantine", pack_bytes(env, engine.take_quarantine()));
  return drain;
}

Napi::Value pack_snapshot(Napi::Env env, EngineSnapshot& snapshot) {
  const PageViews views(env, snapshot.pages.list());
  const Napi::Array pages = Napi::Array::New(env, views.size());
  for (uint32_t i = 0; i < views.size(); ++i) {
    const Napi::HandleScope scope(env);
    const Napi::Object object = Napi::Object::New(env);
    object.Set("name", snapshot.pages.name(i));
    object.Set("bytes", views.is_empty(i) ? env.Null() : views.at(i));
    pages.Set(i, object);
  }
  Napi::Object object = Napi::Object::New(env);
  object.Set("head", pack_bytes(env, std::move(snapshot.head)));
  object.Set("pages", pages);
  return object;
}

}  // namespace mf::addon
