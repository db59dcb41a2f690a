// A format as data: which keys of a line have a role, and how a line names its project.
// TypeScript resolves presets, JSON Pointers and configuration to this; the core knows no names.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace mf {

/// The order is that of ROLES in src/native.ts.
enum class Role : uint8_t {
  kProject,
  kRoute,
  kEgressBytes,
  kIngressBytes,
  kDurationMs,
  kStartTime,
  kLogType,
  kStreamId,
  kConnectionId,
  kResponseFlags,
  kResponseCode,
  kResponseCodeDetails,
};
inline constexpr size_t kRoles = 12;

inline constexpr int kNotMapped = -1;

enum class ProjectSource : uint8_t { kKey, kRouteNamespace, kConstant };

struct Format {
  /// Paths of the mapped keys, as reference tokens; one token is a top-level key.
  std::vector<std::vector<std::string>> paths;
  /// Role to index in `paths`, or kNotMapped.
  std::array<int, kRoles> roles{};
  /// Dimensions read from the line: indices in `paths`.
  std::vector<int> dimensions;
  ProjectSource project_source = ProjectSource::kKey;
  /// The constant, or the prefix that is cut from the namespace.
  std::string project_text;

  [[nodiscard]] int role(Role which) const { return roles[static_cast<size_t>(which)]; }
};

}  // namespace mf
