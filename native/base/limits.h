// Limits of the core that no configuration changes. Each says what happens when it is reached.
#pragma once

#include <cstddef>
#include <cstdint>

namespace mf {

/// Containers open at once in an accepted line (DESIGN 4.2); deeper lines are `malformed`.
inline constexpr int kContainersOpenMax = 64;

/// Mapped keys of one format; a larger format is refused when the engine is made.
inline constexpr size_t kPathsMax = 64;

/// Reference tokens of all mapped keys of one format; the same happens.
inline constexpr size_t kPathTokensMax = 4096;

/// What line_bytes_max may be at most; larger ones are refused.
inline constexpr size_t kLineBytesMaxMax = 1 << 30;

/// Bytes of a line that is not kept whole (`too_long`) that quarantine keeps: its beginning.
inline constexpr size_t kQuarantineHeadBytesMax = 1024;

/// Bytes of an envelope before the content of a physical line. Beyond it and line_bytes_max, a
/// physical line is no longer held but folded in pieces, and a longer envelope is none.
inline constexpr size_t kEnvelopeBytesMax = 4096;

/// Bytes of keys after which a usage page ends, although it has fewer keys: a page's text must
/// stay far below what 32 bits can count.
inline constexpr size_t kPageKeyBytesMax = 16 << 20;

/// Keys of one page: what is written at a commit when one of them is touched.
inline constexpr size_t kPageKeys = 1024;

/// Epochs of a stream that a new epoch's number must differ from (DESIGN 5.2).
inline constexpr size_t kEpochsRememberedMax = 1024;

/// Longest identity of a long-lived request that is kept as it is; a longer one, which only a
/// client-chosen id can cause, is replaced by its SHA-256.
inline constexpr size_t kIdentityBytesMax = 192;

/// Project, route and dimensions that a line may be summed under by the fast path at once; of a
/// format with more, each line is read into a record first.
inline constexpr size_t kKeyPartsMax = 4;

/// Blocks of 32 bytes of such a key; a line with a longer one is read into a record first.
inline constexpr uint32_t kKeyBlocksMax = 8;

/// Largest amount that Envoy prints exactly, 2^53 (DESIGN 4.3).
inline constexpr uint64_t kAmountMax = 1ULL << 53;

/// Bytes of one pread. Larger reads copy a little faster, but push the tables out of the cache.
inline constexpr size_t kReadBytes = 256 << 10;

}  // namespace mf
