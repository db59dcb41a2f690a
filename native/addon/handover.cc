#include "native/addon/handover.h"

#include <cstring>
#include <memory>
#include <utility>

namespace mf::addon {
namespace {

/// A buffer of its own costs more than a copy of this many bytes.
constexpr size_t kCopiedBytesMax = 64 << 10;

void free_block(napi_env /*env*/, void* /*data*/, void* hint) {
  const std::unique_ptr<Bytes> block(static_cast<Bytes*>(hint));
}

/// Empty when the worker thread ends meanwhile.
Napi::ArrayBuffer copy_block(Napi::Env env, const Bytes& block) {
  Napi::ArrayBuffer buffer = Napi::ArrayBuffer::New(env, block.size());
  if (!block.empty() && !buffer.IsEmpty()) {
    std::memcpy(buffer.Data(), block.data(), block.size());
  }
  return buffer;
}

Napi::ArrayBuffer give_block(Napi::Env env, Bytes bytes) {
  if (bytes.size() <= kCopiedBytesMax) {
    return copy_block(env, bytes);
  }
  auto block = std::make_unique<Bytes>(std::move(bytes));
  napi_value buffer = nullptr;
  const napi_status status = napi_create_external_arraybuffer(env, block->data(), block->size(),
                                                              free_block, block.get(), &buffer);
  if (status != napi_ok) {
    // A runtime that takes no memory of others, as Electron.
    return copy_block(env, *block);
  }
  // NOLINTNEXTLINE(bugprone-unused-return-value): free_block owns it now.
  (void)block.release();
  return {env, buffer};
}

}  // namespace

Napi::Value give_bytes(Napi::Env env, Bytes bytes) {
  const size_t size = bytes.size();
  const Napi::ArrayBuffer block = give_block(env, std::move(bytes));
  if (block.IsEmpty()) {
    return env.Undefined();
  }
  return Napi::Uint8Array::New(env, size, block, 0);
}

std::vector<napi_value> give_views(Napi::Env env, PageList& list) {
  const std::vector<PageList::Place> places = list.places();
  std::vector<Napi::ArrayBuffer> blocks;
  for (Bytes& block : list.take_blocks()) {
    blocks.push_back(give_block(env, std::move(block)));
  }
  std::vector<napi_value> views(places.size());
  for (size_t i = 0; i < places.size(); ++i) {
    const PageList::Place& place = places[i];
    // Not Napi::Uint8Array::New, which asks for the buffer's address each time.
    NAPI_THROW_IF_FAILED(env,
                         napi_create_typedarray(env, napi_uint8_array, place.size,
                                                blocks[place.block], place.begin, &views[i]),
                         views);
  }
  return views;
}

Napi::Value give_pages(Napi::Env env, PageList& list) {
  const std::vector<napi_value> views = give_views(env, list);
  Napi::Array array = Napi::Array::New(env, views.size());
  for (uint32_t i = 0; i < views.size() && !array.IsEmpty(); ++i) {
    array.Set(i, views[i]);
  }
  return array;
}

Napi::Value give_page(Napi::Env env, PageList& list) {
  const std::vector<napi_value> views = give_views(env, list);
  return views.empty() ? give_bytes(env, {}) : Napi::Value(env, views.front());
}

}  // namespace mf::addon
