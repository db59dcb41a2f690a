// Keys of the in-memory tables: how texts become one, and who can foresee its hash.

#include <cstring>
#include <set>
#include <string>
#include <vector>

#include "native/base/key_blocks.h"
#include "test/native/check.h"

namespace mf::test {
namespace {

/// Both ways to write a text make the same key, whatever lies behind the text, and keys are equal
/// only when all their texts are, wherever one ends and the next begins.
void test_key_blocks() {
  busy_with = "key blocks";
  const HashSeed seed{1, 2};
  std::vector<std::vector<KeyBlock>> keys;
  for (uint32_t size = 0; size <= 130; ++size) {
    std::string text(size, 'x');
    std::string padded = text + std::string(2 * kKeyBlockBytes, 'y');
    std::vector<KeyBlock> appended;
    append_key_text(text, appended);
    CHECK(appended.size() == key_blocks_of(size));
    std::vector<KeyBlock> put(appended.size() + 1);
    CHECK(put_key_text({padded.data(), size}, put.data()) == appended.size());
    CHECK(std::memcmp(put.data(), appended.data(), appended.size() * kKeyBlockBytes) == 0);
    append_key_text(std::string(130 - size, 'x'), appended);
    keys.push_back(std::move(appended));
  }
  for (const auto& left : keys) {
    for (const auto& right : keys) {
      const KeyView key{right.data(), static_cast<uint32_t>(right.size())};
      const bool are_equal = left.size() == right.size() && equal_keys(left.data(), key);
      CHECK(are_equal == (&left == &right));
      const uint64_t hash = hash_key({left.data(), static_cast<uint32_t>(left.size())}, seed);
      CHECK((hash == hash_key(key, seed)) == are_equal);
    }
  }
}

/// Who knows a seed can make any number of texts with one hash; under another seed these are apart.
void test_hash_flooding() {
  busy_with = "hash flooding";
  constexpr size_t kTexts = 1000;
  const HashSeed known{7, 0x1122334455667788};
  std::set<uint64_t> under_known;
  std::set<uint64_t> under_ours;
  for (size_t i = 0; i < kTexts; ++i) {
    // A multiplication by 0 forgets the other half.
    std::string text(16, '\0');
    std::memcpy(text.data(), &known.b, sizeof known.b);
    std::memcpy(text.data() + 8, &i, sizeof i);
    text += "same end";
    std::vector<KeyBlock> blocks;
    append_key_text(text, blocks);
    const KeyView key{blocks.data(), static_cast<uint32_t>(blocks.size())};
    under_known.insert(hash_key(key, known));
    under_ours.insert(hash_key(key, hash_seed()));
  }
  CHECK(under_known.size() == 1);
  CHECK(under_ours.size() == kTexts);
}

}  // namespace
}  // namespace mf::test

int main() {
  mf::test::test_key_blocks();
  mf::test::test_hash_flooding();
  return 0;
}
