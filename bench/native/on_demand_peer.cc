// Compiled for the CPU that it runs on: On-Demand has no choice at run time. What it skips, it does
// not check, and nobody checks it here: that is in its favour.

#include "bench/native/on_demand_peer.h"

#include <simdjson.h>

#include <array>

#include "native/parse/clock.h"

namespace mf::test {
namespace {

namespace ondemand = simdjson::ondemand;

class Peer {
 public:
  Peer(bool has_project, StreamMeter& meter) : has_project_(has_project), meter_(meter) {}

  void line(std::string_view line) {
    Request& request = requests_[waiting_];
    if (read(line, request)) {
      ++waiting_;
    }
    if (waiting_ == requests_.size()) {
      flush();
    }
  }

  size_t flush() {
    meter_.prepare({requests_.data(), waiting_});
    for (size_t i = 0; i < waiting_; ++i) {
      const size_t folded = meter_.fold_requests({&requests_[i], waiting_ - i});
      added_ += folded;
      i += folded;
    }
    waiting_ = 0;
    return added_;
  }

 private:
  bool read(std::string_view line, Request& request) {
    ondemand::document document;
    ondemand::object object;
    uint64_t received = 0;
    uint64_t sent = 0;
    uint64_t duration = 0;
    if (parser_.iterate(line.data(), line.size(), line.size() + simdjson::SIMDJSON_PADDING)
            .get(document) ||
        document.get_object().get(object) || object.find_field("bytes_received").get(received) ||
        object.find_field("bytes_sent").get(sent) || object.find_field("duration").get(duration)) {
      return false;
    }
    ondemand::value start;
    std::string_view project = line.substr(0, 0);
    std::string_view route;
    std::string_view text;
    if ((has_project_ && !raw(object, "project_name", project)) ||
        !raw(object, "route_name", route) || object.find_field("start_time").get(start) ||
        start.get_string().get(text) || !put_key(project, route, request)) {
      return false;
    }
    int64_t ms = 0;
    if (!read_rfc3339(text, date_, ms)) {
      return false;
    }
    const auto signed_of = [](uint64_t value) { return static_cast<int64_t>(value); };
    request.totals = {1, signed_of(sent), signed_of(received), signed_of(duration),
                      signed_of(duration / 1000)};
    request.clock_ms = ms + signed_of(duration);
    return true;
  }

  static bool put_key(std::string_view project, std::string_view route, Request& request) {
    if (key_blocks_of(static_cast<uint32_t>(project.size())) +
            key_blocks_of(static_cast<uint32_t>(route.size())) >
        kKeyBlocksMax) {
      return false;
    }
    const uint32_t blocks = put_key_text(project, request.key.data());
    request.key_blocks = blocks + put_key_text(route, request.key.data() + blocks);
    return true;
  }

  /// The value as written, with its quotes.
  static bool raw(ondemand::object& object, std::string_view key, std::string_view& text) {
    ondemand::value value;
    if (object.find_field(key).get(value)) {
      return false;
    }
    text = value.raw_json_token();
    return true;
  }

  const bool has_project_;
  StreamMeter& meter_;
  ondemand::parser parser_;
  DateMemo date_;
  std::array<Request, 32> requests_;
  size_t waiting_ = 0;
  size_t added_ = 0;
};

}  // namespace

size_t fold_on_demand(std::string_view log, bool has_project, StreamMeter& meter) {
  Peer peer(has_project, meter);
  while (!log.empty()) {
    const size_t end = log.find('\n');
    peer.line(log.substr(0, end));
    log.remove_prefix(end == std::string_view::npos ? log.size() : end + 1);
  }
  return peer.flush();
}

}  // namespace mf::test
