#include "native/parse/route.h"

#include <algorithm>

#include "native/parse/text.h"

namespace mf {
namespace {

std::string text_of(const Value& value) {
  return value.escaped ? unescape(value.content()) : std::string(value.content());
}

bool cut_prefix(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) {
    return false;
  }
  text.remove_prefix(prefix.size());
  return true;
}

Outcome without_project(const Route& route) {
  return route.kind == RouteKind::kNone ? Outcome::kNoRoute : Outcome::kNoProject;
}

Attribution checked(std::string project) {
  if (!is_project_name(project)) {
    return {Outcome::kBadProject, {}};
  }
  return {Outcome::kMetered, std::move(project)};
}

}  // namespace

Route read_route(const Value& value) {
  Route route;
  if (!has_route(value)) {
    return route;
  }
  std::string text = text_of(value);
  std::string_view rest = text;
  const RouteKind kind = cut_prefix(rest, "httproute/")   ? RouteKind::kHttpRoute
                         : cut_prefix(rest, "grpcroute/") ? RouteKind::kGrpcRoute
                                                          : RouteKind::kUnknown;
  if (kind != RouteKind::kUnknown) {
    const size_t slash = rest.find('/');
    if (slash != std::string_view::npos && slash > 0) {
      const std::string_view name = rest.substr(slash + 1, rest.find('/', slash + 1) - slash - 1);
      if (!name.empty()) {
        route.kind = kind;
        route.route_namespace = rest.substr(0, slash);
        route.name = name;
        return route;
      }
    }
  }
  route.kind = RouteKind::kUnknown;
  route.name = std::move(text);
  return route;
}

Attribution attribute(const Format& format, const Value& project, const Route& route) {
  switch (format.project_source) {
    case ProjectSource::kConstant:
      return checked(format.project_text);
    case ProjectSource::kRouteNamespace: {
      std::string_view text = route.route_namespace;
      cut_prefix(text, format.project_text);
      if (text.empty() || text == "-") {
        return {without_project(route), {}};
      }
      return checked(std::string(text));
    }
    case ProjectSource::kKey:
      break;
  }
  if (project.is_absent()) {
    return {without_project(route), {}};
  }
  if (project.kind != ValueKind::kString) {
    return {Outcome::kBadProject, {}};
  }
  return checked(text_of(project));
}

bool is_project_name(std::string_view text) {
  constexpr size_t kProjectBytesMax = 63;
  if (text.empty() || text.size() > kProjectBytesMax || text.front() == '-' || text.back() == '-') {
    return false;
  }
  return std::ranges::all_of(
      text, [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; });
}

}  // namespace mf
