// Rules of the core that no test in TypeScript can reach, with literal expectations.

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "native/aggregate/usage_key.h"
#include "native/aggregate/usage_page.h"
#include "native/base/bytes.h"
#include "native/base/crc32c.h"
#include "native/base/sha256.h"
#include "native/parse/clock.h"
#include "native/parse/line_reader.h"
#include "native/parse/record_parser.h"
#include "native/parse/text.h"
#include "test/native/check.h"
#include "test/native/rig.h"

namespace mf::test {
namespace {

uint32_t crc_of(std::string_view text, uint32_t seed = 0) {
  return crc32c(reinterpret_cast<const uint8_t*>(text.data()), text.size(), seed);
}

/// RFC 3720, B.4, and the check value of the catalogue of CRCs.
void test_crc32c() {
  busy_with = "crc32c";
  CHECK(crc_of("") == 0);
  CHECK(crc_of("123456789") == 0xE3069283);
  CHECK(crc_of(std::string(32, '\0')) == 0x8A9136AA);
  CHECK(crc_of(std::string(32, '\xFF')) == 0x62A8AB43);
  for (size_t cut = 0; cut <= 9; ++cut) {
    const std::string_view text = "123456789";
    CHECK(crc_of(text.substr(cut), crc_of(text.substr(0, cut))) == 0xE3069283);
  }
}

/// The CPU's instruction and the tables agree, at every length and alignment.
void test_crc32c_ways() {
  busy_with = "crc32c by instruction and by tables";
  Dice dice(1);
  std::vector<uint8_t> bytes(300);
  for (uint8_t& byte : bytes) {
    byte = static_cast<uint8_t>(dice.next());
  }
  for (size_t from = 0; from < 9; ++from) {
    for (size_t size = 0; size + from <= bytes.size(); ++size) {
      const auto seed = static_cast<uint32_t>(dice.next());
      CHECK(crc32c(bytes.data() + from, size, seed) ==
            crc32c_by_tables(bytes.data() + from, size, seed));
    }
  }
}

std::string hex(const Sha256::Digest& digest) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (const uint8_t byte : digest) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

/// FIPS 180-4's examples, and every length at which the padding changes its form.
void test_sha256() {
  busy_with = "sha256";
  CHECK(hex(Sha256::of("abc")) ==
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  struct Vector {
    size_t length;
    std::string_view digest;
  };
  constexpr std::array<Vector, 7> kVectors = {{
      {0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
      {55, "9f4390f8d30c2dd92ec9f095b65e2b9ae9b0a925a5258e241c9f1e910f734318"},
      {56, "b35439a4ac6f0948b6d6f9e3c6af0f5f590ce20f1bde7090ef7970686ec6738a"},
      {63, "7d3e74a05d7db15bce4ad9ec0658ea98e3f06eeecf16b4c6fff2da457ddc2f34"},
      {64, "ffe054fe7ae0cb6dc65c3af9b61d5209f439851db43d0ba5997337df154668eb"},
      {65, "635361c48bb9eab14198e76ea8ab7f1a41685d6ad62aa9146d301d4f17eb0ae0"},
      {1'000'000, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"},
  }};
  for (const Vector& vector : kVectors) {
    const std::string text(vector.length, 'a');
    CHECK(hex(Sha256::of(text)) == vector.digest);
    Sha256 in_pieces;
    for (size_t at = 0, size = 1; at < text.size(); at += size, size = size % 130 + 1) {
      in_pieces.update(std::string_view(text).substr(at, size));
      (void)in_pieces.digest();
    }
    CHECK(hex(in_pieces.digest()) == vector.digest);
  }
}

/// Table 3-7 of the Unicode standard: lead bytes, second bytes, length; further bytes are 80..BF.
struct Utf8Row {
  int lead_min, lead_max, second_min, second_max;
  size_t bytes;
};
constexpr std::array<Utf8Row, 9> kUtf8Table = {{
    {0x00, 0x7F, 0, 0, 1},
    {0xC2, 0xDF, 0x80, 0xBF, 2},
    {0xE0, 0xE0, 0xA0, 0xBF, 3},
    {0xE1, 0xEC, 0x80, 0xBF, 3},
    {0xED, 0xED, 0x80, 0x9F, 3},
    {0xEE, 0xEF, 0x80, 0xBF, 3},
    {0xF0, 0xF0, 0x90, 0xBF, 4},
    {0xF1, 0xF3, 0x80, 0xBF, 4},
    {0xF4, 0xF4, 0x80, 0x8F, 4},
}};

size_t expected_utf8(const std::array<int, 4>& bytes, size_t given) {
  const auto continues = [](int byte) { return byte >= 0x80 && byte <= 0xBF; };
  for (const Utf8Row& row : kUtf8Table) {
    if (bytes[0] < row.lead_min || bytes[0] > row.lead_max) {
      continue;
    }
    const bool second = row.bytes < 2 || (bytes[1] >= row.second_min && bytes[1] <= row.second_max);
    const bool third = row.bytes < 3 || continues(bytes[2]);
    const bool fourth = row.bytes < 4 || continues(bytes[3]);
    return second && third && fourth && row.bytes <= given ? row.bytes : 0;
  }
  return 0;
}

void test_utf8() {
  busy_with = "utf8";
  for (int lead = 0; lead < 256; ++lead) {
    for (int second = 0; second < 256; ++second) {
      for (const int third : {0x00, 0x22, 0x7F, 0x80, 0xBF, 0xC0, 0xFF}) {
        for (const int fourth : {0x00, 0x7F, 0x80, 0xBF, 0xC0, 0xFF}) {
          const std::array<int, 4> bytes = {lead, second, third, fourth};
          std::string text;
          for (const int byte : bytes) {
            text += static_cast<char>(byte);
            // Exactly as long as its view, so that the sanitizer sees a byte too many.
            const std::vector<char> exact(text.begin(), text.end());
            CHECK(utf8_sequence_bytes({exact.data(), exact.size()}) ==
                  expected_utf8(bytes, exact.size()));
          }
        }
      }
    }
  }
}

/// Keeps what came, and holds unfinished bytes as the engine does.
class Collector final : public LineSink {
 public:
  explicit Collector(size_t line_bytes_max) : reader_(Envelope::kAuto, line_bytes_max) {}

  struct Seen {
    std::string content;
    LineFault fault;
    uint64_t offset;
    uint64_t length;
    std::string digest;
  };

  void feed(std::string_view bytes) {
    held_.append(bytes);
    const size_t used = reader_.consume(held_, offset_, *this);
    held_.erase(0, used);
    offset_ += used;
    held_max_ = std::max(held_max_, held_.size());
  }
  void end() {
    reader_.end_generation(held_, offset_, *this);
    reader_.end_stream(*this);
  }
  [[nodiscard]] const std::vector<Seen>& lines() const { return lines_; }
  [[nodiscard]] size_t held_max() const { return held_max_; }

 private:
  void line(const Line& line) override {
    const bool faulty = line.whole != nullptr;
    lines_.push_back({std::string(line.content), line.fault, line.offset,
                      faulty ? line.whole->length() : line.content.size(),
                      faulty ? hex(line.whole->digest()) : ""});
  }

  LineReader reader_;
  std::string held_;
  uint64_t offset_ = 0;
  size_t held_max_ = 0;
  std::vector<Seen> lines_;
};

constexpr size_t kLongBytes = 3 << 20;
/// sha256sum of 3 MiB of `x`.
constexpr std::string_view kLongDigest =
    "3bea8a9a07c1e8dcaa4c1b816815c35a29b4fb585ba6ecc70ea44840a794cfb3";

/// A line of 3 MiB between two short ones, whatever the pieces: one line, its beginning kept, all
/// of it hashed, and never more in memory than the limit.
void long_line(size_t piece_bytes, size_t line_bytes_max, const std::string& envelope) {
  const std::string text =
      envelope + "first\n" + envelope + std::string(kLongBytes, 'x') + "\r\n" + envelope + "last\n";
  Collector collector(line_bytes_max);
  for (size_t at = 0; at < text.size(); at += piece_bytes) {
    collector.feed(std::string_view(text).substr(at, piece_bytes));
  }
  collector.end();
  const auto& lines = collector.lines();
  CHECK(lines.size() == 3);
  CHECK(lines[0].content == "first" && lines[2].content == "last");
  CHECK(lines[1].offset == envelope.size() + 6);
  CHECK(lines[2].offset == 2 * envelope.size() + 6 + kLongBytes + 2);
  if (line_bytes_max >= kLongBytes) {
    CHECK(lines[1].fault == LineFault::kNone && lines[1].content.size() == kLongBytes);
    return;
  }
  CHECK(lines[1].fault == LineFault::kTooLong);
  CHECK(lines[1].content == std::string(line_bytes_max, 'x'));
  CHECK(lines[1].length == kLongBytes && lines[1].digest == kLongDigest);
  CHECK(collector.held_max() <= line_bytes_max + 4096);
}

void test_long_lines() {
  busy_with = "long lines";
  const std::string cri = "2026-11-22T12:00:00.000000000Z stdout F ";
  for (const std::string& envelope : {std::string(), cri}) {
    long_line(1, 1024, envelope);
    long_line(7, 1024, envelope);
    for (const size_t piece_bytes : {size_t{4096}, size_t{65'535}, size_t{65'536}}) {
      long_line(piece_bytes, 1024, envelope);
      long_line(piece_bytes, 1 << 20, envelope);
      long_line(piece_bytes, 4 << 20, envelope);
    }
  }
}

/// What a part that is cut at the stream's end says about its place: where its last part begins.
void test_cut_part() {
  busy_with = "cut";
  const std::string part = "2026-11-22T12:00:00.000000000Z stdout P {\"a\":\n";
  Collector collector(1024);
  collector.feed("2026-11-22T12:00:00.000000000Z stdout F {}\n" + part + part);
  collector.feed("2026-11-22T12:00:00.000000000Z stderr F x\n");
  collector.end();
  CHECK(collector.lines().size() == 3);
  CHECK(collector.lines()[2].fault == LineFault::kCut);
  CHECK(collector.lines()[2].offset == 43 + part.size());
}

/// An envelope that cannot be held is none, however its bytes are cut.
void test_long_envelope() {
  busy_with = "long envelope";
  const std::string text =
      "2026-11-22T12:00:00Z stdout F {}\n" + std::string(9000, 't') + " stdout F {}\n";
  for (const size_t piece_bytes : {size_t{1}, size_t{512}, size_t{65'536}}) {
    Collector collector(1024);
    for (size_t at = 0; at < text.size(); at += piece_bytes) {
      collector.feed(std::string_view(text).substr(at, piece_bytes));
    }
    collector.end();
    CHECK(collector.lines().size() == 2);
    CHECK(collector.lines()[1].fault == LineFault::kBadEnvelope);
    CHECK(collector.lines()[1].length == 9012);
  }
}

/// The same holds of a docker record: it is held whole, or it is none.
void test_long_docker_records() {
  busy_with = "long docker records";
  const std::string tail = R"(\n","stream":"stdout","time":""})";
  const auto record = [&tail](size_t escapes, size_t blanks) {
    std::string log;
    for (size_t i = 0; i < escapes; ++i) {
      log += R"(\u0078)";
    }
    return R"({"log":")" + log + std::string(blanks, ' ') + tail;
  };
  // The longest record, with a CR behind it; one byte more; a line that is too long.
  const std::string longest = record(1024, 4095 - record(0, 0).size());
  const std::string text = R"({"log":"{})" + tail + "\n" + longest + "\r\n" +
                           record(1024, 4096 - record(0, 0).size()) + "\n" + record(1025, 0) + "\n";
  for (const size_t piece_bytes : {size_t{1}, size_t{512}, size_t{65'536}}) {
    Collector collector(1024);
    for (size_t at = 0; at < text.size(); at += piece_bytes) {
      collector.feed(std::string_view(text).substr(at, piece_bytes));
    }
    collector.end();
    const auto& lines = collector.lines();
    CHECK(lines.size() == 4 && lines[0].content == "{}");
    CHECK(lines[1].fault == LineFault::kNone && lines[1].content == std::string(1024, 'x'));
    CHECK(lines[2].fault == LineFault::kBadEnvelope && lines[2].length == longest.size() + 1);
    CHECK(lines[3].fault == LineFault::kTooLong && lines[3].length == 1025);
    CHECK(collector.held_max() <= 6 * 1024 + 4096);
  }
}

/// The memo of dates never decides: a date that is none stays none, also for a new memo.
void test_date_memo() {
  busy_with = "date memo";
  DateMemo memo;
  int64_t ms = 0;
  const std::string zeros = std::string(10, '\0') + "T00:00:01Z";
  CHECK(!read_rfc3339(zeros, memo, ms));
  CHECK(read_rfc3339("1970-01-01T00:00:01Z", memo, ms) && ms == 1000);
  CHECK(read_rfc3339("2026-11-22T12:00:00Z", memo, ms) && ms == 1'795'348'800'000);
  CHECK(!read_rfc3339(zeros, memo, ms));
}

/// A format that the tables have no room for is refused before it is used.
void test_large_formats() {
  busy_with = "large formats";
  EngineOptions options;
  for (size_t i = 0; i < 65; ++i) {
    options.meter.format.paths.push_back({"key" + std::to_string(i)});
  }
  CHECK(Engine(options).init() == Error::kFormatTooLarge);
  options.meter.format.paths.pop_back();
  CHECK(Engine(options).init() == Error::kNone);
  options.meter.format.paths = {std::vector<std::string>(40'000, "deep")};
  CHECK(Engine(options).init() == Error::kFormatTooLarge);
}

/// The second word of a usage page.
uint32_t rows_of(std::string_view page) {
  ByteReader in(page);
  (void)in.get<uint32_t>();
  return in.get<uint32_t>();
}

/// A page ends at 1,024 keys or at 16 MiB of keys, whichever comes first; every key is in one.
void test_page_cuts() {
  busy_with = "page cuts";
  std::string encoded;
  encode_key({RouteKind::kHttpRoute, "p", "ns", std::string(6 << 20, 'n')}, {}, encoded);
  const PageList wide = pack_usage_pages(std::vector<UsageRow>(7, {encoded, {}, 0}), 0);
  CHECK(wide.size() == 3);
  CHECK(rows_of(wide[0]) == 3 && rows_of(wide[1]) == 3 && rows_of(wide[2]) == 1);
  encode_key({RouteKind::kHttpRoute, "p", "ns", "n"}, {}, encoded);
  const PageList many = pack_usage_pages(std::vector<UsageRow>(2049, {encoded, {}, 0}), 0);
  CHECK(many.size() == 3);
  CHECK(rows_of(many[0]) == 1024 && rows_of(many[1]) == 1024 && rows_of(many[2]) == 1);
  CHECK(pack_usage_pages({}, 0).empty());
}

}  // namespace
}  // namespace mf::test

int main() {
  mf::test::test_crc32c();
  mf::test::test_crc32c_ways();
  mf::test::test_sha256();
  mf::test::test_utf8();
  mf::test::test_long_lines();
  mf::test::test_cut_part();
  mf::test::test_long_envelope();
  mf::test::test_long_docker_records();
  mf::test::test_date_memo();
  mf::test::test_large_formats();
  mf::test::test_page_cuts();
  return 0;
}
