#include "native/parse/path_tree.h"

#include "native/base/limits.h"

namespace mf {

PathTree::PathTree(const Format& format) : nodes_(1), path_of_{kNotMapped} {
  size_t tokens = 0;
  for (const std::vector<std::string>& path : format.paths) {
    tokens += path.size();
  }
  too_large_ = format.paths.size() > kPathsMax || tokens > kPathTokensMax;
  if (too_large_) {
    return;
  }
  path_count_ = format.paths.size();
  for (size_t path = 0; path < path_count_; ++path) {
    Node node = kRoot;
    for (const std::string& token : format.paths[path]) {
      node = descend(node, token);
    }
    path_of_[static_cast<size_t>(node)] = static_cast<int16_t>(path);
  }
}

PathTree::Node PathTree::descend(Node from, const std::string& key) {
  const Node known = child(from, key);
  if (known != kOutside) {
    return known;
  }
  const auto added = static_cast<Node>(nodes_.size());
  nodes_.emplace_back();
  path_of_.push_back(kNotMapped);
  Branch& branch = nodes_[static_cast<size_t>(from)];
  const size_t slot = bucket(key);
  branch.children.push_back({key, added, branch.buckets[slot]});
  branch.buckets[slot] = static_cast<int16_t>(branch.children.size() - 1);
  return added;
}

}  // namespace mf
