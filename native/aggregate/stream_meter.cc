#include "native/aggregate/stream_meter.h"

#include <algorithm>
#include <utility>

#include "native/parse/route.h"
#include "native/parse/text.h"

namespace mf {
namespace {

RouteKind reason_kind(Outcome reason) {
  switch (reason) {
    case Outcome::kNoRoute:
      return RouteKind::kReasonNoRoute;
    case Outcome::kNoProject:
      return RouteKind::kReasonNoProject;
    default:
      return RouteKind::kReasonBadProject;
  }
}

void put_usage(UsagePart metered, UsagePart unattributed, ClosedPart& part) {
  part.pages = std::move(metered.pages);
  part.projects = std::move(metered.sums);
  part.unattributed = std::move(unattributed.pages);
  part.reasons = std::move(unattributed.sums);
}

}  // namespace

StreamMeter::StreamMeter(MeterOptions options)
    : options_(std::move(options)),
      window_(options_.window_ms),
      metered_('m', options_.format.dimensions.size(), SumBy::kProject),
      unattributed_('u', 0, SumBy::kKind),
      long_streams_(options_.stream_states_max),
      seed_(hash_seed()) {}

void StreamMeter::count(Outcome outcome, int64_t lines) {
  counts_[static_cast<size_t>(outcome)] += lines;
  part_counts_[static_cast<size_t>(outcome)] += lines;
}

Outcome StreamMeter::fold(const Record& record, const LinePlace& place) {
  const Outcome outcome = judge(record, place);
  count(outcome);
  if (record.lenient && (outcome == Outcome::kMetered || is_unattributed(outcome))) {
    count(Outcome::kLenient);
  }
  return outcome;
}

Outcome StreamMeter::judge_log_type(const Record& record, bool& is_request, bool& followed) {
  const Outcome by_type = read_log_type(options_.format, record, is_request);
  if (by_type != Outcome::kMetered) {
    return by_type;
  }
  followed = has_identity(options_.format, record);
  // A request that no earlier record announced needs no look-up.
  if (is_request && long_streams_.empty()) {
    followed = false;
  }
  if (followed) {
    read_identity(options_.format, record, identity_);
  } else if (!is_request) {
    return Outcome::kNoStreamId;
  }
  if (!is_request && long_streams_.is_full() && long_streams_.last(identity_) == nullptr) {
    return Outcome::kStreamStateFull;
  }
  return Outcome::kMetered;
}

Outcome StreamMeter::judge(const Record& record, const LinePlace& place) {
  bool is_request = true;
  bool followed = false;
  const Outcome by_type = judge_log_type(record, is_request, followed);
  if (by_type != Outcome::kMetered) {
    return by_type;
  }
  // What the tables hold of this record is far from the cache: fetch it while the rest is read.
  hash_target(record);
  targets_.prefetch(raw_hash_);
  Amounts now;
  if (!read_amounts(options_.format, record, now)) {
    return Outcome::kBadNumber;
  }
  if (options_.exclude.match(options_.format, record)) {
    return Outcome::kExcluded;
  }
  (void)targets_.prefetch_text(raw_hash_);
  const int64_t clock_ms = read_clock(options_.format, record, now, place.envelope_time, date_);
  if (clock_ms == kNoClock && !window_.has_begun() && !options_.totals_only) {
    return Outcome::kNoClock;
  }
  Target& target = target_of(record);
  const Placement placement = window_.place(clock_ms);
  if (placement.closes()) {
    close(false, place.offset);
    begin_window(placement);
  }
  const Amounts* known = followed ? long_streams_.last(identity_) : nullptr;
  const bool continues = known != nullptr && now.egress_bytes >= known->egress_bytes &&
                         now.ingress_bytes >= known->ingress_bytes &&
                         now.duration_ms >= known->duration_ms;
  const Totals added = added_by(now, continues ? *known : Amounts{}, is_request);
  if (target.outcome == Outcome::kMetered && would_overflow(added)) {
    // Only a line that stays in its window gets here: a new window's sums are 0.
    return Outcome::kOverflow;
  }
  if (placement.move == Placement::Move::kFirst) {
    begin_window(placement);
  }
  if (followed && is_request) {
    long_streams_.forget(identity_);
  } else if (followed) {
    long_streams_.keep(identity_, now, window_.window_start_ms());
  }
  add(target, record, added);
  return target.outcome;
}

bool StreamMeter::would_overflow(const Totals& added) const {
  Totals sums = window_sums_;
  return !sums.add(added);
}

void StreamMeter::add(Target& target, const Record& record, const Totals& added) {
  open_ = true;
  if (target.outcome == Outcome::kMetered) {
    (void)window_sums_.add(added);
    add_metered(target, record, added);
  } else {
    unattributed_.add(unattributed_key(target.outcome, record), added);
  }
}

void StreamMeter::add_metered(Target& target, const Record& record, const Totals& added) {
  const bool full = metered_.admitted() >= options_.keys_max;
  if (target.key == Target::kNoKey) {
    (void)encode_target(record);
    target.key = full ? metered_.find(encoded_) : metered_.key(encoded_);
    if (target.key == Target::kNoKey) {
      metered_.add(overflow_key(project_), added, false);
      return;
    }
  }
  if (full && !metered_.is_admitted(target.key)) {
    metered_.add(overflow_key(std::string(metered_.project(target.key))), added, false);
    return;
  }
  metered_.add(target.key, added);
}

void StreamMeter::prepare(std::span<Request> requests) const {
  const HashSeed seed = seed_;
  for (Request& request : requests) {
    request.hash = hash_key(request.view(), seed);
    targets_.prefetch(request.hash);
  }
  for (const Request& request : requests) {
    metered_.prefetch(targets_.prefetch_text(request.hash));
  }
}

size_t StreamMeter::fold_requests(std::span<const Request> requests) {
  size_t folded = 0;
  while (folded < requests.size() && fold_request(requests[folded])) {
    ++folded;
  }
  count(Outcome::kMetered, static_cast<int64_t>(folded));
  return folded;
}

bool StreamMeter::fold_request(const Request& request) {
  if (!is_clock(request.clock_ms) || !window_.keeps(request.clock_ms)) {
    return false;
  }
  // It may go on from an earlier record.
  if (request.has_identity && !long_streams_.empty()) {
    return false;
  }
  const Target* target = targets_.find(request.view(), request.hash);
  if (target == nullptr || target->outcome != Outcome::kMetered || target->key == Target::kNoKey) {
    return false;
  }
  if (metered_.admitted() >= options_.keys_max && !metered_.is_admitted(target->key)) {
    return false;
  }
  if (!window_sums_.add(request.totals)) {
    return false;
  }
  open_ = true;
  metered_.add(target->key, request.totals);
  return true;
}

/// Notes the raw bytes that decide the target, and their hash.
void StreamMeter::hash_target(const Record& record) {
  const Format& format = options_.format;
  raw_key_.clear();
  append_key_text(record.at(format.role(Role::kProject)).raw, raw_key_);
  append_key_text(record.at(format.role(Role::kRoute)).raw, raw_key_);
  for (const int dimension : format.dimensions) {
    append_key_text(record.at(dimension).raw, raw_key_);
  }
  raw_hash_ = hash_key(raw_key(), seed_);
}

KeyView StreamMeter::raw_key() const {
  return {raw_key_.data(), static_cast<uint32_t>(raw_key_.size())};
}

/// The target of the record that hash_target saw last.
Target& StreamMeter::target_of(const Record& record) {
  Target* known = targets_.find(raw_key(), raw_hash_);
  if (known != nullptr) {
    return *known;
  }
  if (targets_.size() >= 2 * options_.keys_max + 1024) {
    targets_.clear();
  }
  return targets_.add(raw_key(), raw_hash_, {encode_target(record), Target::kNoKey});
}

/// Who pays for the record; when somebody does, `encoded_` is the key and `project_` its project.
Outcome StreamMeter::encode_target(const Record& record) {
  const Format& format = options_.format;
  const Route route = read_route(record.at(format.role(Role::kRoute)));
  Attribution paid_by = attribute(format, record.at(format.role(Role::kProject)), route);
  if (paid_by.outcome != Outcome::kMetered) {
    return paid_by.outcome;
  }
  project_ = std::move(paid_by.project);
  std::vector<std::string> texts;
  texts.reserve(format.dimensions.size());
  std::vector<const std::string*> dimensions;
  for (const int index : format.dimensions) {
    const Value& value = record.at(index);
    const bool present = value.kind == ValueKind::kString && !value.is_absent();
    if (present) {
      texts.push_back(value.escaped ? unescape(value.content()) : std::string(value.content()));
    }
    dimensions.push_back(present ? &texts.back() : nullptr);
  }
  encode_key({route.kind, project_, route.route_namespace, route.name}, dimensions, encoded_);
  return Outcome::kMetered;
}

uint32_t StreamMeter::overflow_key(std::string_view project) {
  encode_key({RouteKind::kOverflow, project, {}, {}},
             std::vector<const std::string*>(options_.format.dimensions.size(), nullptr), encoded_);
  return metered_.key(encoded_);
}

uint32_t StreamMeter::unattributed_key(Outcome reason, const Record& record) {
  const Format& format = options_.format;
  UsageKey key;
  key.kind = reason_kind(reason);
  key.project = record.at(format.role(Role::kProject)).raw;
  key.name = record.at(format.role(Role::kRoute)).raw;
  encode_key(key, {}, encoded_);
  if (unattributed_.admitted() >= options_.keys_max &&
      unattributed_.find(encoded_) == Target::kNoKey) {
    // Counted under its reason alone: no longer told apart, never dropped.
    encode_key({key.kind, {}, {}, {}}, {}, encoded_);
  }
  return unattributed_.key(encoded_);
}

ClosedPart StreamMeter::piece(bool by_time, uint64_t end_offset) const {
  ClosedPart piece;
  piece.epoch = window_.epoch();
  piece.window_start_ms = window_.window_start_ms();
  piece.window_ms = window_.window_ms();
  piece.part = part_;
  piece.by_time = by_time;
  piece.end_offset = end_offset;
  piece.outcomes = part_counts_;
  return piece;
}

void StreamMeter::close(bool by_time, uint64_t end_offset) {
  if (!open_) {
    return;
  }
  open_ = false;
  if (options_.totals_only) {
    ++part_;
    metered_.merge_part();
    unattributed_.clear();
    return;
  }
  ClosedPart closed = piece(by_time, end_offset);
  ++part_;
  part_counts_ = OutcomeCounts{};
  put_usage(metered_.close_part(), unattributed_.close_part(), closed);
  closed_bytes_ += closed.bytes();
  closed_.push_back(std::move(closed));
}

void StreamMeter::begin_window(const Placement& placement) {
  if (placement.move == Placement::Move::kFirst) {
    // Lines before the first clock, if they are kept, belong to this window.
    window_.move(placement);
    long_streams_.touch_all(window_.window_start_ms());
    return;
  }
  long_streams_.drop_idle(window_.window_start_ms());
  window_.move(placement);
  metered_.begin_segment();
  unattributed_.clear();
  window_sums_ = Totals{};
  part_ = 0;
}

void StreamMeter::close_by_time(uint64_t offset) {
  close(true, offset);
}

void StreamMeter::end_stream(uint64_t offset) {
  close(false, offset);
  if (options_.totals_only) {
    ClosedPart whole;
    whole.window_start_ms = window_.window_start_ms();
    whole.window_ms = window_.window_ms();
    whole.pages = metered_.take_merged();
    whole.outcomes = std::exchange(part_counts_, OutcomeCounts{});
    closed_.push_back(std::move(whole));
  }
}

ClosedPart StreamMeter::open_totals(uint64_t offset) const {
  ClosedPart open = piece(true, offset);
  put_usage(metered_.open_part(), unattributed_.open_part(), open);
  return open;
}

std::vector<ClosedPart> StreamMeter::take() {
  closed_bytes_ = 0;
  return std::exchange(closed_, {});
}

}  // namespace mf
