// SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
// SPDX-License-Identifier: Apache-2.0
// A convolution by windows: the words under the kernel, side by side, for some pixels of a row,
// and for these the number of bits that differ from the weights of some output channels.
//
// A backend includes this file behind epilogue.inl, in its own unnamed namespace. It brings
//   kGroupPixels      how many pixels are counted at a time
//   kWindowAlignment  windows are filled up with clear words to a multiple of this
//   compare_counts    one bit for each of 32 counts: count > low or count > high, but not both

struct Windows {
  int size;  // words of a window, filled up
  const uint32_t* start[kGroupPixels];
  alignas(64) uint32_t copies[kGroupPixels * (kMaxWindowWords + kWindowAlignment)];
};

// Numbers of differing bits, for every pixel of a group.
typedef uint16_t Counts[kBlock];

inline int window_words(int in_channels, int kernel) {
  const int num_words = kernel * kernel * words(in_channels);
  return (num_words + kWindowAlignment - 1) / kWindowAlignment * kWindowAlignment;
}

// Copy the words under the kernel at an output pixel, tap after tap.
inline void copy_window(const bdc_convolution& op, int row, int column, uint32_t* window,
                        const uint32_t* last) {
  const int height = out_height(op), num_words = words(op.in.channels);
  const int border = op.kernel / 2, first = row % height * op.stride - border;
  for (int y = 0; y < op.kernel; ++y) {
    const uint32_t* tap =
        bordered_pixel(op.in, row / height, first + y, column * op.stride - border);
    for (int x = 0; x < op.kernel; ++x, tap += op.in.stride) {
      for (int i = 0; i < num_words; ++i) *window++ = tap[i];
    }
  }
  while (window < last) *window++ = 0;
}

// The window of a 1x1 that needs no filling up stays where it is. Behind the last pixel of a
// group its window is repeated.
inline void gather_windows(const bdc_convolution& op, int row, int column, int pixels,
                           Windows* windows) {
  windows->size = window_words(op.in.channels, op.kernel);
  const bool is_in_place = op.kernel == 1 && windows->size == words(op.in.channels);
  for (int p = 0; p < kGroupPixels; ++p) {
    const int from = column + std::min(p, pixels - 1);
    if (is_in_place) {
      const int height = out_height(op);
      windows->start[p] = bordered_pixel(op.in, row / height, row % height * op.stride,
                                         from * op.stride);
    } else if (p < pixels) {
      uint32_t* copy = windows->copies + p * windows->size;
      copy_window(op, row, from, copy, copy + windows->size);
      windows->start[p] = copy;
    } else {
      windows->start[p] = windows->start[pixels - 1];
    }
  }
}

// The largest counts with which the integer d = base - 2 count still reaches a threshold.
inline void fill_limits(const int32_t* base, const int32_t* threshold, int channels,
                        int16_t* limits) {
  constexpr int kFar = 8 * kMaxProducts;  // further from 0 than any result and any base
  for (int i = 0; i < channels; ++i) {
    const int near = std::max(-kFar, std::min(kFar, threshold[i]));
    limits[i] = int16_t(std::max(-1, std::min(kMaxProducts, (base[i] - near) >> 1)));
  }
}

// The limits of a block of channels at one row of op.base.
struct Limits {
  const int32_t* base = nullptr;
  int16_t low[kBlock] = {}, high[kBlock] = {};

  void fill(const bdc_convolution& op, int missing, int channel, int channels) {
    const int32_t* wanted = op.base + int64_t{missing} * op.out_channels + channel;
    if (base == wanted) return;
    base = wanted;
    fill_limits(base, op.integer_sign.low + channel, channels, low);
    fill_limits(base, op.integer_sign.high + channel, channels, high);
  }
};

// Write the bits of the integers of a group, channels from `channel` on.
inline void write_integer_signs(const bdc_convolution& op, int row, int column, int pixels,
                                int channel, int channels, const Counts* counts,
                                Limits* limits) {
  const uint32_t* flip = op.integer_sign.flip;
  const int height = out_height(op);
  for (int p = 0; p < pixels; ++p) {
    limits->fill(op, padding_class(op, row % height, column + p), channel, channels);
    uint32_t* out = bordered_pixel(op.bits_of_integer, row / height, row % height, column + p);
    for (int i = 0; i < channels; i += kWordBits) {
      const int word = (channel + i) / kWordBits;
      const uint32_t used = 0xffffffffu >> (kWordBits - std::min(kWordBits, channels - i));
      const uint32_t bits = compare_counts(counts[p] + i, limits->low + i, limits->high + i);
      out[word] = (bits & used) ^ flip[word];
    }
  }
}

// Convolve rows. `count_bits(windows, pixels, channel, channels, counts)` counts for the first
// `pixels` windows, and may write counts of more pixels and channels than asked for.
template <class Counter>
void convolve_windows(const bdc_convolution& op, int first_row, int last_row,
                      const Counter& count_bits) {
  const int width = out_width(op), groups = (width + kGroupPixels - 1) / kGroupPixels;
  const bool has_bits = op.bits_of_integer.data != nullptr;
  const bool has_rest = op.integers.data != nullptr || op.scale != nullptr;
  Limits limits;
  Windows windows;
  Counts counts[kGroupPixels];
  for (int row = first_row; row < last_row; ++row) {
    for (int group = 0; group < groups; ++group) {
      const int column = int(int64_t{width} * group / groups);
      const int pixels = int(int64_t{width} * (group + 1) / groups) - column;
      gather_windows(op, row, column, pixels, &windows);
      for (int channel = 0; channel < op.out_channels; channel += kBlock) {
        const int channels = std::min(kBlock, op.out_channels - channel);
        count_bits(windows, pixels, channel, channels, counts);
        if (has_bits) {
          write_integer_signs(op, row, column, pixels, channel, channels, counts, &limits);
        }
        for (int p = 0; has_rest && p < pixels; ++p) {
          finish_counts(op, row, column + p, channel, channels, counts[p]);
        }
      }
    }
  }
}
