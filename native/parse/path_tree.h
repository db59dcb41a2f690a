// The mapped keys of a format as a tree of reference tokens, so that one walk over a line finds
// them all, at any depth, with one lookup a key. A key that is in no path costs one empty bucket.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "native/parse/format.h"

namespace mf {

class PathTree {
 public:
  using Node = int16_t;
  static constexpr Node kRoot = 0;
  /// Where a key leads that is in no path.
  static constexpr Node kOutside = -1;

  /// Takes a format within kPathsMax and kPathTokensMax; of a larger one, nothing.
  explicit PathTree(const Format& format);

  [[nodiscard]] bool is_too_large() const { return too_large_; }

  /// The node that `key` (unescaped) leads to from `from`.
  [[nodiscard]] Node child(Node from, std::string_view key) const {
    if (from == kOutside) {
      return kOutside;
    }
    const Branch& branch = nodes_[static_cast<size_t>(from)];
    if (branch.children.empty()) {
      return kOutside;
    }
    for (int16_t i = branch.buckets[bucket(key)]; i >= 0;) {
      const Child& candidate = branch.children[static_cast<size_t>(i)];
      if (candidate.key == key) {
        return candidate.node;
      }
      i = candidate.next;
    }
    return kOutside;
  }

  /// Index in Format::paths of the path that ends at `node`; kNotMapped when none does.
  [[nodiscard]] int path_at(Node node) const {
    return node == kOutside ? kNotMapped : path_of_[static_cast<size_t>(node)];
  }

  [[nodiscard]] size_t path_count() const { return path_count_; }

  [[nodiscard]] bool has_children(Node node) const {
    return node != kOutside && !nodes_[static_cast<size_t>(node)].children.empty();
  }

 private:
  struct Child {
    std::string key;
    Node node;
    int16_t next;
  };
  struct Branch {
    std::vector<Child> children;
    std::array<int16_t, 64> buckets;
    Branch() { buckets.fill(-1); }
  };

  static size_t bucket(std::string_view key) {
    if (key.empty()) {
      return 0;
    }
    const auto first = static_cast<uint8_t>(key.front());
    const auto last = static_cast<uint8_t>(key.back());
    return (key.size() * 5 + first * 3U + last) % 64;
  }

  Node descend(Node from, const std::string& key);

  size_t path_count_ = 0;
  bool too_large_ = false;
  std::vector<Branch> nodes_;
  /// By node; apart from the branches, because every value asks for it.
  std::vector<int16_t> path_of_;
};

}  // namespace mf
