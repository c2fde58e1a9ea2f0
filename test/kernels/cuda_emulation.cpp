// SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
// SPDX-License-Identifier: Apache-2.0
// The GPU's convolution and packing on a CPU: the headers of kernels/cuda with the instructions
// replaced by what the PTX ISA says of them (fragments of mma.m16n8k256.b1, ldmatrix, cp.async,
// vote), warp by warp over every block of a grid.
//
// It is harsher than a GPU where a GPU is only sometimes wrong: a copy is garbage from the moment
// it starts until a barrier has waited for it, and every address is checked.

#include <stdio.h>
#include <string.h>

#include <algorithm>
#include <array>
#include <deque>
#include <memory>
#include <vector>

#include "epilogue.h"
#include "pack_items.h"
#include "splat_cell.h"

namespace bdc {
namespace {

int64_t num_violations = 0;

void expect(bool is_right, const char* rule) {
  if (!is_right && num_violations++ == 0) fprintf(stderr, "emulation: %s\n", rule);
}

using LaneWords = std::array<uint32_t, kLanes>;
using LaneSums = std::array<int32_t, kLanes>;
using Registers = std::array<LaneWords, 4>;

// Set bits of a row of 256 bits combined with a column of 256 bits.
template <Product kProduct>
int32_t count_bits(const uint32_t (&row)[kStepWords], const uint32_t (&column)[kStepWords]) {
  int32_t count = 0;
  for (int i = 0; i < kStepWords; ++i) {
    count += __builtin_popcount(kProduct == Product::kXor ? row[i] ^ column[i]
                                                          : row[i] & column[i]);
  }
  return count;
}

// Lane 4 g + t holds words t and t + 4 of rows g and g + 8 of A and of column g of B, and columns
// 2 t and 2 t + 1 of rows g and g + 8 of the sums.
template <Product kProduct>
void multiply_bits(std::array<LaneSums, 4>& sums, const Registers& a, const LaneWords& b0,
                   const LaneWords& b1) {
  uint32_t rows[16][kStepWords], columns[8][kStepWords];
  for (int lane = 0; lane < kLanes; ++lane) {
    const int g = lane / 4, t = lane % 4;
    rows[g][t] = a[0][lane];
    rows[g + 8][t] = a[1][lane];
    rows[g][t + 4] = a[2][lane];
    rows[g + 8][t + 4] = a[3][lane];
    columns[g][t] = b0[lane];
    columns[g][t + 4] = b1[lane];
  }
  for (int lane = 0; lane < kLanes; ++lane) {
    const int g = lane / 4, t = lane % 4;
    sums[0][lane] += count_bits<kProduct>(rows[g], columns[2 * t]);
    sums[1][lane] += count_bits<kProduct>(rows[g], columns[2 * t + 1]);
    sums[2][lane] += count_bits<kProduct>(rows[g + 8], columns[2 * t]);
    sums[3][lane] += count_bits<kProduct>(rows[g + 8], columns[2 * t + 1]);
  }
}

template <Product kProduct>
struct Warp {
  uint32_t index;
  Registers pixels[kPixelFragments];
  Registers channels;
  std::array<LaneSums, 4> sums[kPixelFragments][kChannelFragments] = {};
  std::array<LaneSums, 4> ones[kPixelFragments] = {};

  // ldmatrix.x4: lane 8 j + r points at row r of matrix j, lane 4 r + w receives its word w.
  template <class Place>
  void load(const uint32_t* slot, Registers& out, const Place& place) {
    for (int j = 0; j < 4; ++j) {
      uint32_t banks = 0;
      for (int r = 0; r < 8; ++r) {
        const uint32_t row = place(8 * j + r);
        expect(row % kChunkWords == 0, "rows of ldmatrix are aligned to 16 bytes");
        banks |= 1u << row / kChunkWords % 8;
        for (int w = 0; w < 4; ++w) out[j][4 * r + w] = slot[row + w];
      }
      expect(banks == 0xff, "the rows of a matrix lie in different banks");
    }
  }

  void multiply(int m, int n, int first) {
    multiply_bits<kProduct>(sums[m][n], pixels[m], channels[first], channels[first + 1]);
  }

  void count_ones(int m) {
    LaneWords set;
    set.fill(~0u);
    multiply_bits<kProduct>(ones[m], pixels[m], set, set);
  }
};

struct Copy {
  uint32_t* to;
  const uint32_t* from;
  int words;
};

// Notes copies down and checks their addresses; what lies in the target until then is garbage.
struct CopyRecorder {
  const bdc_convolution& op;
  std::vector<Copy>& copies;

  bool is_within(const void* first, int64_t words, const uint32_t* from, int count) const {
    const uint32_t* start = static_cast<const uint32_t*>(first);
    return from >= start && from + count <= start + words;
  }

  template <int kWords>
  void run(uint32_t* to, const uint32_t* from, bool is_inside) const {
    const int64_t in_words = int64_t{op.in.batch} * (op.in.height + 2) * (op.in.width + 2) *
                             op.in.stride;
    const int64_t weight_words = int64_t{padded_channels(op)} * padded_words(op);
    expect(reinterpret_cast<uintptr_t>(from) % (4 * kWords) == 0, "copies are aligned");
    expect(reinterpret_cast<uintptr_t>(to) % (4 * kWords) == 0, "copies arrive aligned");
    expect(!is_inside || is_within(op.in.data, in_words, from, kWords) ||
               is_within(op.weights, weight_words, from, kWords),
           "copies stay inside maps and weights");
    copies.push_back({to, is_inside ? from : nullptr, kWords});
    for (int i = 0; i < kWords; ++i) to[i] = 0xdeadbeef;
  }
};

template <Product kProduct, int kCopyWords>
struct Block {
  const bdc_convolution& op;
  uint32_t first_pixel, first_channel;
  alignas(16) uint32_t slots[kSharedWords];
  Row rows[kTilePixels];
  Warp<kProduct> warps[kWarps];
  std::deque<std::vector<Copy>> groups;

  Block(const bdc_convolution& op, uint32_t pixel, uint32_t channel)
      : op(op), first_pixel(pixel), first_channel(channel) {
    for (uint32_t i = 0; i < kTilePixels; ++i) {
      rows[i] = row_of(op, std::min(first_pixel + i, num_out_pixels(op) - 1));
    }
    for (uint32_t i = 0; i < kWarps; ++i) warps[i].index = i;
  }

  void fetch(uint32_t stage, bool is_wanted) {
    groups.emplace_back();
    if (!is_wanted) return;
    for (uint32_t thread = 0; thread < kThreads; ++thread) {
      fetch_stage<kCopyWords>(op, rows, first_channel, stage, thread,
                              slots + stage % kSlots * kSlotWords,
                              CopyRecorder{op, groups.back()});
    }
  }

  void wait_for_groups_before(size_t newer) {
    for (; groups.size() > newer; groups.pop_front()) {
      for (const Copy& copy : groups.front()) {
        for (int i = 0; i < copy.words; ++i) copy.to[i] = copy.from ? copy.from[i] : 0;
      }
    }
  }

  void arrive() { wait_for_groups_before(kSlots - 2); }

  void multiply(uint32_t stage, uint32_t step) {
    for (auto& warp : warps) {
      multiply_step<kProduct>(warp, slots + stage % kSlots * kSlotWords, step);
    }
  }

  void finish() {
    wait_for_groups_before(0);
    for (const auto& warp : warps) {
      for (int m = 0; m < kPixelFragments; ++m) {
        for (int n = 0; n < kChannelFragments; ++n) {
          for (int i = 0; i < 4; ++i) {
            for (int lane = 0; lane < kLanes; ++lane) {
              slots[product_word(warp.index, m, n, lane, i)] =
                  product_of<kProduct>(warp.sums[m][n][i][lane], warp.ones[m][i][lane]);
            }
          }
        }
      }
    }
  }
};

// Elements of real maps; bfloat16 is rounded to nearest even.
struct HostMemory {
  static float read(const void* data, int type, uint64_t place) {
    if (type == BDC_F32) return static_cast<const float*>(data)[place];
    expect(type == BDC_BF16, "the emulation knows float32 and bfloat16");
    const uint32_t bits = uint32_t{static_cast<const uint16_t*>(data)[place]} << 16;
    float value;
    memcpy(&value, &bits, sizeof(value));
    return value;
  }

  static void write(const bdc_map& map, uint64_t place, float value) {
    if (map.type == BDC_F32) {
      static_cast<float*>(map.data)[place] = value;
      return;
    }
    expect(map.type == BDC_BF16, "the emulation knows float32 and bfloat16");
    uint32_t bits;
    memcpy(&bits, &value, sizeof(bits));
    static_cast<uint16_t*>(map.data)[place] = (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
  }
};

template <Product kProduct>
void write_tile(const bdc_convolution& op, const uint32_t* products, const Row* rows,
                uint32_t first_pixel, uint32_t first_channel) {
  const uint32_t count = std::min<uint32_t>(kTilePixels, num_out_pixels(op) - first_pixel);
  for (uint32_t i = 0; i < count; ++i) {
    uint32_t of_integers[kTileWords] = {}, of_reals[kTileWords] = {};
    for (uint32_t j = 0; j < kTileChannels && first_channel + j < uint32_t(op.out_channels); ++j) {
      const Channel channel = channel_of<kProduct>(op, first_channel + j);
      const int32_t d = integer_of<kProduct>(op, channel, rows[i].missing,
                                             int32_t(products[i * kProductStride + j]));
      of_integers[j / kWordBits] |= uint32_t{is_integer_set(channel, d)} << j % kWordBits;
      write_integer(op.integers, first_pixel + i, channel.index, d);
      if (!op.scale) continue;
      const bool is_set =
          finish_real<HostMemory>(op, channel, d, first_pixel + i, rows[i].image);
      of_reals[j / kWordBits] |= uint32_t{is_set} << j % kWordBits;
    }
    for (uint32_t word = 0; word < kTileWords; ++word) {
      const uint32_t place = first_channel / kWordBits + word;
      if (place >= words_of(op.out_channels)) continue;
      write_word(op.bits_of_integer, rows[i], place, of_integers[word]);
      write_word(op.bits, rows[i], place, of_reals[word]);
    }
  }
}

template <Product kProduct, int kCopyWords>
void convolve(const bdc_convolution& op) {
  for (uint32_t pixel = 0; pixel < num_out_pixels(op); pixel += kTilePixels) {
    for (uint32_t channel = 0; channel < uint32_t(op.out_channels); channel += kTileChannels) {
      const auto block = std::make_unique<Block<kProduct, kCopyWords>>(op, pixel, channel);
      convolve_tile(*block, num_steps(op));
      write_tile<kProduct>(op, block->slots, block->rows, pixel, channel);
    }
  }
  if (!op.sums) return;
  for (int32_t line = 0; line < op.out.batch * op.out.height; ++line) {
    for (int32_t channel = 0; channel < op.out_channels; ++channel) {
      op.sums[line * op.out_channels + channel] = row_sum(op, line, channel);
    }
  }
}

template <Product kProduct>
void convolve(const bdc_convolution& op) {
  switch (copy_words(op)) {
    case 4:
      return convolve<kProduct, 4>(op);
    case 2:
      return convolve<kProduct, 2>(op);
    default:
      return convolve<kProduct, 1>(op);
  }
}

void pack(const bdc_pack& op) {
  const uint32_t count = num_items(op);
  for (uint32_t first = 0; first < count; first += kLanes) {
    PackItem item = item_of(op, first);
    for (uint32_t i = first; i < std::min<uint32_t>(first + kLanes, count); ++i) {
      uint32_t word = 0;
      for (uint32_t lane = 0; lane < kLanes; ++lane) {
        const uint32_t channel = item.word * kWordBits + lane;
        if (channel >= uint32_t(op.in.channels)) continue;
        const float x = HostMemory::read(op.in.data, op.in.type,
                                         uint64_t{item.pixel} * op.in.stride + channel);
        word |= uint32_t{(x >= op.sign.threshold[channel]) != bit_of(op.sign.flip, channel)}
                << lane;
      }
      static_cast<uint32_t*>(op.out.data)[item_place(op, item_of(op, i))] = word;
      item = next_item(op, item);
    }
  }
}

void splat(const bdc_splat& op) {
  for (int32_t cell = 0; cell < op.out.height * op.out.width; ++cell) {
    for (int32_t channel = 0; channel < op.out.channels; ++channel) {
      splat_cell<HostMemory>(op, cell, channel);
    }
  }
}

template <class Operation, class Run>
int64_t watched(const void* operation, const Run& run) {
  num_violations = 0;
  run(*static_cast<const Operation*>(operation));
  return num_violations;
}

}  // namespace
}  // namespace bdc

extern "C" {

// Returns the number of broken rules, -1 for an unknown operation; the first is printed.
int64_t emulate(const bdc_step* step, int32_t is_and) {
  switch (step->kind) {
    case BDC_PACK:
      return bdc::watched<bdc_pack>(step->operation, bdc::pack);
    case BDC_CONVOLUTION:
      return bdc::watched<bdc_convolution>(step->operation, [&](const bdc_convolution& op) {
        is_and ? bdc::convolve<bdc::Product::kAnd>(op) : bdc::convolve<bdc::Product::kXor>(op);
      });
    case BDC_SPLAT:
      return bdc::watched<bdc_splat>(step->operation, bdc::splat);
    default:
      return -1;
  }
}

}  // extern "C"
