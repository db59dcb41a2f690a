// What an accepted line says about usage: its log type, its amounts, its clock (DESIGN 4.3, 4.6,
// 5.2). Pure functions of the record; what depends on earlier lines is native/aggregate's.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "native/base/outcome.h"
#include "native/parse/clock.h"
#include "native/parse/record.h"

namespace mf {

/// Running totals of one request, as Envoy prints them.
struct Amounts {
  uint64_t egress_bytes = 0;
  uint64_t ingress_bytes = 0;
  uint64_t duration_ms = 0;

  bool operator==(const Amounts&) const = default;
};

/// kMetered when the log type lets the line be billed, and then whether it is a request; else
/// what becomes of the line.
Outcome read_log_type(const Format& format, const Record& record, bool& is_request);

/// False: `bad_number`.
bool read_amounts(const Format& format, const Record& record, Amounts& amounts);

inline constexpr int64_t kNoClock = -1;

/// The line's clock in ms, or kNoClock: the start time plus the duration, else the envelope's time.
int64_t read_clock(const Format& format, const Record& record, const Amounts& amounts,
                   std::string_view envelope_time, DateMemo& memo);

/// True when the line can name a long-lived request: its stream or its connection has an id.
bool has_identity(const Format& format, const Record& record);

/// The identity of DESIGN 4.6: the raw bytes of connection, stream, start, project and route.
void read_identity(const Format& format, const Record& record, std::string& identity);

/// Response codes and flags whose lines are not billed; empty by default.
struct ExcludeRules {
  std::vector<std::string> codes;
  std::vector<std::string> flags;

  [[nodiscard]] bool match(const Format& format, const Record& record) const;
};

}  // namespace mf
