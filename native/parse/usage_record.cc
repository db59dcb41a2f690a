#include "native/parse/usage_record.h"

#include <algorithm>

#include "native/base/sha256.h"
#include "native/parse/clock.h"
#include "native/parse/number.h"
#include "native/parse/route.h"
#include "native/parse/text.h"

namespace mf {
namespace {

const Value& value_of(const Format& format, const Record& record, Role role) {
  return record.at(format.role(role));
}

/// A string's text; `scratch` holds it when it had to be unescaped.
std::string_view text_of(const Value& value, std::string& scratch) {
  if (!value.escaped) {
    return value.content();
  }
  scratch = unescape(value.content());
  return scratch;
}

bool is_internal_redirect(const Format& format, const Record& record) {
  const Value& details = value_of(format, record, Role::kResponseCodeDetails);
  std::string scratch;
  return details.kind == ValueKind::kString && text_of(details, scratch) == "internal_redirect";
}

Outcome judge_type(std::string_view type, bool routed, bool& is_request) {
  is_request = type == "DownstreamEnd";
  if (is_request || type == "DownstreamStart" || type == "DownstreamPeriodic" ||
      type == "DownstreamTunnelSuccessfullyEstablished") {
    return Outcome::kMetered;
  }
  if (type == "NotSet") {
    is_request = routed;
    return routed ? Outcome::kMetered : Outcome::kNotSet;
  }
  if (type.starts_with("Upstream")) {
    return Outcome::kUpstream;
  }
  if (type.starts_with("Tcp")) {
    return Outcome::kTcp;
  }
  return type.starts_with("Udp") ? Outcome::kUdp : Outcome::kLogType;
}

bool is_present(const Value& value) {
  return value.kind != ValueKind::kMissing && value.kind != ValueKind::kNull;
}

bool names(const std::vector<std::string>& rules, std::string_view text) {
  return std::ranges::find(rules, text) != rules.end();
}

}  // namespace

Outcome read_log_type(const Format& format, const Record& record, bool& is_request) {
  const Value& type = value_of(format, record, Role::kLogType);
  is_request = true;
  if (!type.is_absent()) {
    if (type.kind != ValueKind::kString) {
      return Outcome::kLogType;
    }
    std::string scratch;
    const bool routed = has_route(value_of(format, record, Role::kRoute));
    const Outcome outcome = judge_type(text_of(type, scratch), routed, is_request);
    if (outcome != Outcome::kMetered) {
      return outcome;
    }
  }
  // Envoy writes a second End for the request that the redirect leads to.
  is_request = is_request && !is_internal_redirect(format, record);
  return Outcome::kMetered;
}

bool read_amounts(const Format& format, const Record& record, Amounts& amounts) {
  return read_amount(value_of(format, record, Role::kEgressBytes), amounts.egress_bytes) &&
         read_amount(value_of(format, record, Role::kIngressBytes), amounts.ingress_bytes) &&
         read_amount(value_of(format, record, Role::kDurationMs), amounts.duration_ms);
}

int64_t read_clock(const Format& format, const Record& record, const Amounts& amounts,
                   std::string_view envelope_time, DateMemo& memo) {
  int64_t ms = 0;
  if (read_start_time(value_of(format, record, Role::kStartTime), memo, ms)) {
    ms += static_cast<int64_t>(amounts.duration_ms);  // at most 2^53 and 10^15: no overflow
    if (is_clock(ms)) {
      return ms;
    }
  }
  return read_rfc3339(envelope_time, memo, ms) && is_clock(ms) ? ms : kNoClock;
}

bool has_identity(const Format& format, const Record& record) {
  return is_present(value_of(format, record, Role::kStreamId)) ||
         is_present(value_of(format, record, Role::kConnectionId));
}

void read_identity(const Format& format, const Record& record, std::string& identity) {
  identity.clear();
  for (const Role role :
       {Role::kConnectionId, Role::kStreamId, Role::kStartTime, Role::kProject, Role::kRoute}) {
    const std::string_view raw = value_of(format, record, role).raw;
    const auto size = static_cast<uint32_t>(raw.size());
    identity.append(reinterpret_cast<const char*>(&size), sizeof size);
    identity.append(raw);
  }
  if (identity.size() > kIdentityBytesMax) {
    const Sha256::Digest digest = Sha256::of(identity);
    identity.assign(reinterpret_cast<const char*>(digest.data()), digest.size());
  }
}

bool ExcludeRules::match(const Format& format, const Record& record) const {
  if (!codes.empty()) {
    // Compared as a number: `503`, `"503"` and `5.03e2` are the same code.
    const Value& code = value_of(format, record, Role::kResponseCode);
    uint64_t number = 0;
    if (!code.is_absent() && read_amount(code, number) && names(codes, std::to_string(number))) {
      return true;
    }
  }
  const Value& all_flags = value_of(format, record, Role::kResponseFlags);
  if (flags.empty() || all_flags.kind != ValueKind::kString) {
    return false;
  }
  std::string scratch;
  std::string_view rest = text_of(all_flags, scratch);
  while (!rest.empty()) {
    const size_t comma = rest.find(',');
    if (names(flags, rest.substr(0, comma))) {
      return true;
    }
    rest.remove_prefix(comma == std::string_view::npos ? rest.size() : comma + 1);
  }
  return false;
}

}  // namespace mf
