// SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
// SPDX-License-Identifier: Apache-2.0
// Backend for x86 with AVX2, which has no instruction that counts bits.
//
// Lanes are output channels. Four inputs of a pixel choose a table of 16 bytes, how many of them
// differ from each pattern of four weights; a byte shuffle looks 32 channels up at once. Weights
// are stored as one byte per four inputs, the bytes of 32 channels side by side.
#if defined(__x86_64__)

#include "backends.h"
#include "geometry.h"
#include "stream_headers.h"

#pragma GCC push_options
#pragma GCC target("avx2,fma,f16c")

namespace bdc {
namespace {

#include "lanes_avx2.inl"
#include "streams.inl"
#include "epilogue.inl"
#include "pack.inl"

constexpr int kGroupPixels = 16;
constexpr int kWindowAlignment = 1;
constexpr int kVectorChannels = 32;
constexpr int kTileVectors = 4;
constexpr int kTileChannels = kTileVectors * kVectorChannels;
constexpr int kNibbles = 8;     // of a word
constexpr int kChunkWords = 7;  // x 8 nibbles x 4 bits: the most that a byte counts

inline uint32_t compare_counts(const uint16_t* counts, const int16_t* low, const int16_t* high) {
  __m256i is_set[2];
  for (int i = 0; i < 2; ++i) {
    const __m256i count = _mm256_loadu_si256((const __m256i*)counts + i);
    is_set[i] = _mm256_xor_si256(
        _mm256_cmpgt_epi16(count, _mm256_loadu_si256((const __m256i*)low + i)),
        _mm256_cmpgt_epi16(count, _mm256_loadu_si256((const __m256i*)high + i)));
  }
  const __m256i bytes = _mm256_packs_epi16(is_set[0], is_set[1]);
  return uint32_t(_mm256_movemask_epi8(_mm256_permute4x64_epi64(bytes, 0xd8)));
}

#include "windows.inl"

// For each byte of activations the tables of its lower and upper four bits.
struct Tables {
  uint8_t counts[256][2][16];

  constexpr Tables() : counts() {
    for (int byte = 0; byte < 256; ++byte) {
      for (int half = 0; half < 2; ++half) {
        for (int weight = 0; weight < 16; ++weight) {
          const int differing = ((byte >> 4 * half) ^ weight) & 15;
          counts[byte][half][weight] = uint8_t((differing & 1) + (differing >> 1 & 1) +
                                               (differing >> 2 & 1) + (differing >> 3));
        }
      }
    }
  }
};

alignas(64) constexpr Tables kTables;

// Keep a value in a register of its own, and sums in the order in which they are written: left
// alone, g++ reads weights again for every pixel and runs out of registers.
inline __m256i in_register(__m256i value) {
  asm("" : "+x"(value));
  return value;
}

// Count what differs in up to kChunkWords words of some pixels; add it unless it is the first.
template <int kVectors, int kPixels>
void count_chunk(const uint8_t* weights, const uint32_t* const* windows, int first, int size,
                 uint16_t* counts) {
  __m256i sums[kPixels][kVectors];
#pragma GCC unroll 4
  for (int p = 0; p < kPixels; ++p) {
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) sums[p][v] = _mm256_setzero_si256();
  }
  for (int byte = 4 * first; byte < 4 * (first + size); ++byte) {
#pragma GCC unroll 2
    for (int half = 0; half < 2; ++half) {
      __m256i tables[kPixels];
#pragma GCC unroll 4
      for (int p = 0; p < kPixels; ++p) {
        const uint8_t* table = kTables.counts[((const uint8_t*)windows[p])[byte]][half];
        tables[p] = _mm256_broadcastsi128_si256(*(const __m128i*)table);
      }
#pragma GCC unroll 4
      for (int v = 0; v < kVectors; ++v, weights += kVectorChannels) {
        const __m256i weight = in_register(_mm256_load_si256((const __m256i*)weights));
#pragma GCC unroll 4
        for (int p = 0; p < kPixels; ++p) {
          const __m256i differing = _mm256_shuffle_epi8(tables[p], weight);
          sums[p][v] = in_register(_mm256_add_epi8(sums[p][v], differing));
        }
      }
    }
  }
#pragma GCC unroll 4
  for (int p = 0; p < kPixels; ++p) {
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) {
      __m256i* out = (__m256i*)(counts + p * kBlock + v * kVectorChannels);
      const __m256i zero = _mm256_setzero_si256();
      __m256i low = _mm256_unpacklo_epi8(sums[p][v], zero);
      __m256i high = _mm256_unpackhi_epi8(sums[p][v], zero);
      if (first > 0) {
        low = _mm256_add_epi16(low, _mm256_loadu_si256(out));
        high = _mm256_add_epi16(high, _mm256_loadu_si256(out + 1));
      }
      _mm256_storeu_si256(out, low);
      _mm256_storeu_si256(out + 1, high);
    }
  }
}

// The weights of a chunk stay in the first cache while all pixels use them.
template <int kVectors, int kPixels>
void count_tiles(const uint8_t* weights, const Windows& windows, int pixels, uint16_t* counts) {
  static_assert(kGroupPixels % kPixels == 0, "a tile must not reach beyond the group");
  const int chunks = (windows.size + kChunkWords - 1) / kChunkWords;
  for (int chunk = 0; chunk < chunks; ++chunk) {
    const int first = windows.size * chunk / chunks;
    const int size = windows.size * (chunk + 1) / chunks - first;
    const uint8_t* chunk_weights = weights + first * kNibbles * kVectors * kVectorChannels;
    for (int p = 0; p < pixels; p += kPixels) {
      count_chunk<kVectors, kPixels>(chunk_weights, windows.start + p, first, size,
                                     counts + p * kBlock);
    }
  }
}

void count_bits(const uint8_t* weights, const Windows& windows, int pixels, int channels,
                Counts* counts) {
  for (int c = 0; c < channels; c += kTileChannels) {
    const uint8_t* tile = weights + int64_t{c} * windows.size * kNibbles;
    switch (std::min(kTileVectors, words(channels - c))) {
      case 1: count_tiles<1, 4>(tile, windows, pixels, counts[0] + c); break;
      case 2: count_tiles<2, 4>(tile, windows, pixels, counts[0] + c); break;
      case 3: count_tiles<3, 2>(tile, windows, pixels, counts[0] + c); break;
      default: count_tiles<4, 2>(tile, windows, pixels, counts[0] + c);
    }
  }
}

void convolution(const bdc_convolution& op, int32_t first_row, int32_t last_row) {
  const uint8_t* weights = static_cast<const uint8_t*>(op.weights);
  convolve_windows(op, first_row, last_row, [weights](
      const Windows& windows, int pixels, int channel, int channels, Counts* counts) {
    const uint8_t* block = weights + int64_t{channel} * windows.size * kNibbles;
    count_bits(block, windows, pixels, channels, counts);
  });
}

int64_t prepared_bytes(int32_t out_channels, int32_t in_channels, int32_t kernel) {
  return int64_t{words(out_channels)} * kVectorChannels * window_words(in_channels, kernel) *
         kNibbles;
}

// Where the byte of a channel lies within its vector, so that unpacking leaves them in order.
inline int place_in_vector(int channel) {
  return (channel & 7) | (channel & 8) << 1 | (channel & 16) >> 1;
}

// For each block of channels: words, their nibbles, vectors of the block, channels of the vector.
void prepare_weights(int32_t out_channels, int32_t in_channels, int32_t kernel,
                     const uint32_t* source, void* out) {
  const int size = window_words(in_channels, kernel);
  memset(out, 0, size_t(prepared_bytes(out_channels, in_channels, kernel)));
  for (int channel = 0; channel < out_channels; ++channel) {
    const int first = channel / kTileChannels * kTileChannels;
    const int row = std::min(kTileVectors, words(out_channels - first)) * kVectorChannels;
    const int place = (channel - first) / kVectorChannels * kVectorChannels +
                      place_in_vector(channel % kVectorChannels);
    uint8_t* block = (uint8_t*)out + int64_t{first} * size * kNibbles;
    for (int i = 0; i < size * kNibbles; ++i) {
      const uint32_t word = source[int64_t{channel} * size + i / kNibbles];
      block[int64_t{i} * row + place] = uint8_t(word >> 4 * (i % kNibbles) & 15);
    }
  }
}

}  // namespace
}  // namespace bdc

#pragma GCC pop_options

namespace bdc {
namespace {

// Every processor with AVX2 converts half floats; g++ has no name for that before version 11.
bool is_supported() { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }

}  // namespace

const Backend kAvx2 = {
    "avx2", is_supported, prepared_bytes, prepare_weights, convolution, pack, real_convolution,
    gate, combine, affine, average_pool, upsample, splat, labels};

}  // namespace bdc

#endif  // defined(__x86_64__)
