#include "test/native/line_mutator.h"

#include <array>

#include "test/native/check.h"

namespace mf::test {
namespace {

using namespace std::string_view_literals;

/// What may stand for anything: values, tokens, their ends, escapes and bytes that are no UTF-8.
constexpr std::array kSnippets = {"\""sv,
                                  "\\"sv,
                                  "\\\""sv,
                                  "\\\\"sv,
                                  "\\u00e9"sv,
                                  "\\u002d"sv,
                                  "\\ud800"sv,
                                  "\\uDBFF"sv,
                                  "\\ud83d\\ude00"sv,
                                  "\\x"sv,
                                  "\\u12"sv,
                                  "\\n"sv,
                                  "\xC3\xA9"sv,
                                  "\xE2\x82"sv,
                                  "\xFF"sv,
                                  "\xF0\x9F\x98\x80"sv,
                                  "\xED\xA0\x80"sv,
                                  "{"sv,
                                  "}"sv,
                                  "["sv,
                                  "]"sv,
                                  ","sv,
                                  ":"sv,
                                  " "sv,
                                  "null"sv,
                                  "true"sv,
                                  "1e3"sv,
                                  "1.0"sv,
                                  "-1"sv,
                                  "-0"sv,
                                  "0"sv,
                                  "007"sv,
                                  "9007199254740993"sv,
                                  "inf"sv,
                                  "nan"sv,
                                  "\"\""sv,
                                  "\"-\""sv,
                                  "\t"sv,
                                  "\r"sv,
                                  "\n"sv,
                                  "\0"sv,
                                  "\x7F"sv,
                                  "\"project_name\":"sv,
                                  ",\"duration\":5"sv,
                                  "}{"sv,
                                  "NotSet"sv,
                                  "internal_redirect"sv,
                                  "DownstreamPeriodic"sv,
                                  "Z"sv,
                                  ":60"sv,
                                  " stdout P "sv,
                                  " stderr F "sv,
                                  "F:x"sv};

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

char any_digit(Dice& dice) {
  return static_cast<char>('0' + dice.below(10));
}

std::vector<std::string_view> lines_of(std::string_view log) {
  std::vector<std::string_view> lines;
  while (!log.empty()) {
    const size_t end = log.find('\n');
    lines.push_back(log.substr(0, end));
    log.remove_prefix(end == std::string_view::npos ? log.size() : end + 1);
  }
  return lines;
}

/// Lengths at which something is handled otherwise: blocks, windows, the longest indexed line.
size_t odd_length(Dice& dice) {
  constexpr std::array<size_t, 8> kLengths = {1, 40, 63, 64, 700, 8200, 24'600, 66'000};
  // Long lines cost as much as many short ones.
  const size_t end = dice.below(16) == 0 ? kLengths.size() : 4;
  return kLengths[dice.below(end)] + dice.below(3);
}

}  // namespace

LineMutator::LineMutator(const std::vector<std::string>& logs) {
  for (const std::string& log : logs) {
    logs_.push_back(lines_of(log));
    CHECK(!logs_.back().empty());
  }
}

/// Other digits, and now and then more or less of them: a line of the same shape.
void LineMutator::vary_values(std::string& line, Dice& dice) {
  for (size_t at = 0; at < line.size(); ++at) {
    if (!is_digit(line[at]) || dice.below(4) != 0) {
      continue;
    }
    const bool begins = at > 0 && line[at - 1] == ':';
    if (begins && dice.below(3) == 0) {
      std::string digits(1, static_cast<char>('1' + dice.below(9)));
      for (size_t more = dice.below(dice.below(4) == 0 ? 18 : 9); more > 0; --more) {
        digits += any_digit(dice);
      }
      size_t end = at;
      while (end < line.size() && is_digit(line[end])) {
        ++end;
      }
      line.replace(at, end - at, digits);
      at += digits.size();
    } else if (dice.below(8) == 0) {
      line[at] = any_digit(dice);
    }
  }
}

void LineMutator::damage(std::string& line, const std::vector<std::string_view>& others,
                         Dice& dice) const {
  const size_t at = dice.below(line.size() + 1);
  const std::string_view snippet = kSnippets[dice.below(kSnippets.size())];
  const size_t some = dice.below(dice.below(4) == 0 ? 200 : 6);
  switch (dice.below(9)) {
    case 0:
      line.insert(at, snippet);
      break;
    case 1:
      line.replace(at, some, snippet);
      break;
    case 2:
      line.erase(at, some + 1);
      break;
    case 3:
      line.insert(at, line.substr(dice.below(line.size() + 1), some));
      break;
    case 4: {
      const std::string_view other = others[dice.below(others.size())];
      line.replace(at, std::string::npos, other.substr(dice.below(other.size() + 1)));
      break;
    }
    case 5:
      line.insert(at, odd_length(dice), dice.below(2) == 0 ? 'x' : snippet[0]);
      break;
    case 6:
      if (at < line.size()) {
        line[at] = static_cast<char>(dice.below(256));
      }
      break;
    case 7: {
      // A value becomes another one, whole.
      const size_t colon = line.find("\":", at);
      if (colon != std::string::npos) {
        line.replace(colon + 2, line.find_first_of(",}", colon) - colon - 2, snippet);
      }
      break;
    }
    default: {
      const size_t quote = line.find('"', at);
      line.insert(quote == std::string::npos ? at : quote + 1, snippet);
      break;
    }
  }
}

std::string LineMutator::log(Dice& dice) const {
  const std::vector<std::string_view>& lines = logs_[dice.below(logs_.size())];
  std::vector<std::string_view> bases;
  for (size_t i = 1 + dice.below(5); i > 0; --i) {
    bases.push_back(lines[dice.below(lines.size())]);
  }
  // Where nothing is damaged for long, whole batches are of one shape.
  const size_t damaged_in = size_t{2} << dice.below(8);
  std::string log;
  for (size_t i = 20 + dice.below(600); i > 0; --i) {
    std::string line(bases[dice.below(bases.size())]);
    if (dice.below(4) != 0) {
      vary_values(line, dice);
    }
    for (size_t times = dice.below(damaged_in) == 0 ? 1 + dice.below(3) : 0; times > 0; --times) {
      damage(line, lines, dice);
    }
    log += line;
    log += dice.below(50) == 0 ? "\r\n" : "\n";
  }
  if (dice.below(4) == 0) {
    log.pop_back();
  }
  return log;
}

}  // namespace mf::test
