// Hands the core's memory to JavaScript without copying it: a hundred megabytes of pages would hold
// the event loop. V8 counts such memory as its own, and frees it where it may touch JavaScript,
// also when its environment ends.
#pragma once

#include <napi.h>

#include <vector>

#include "native/base/page_list.h"

namespace mf::addon {

/// A Uint8Array of `bytes`.
Napi::Value give_bytes(Napi::Env env, Bytes bytes);

/// The pages of `list`, which is empty then: one Uint8Array each, views of a few buffers.
std::vector<napi_value> give_views(Napi::Env env, PageList& list);

/// The same as an array.
Napi::Value give_pages(Napi::Env env, PageList& list);

/// The one page of a list that has at most one; an empty Uint8Array when it has none.
Napi::Value give_page(Napi::Env env, PageList& list);

}  // namespace mf::addon
