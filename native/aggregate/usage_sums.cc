#include "native/aggregate/usage_sums.h"

#include <algorithm>
#include <string>
#include <string_view>

#include "native/aggregate/interner.h"
#include "native/aggregate/usage_key.h"

namespace mf {
namespace {

constexpr size_t kKindAt = sizeof(uint32_t);

/// What a row is summed by: its project's text, or the column of its kind.
std::string_view group_of(std::string_view key, size_t dimensions, SumBy sum_by) {
  if (sum_by == SumBy::kKind) {
    return key.substr(kKindAt, sizeof(uint32_t));
  }
  ByteReader in(key);
  return key.substr((4 + dimensions) * sizeof(uint32_t), in.get<uint32_t>());
}

std::string key_of(std::string_view group, SumBy sum_by) {
  std::string key;
  if (sum_by == SumBy::kProject) {
    encode_key({RouteKind::kNone, group, {}, {}}, {}, key);
  } else {
    ByteReader in(group);
    encode_key({static_cast<RouteKind>(in.get<uint32_t>()), {}, {}, {}}, {}, key);
  }
  return key;
}

struct Sum {
  uint32_t group = 0;
  Totals totals;
  int64_t seconds = 0;

  /// Seconds cannot overflow where ms do not.
  bool add(const UsageRow& row) {
    const bool added = totals.add(row.totals);
    seconds += added ? row.seconds : 0;
    return added;
  }
};

/// One for each group, and one more wherever a sum was full.
std::vector<Sum> sums_of(const std::vector<UsageRow>& rows, size_t dimensions, SumBy sum_by,
                         Interner& groups) {
  std::vector<Sum> sums;
  std::vector<Sum> full;
  std::string_view last;
  uint32_t group = Interner::kNone;
  for (const UsageRow& row : rows) {
    const std::string_view text = group_of(row.key, dimensions, sum_by);
    if (group == Interner::kNone || text != last) {
      group = groups.intern(text);
      last = text;
    }
    if (group == sums.size()) {
      sums.push_back({group, {}, 0});
    }
    if (!sums[group].add(row)) {
      full.push_back(sums[group]);
      sums[group] = {group, row.totals, row.seconds};
    }
  }
  sums.insert(sums.end(), full.begin(), full.end());
  return sums;
}

}  // namespace

PageList pack_usage_sums(const std::vector<UsageRow>& rows, size_t dimensions, SumBy sum_by) {
  Interner groups;
  std::vector<Sum> sums = sums_of(rows, dimensions, sum_by, groups);
  std::ranges::stable_sort(sums, {}, [&](const Sum& sum) { return groups.text(sum.group); });
  std::vector<std::string> keys;
  keys.reserve(sums.size());
  std::vector<UsageRow> summed;
  summed.reserve(sums.size());
  for (const Sum& sum : sums) {
    keys.push_back(key_of(groups.text(sum.group), sum_by));
    summed.push_back({keys.back(), sum.totals, sum.seconds});
  }
  return pack_usage_pages(summed, 0);
}

}  // namespace mf
