// Routes and projects (DESIGN 4.5): what a line is billed to.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "native/base/outcome.h"
#include "native/parse/record.h"

namespace mf {

/// Codes of usage pages; src/emit/usage-page.ts names them.
enum class RouteKind : uint8_t {
  kNone = 0,
  kHttpRoute = 1,
  kGrpcRoute = 2,
  kUnknown = 3,
  kOverflow = 4,
  // Why usage is unattributed, in the pages of unattributed usage.
  kReasonNoRoute = 16,
  kReasonNoProject = 17,
  kReasonBadProject = 18,
};

struct Route {
  RouteKind kind = RouteKind::kNone;
  std::string route_namespace;
  std::string name;
};

/// A line without a route: absent, or not a string.
inline bool has_route(const Value& value) {
  return value.kind == ValueKind::kString && !value.is_absent();
}

Route read_route(const Value& value);

/// Who pays: kMetered and a project, or the reason why nobody does.
struct Attribution {
  Outcome outcome = Outcome::kMetered;
  std::string project;
};

Attribution attribute(const Format& format, const Value& project, const Route& route);

/// Kubernetes' DNS label: `^[a-z0-9]([-a-z0-9]*[a-z0-9])?$` of at most 63 bytes.
bool is_project_name(std::string_view text);

}  // namespace mf
