// Little-endian writing and bounds-checked reading of packed bytes: snapshots, pages, quarantine.
// A reader never reads past its end: the first read that would sets `failed()` and yields zeros.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace mf {

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "packed formats are little-endian");

using Bytes = std::string;

class ByteWriter {
 public:
  template <typename T>
  void put(T value) {
    // Without padding, whose bytes would differ from run to run.
    static_assert(std::has_unique_object_representations_v<T>);
    bytes_.append(reinterpret_cast<const char*>(&value), sizeof value);
  }

  /// A length of 32 bits, then the bytes.
  void put_text(std::string_view text) {
    put(static_cast<uint32_t>(text.size()));
    bytes_.append(text);
  }

  void put_raw(const void* data, size_t size) {
    bytes_.append(static_cast<const char*>(data), size);
  }

  [[nodiscard]] size_t size() const { return bytes_.size(); }
  /// The bytes; the writer begins anew.
  Bytes take() { return std::exchange(bytes_, {}); }

 private:
  Bytes bytes_;
};

class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes) : rest_(bytes) {}

  template <typename T>
  T get() {
    static_assert(std::is_trivially_copyable_v<T>);
    T value{};
    get_raw(&value, sizeof value);
    return value;
  }

  /// The view is of the reader's bytes and lives as long as they do.
  std::string_view get_text() {
    const auto size = get<uint32_t>();
    if (size > rest_.size()) {
      failed_ = true;
      return {};
    }
    const std::string_view text = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return text;
  }

  void get_raw(void* data, size_t size) {
    if (size > rest_.size()) {
      failed_ = true;
      rest_ = {};
      return;
    }
    std::memcpy(data, rest_.data(), size);
    rest_.remove_prefix(size);
  }

  [[nodiscard]] size_t rest_bytes() const { return rest_.size(); }
  [[nodiscard]] bool failed() const { return failed_; }
  [[nodiscard]] bool done() const { return !failed_ && rest_.empty(); }

 private:
  std::string_view rest_;
  bool failed_ = false;
};

}  // namespace mf
