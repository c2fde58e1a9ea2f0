// SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
// SPDX-License-Identifier: Apache-2.0
// A convolution as products of gathered windows: for backends whose lanes lie along the inputs.

// Copy the words under the kernel at an output pixel, tap after tap.
inline void gather_window(const bdc_convolution& op, int row, int column, uint32_t* window) {
  const int height = out_height(op);
  const int border = op.kernel / 2, num_words = words(op.in.channels);
  const int first = row % height * op.stride - border;
  for (int tap = 0; tap < op.kernel; ++tap) {
    const uint32_t* source =
        bordered_pixel(op.in, row / height, first + tap, column * op.stride - border);
    for (int i = 0; i < op.kernel; ++i, window += num_words) {
      memcpy(window, source + int64_t{i} * op.in.stride, size_t(num_words) * sizeof(uint32_t));
    }
  }
}

// Convolve rows, kPixels at a time. `count(weights, windows, channel, channels, pops)` counts the
// differing bits of kPixels windows, kWindowWords apart, and some output channels, kBlock apart.
template <int kPixels, int kWindowWords, class Count, class Counter>
void convolve_windows(const bdc_convolution& op, int first_row, int last_row,
                      const Counter& count_bits) {
  const int width = out_width(op);
  alignas(64) uint32_t windows[kPixels * kWindowWords] = {};
  alignas(64) Count pops[kPixels * kBlock];
  for (int row = first_row; row < last_row; ++row) {
    for (int column = 0; column < width; column += kPixels) {
      const int pixels = std::min(kPixels, width - column);
      for (int p = 0; p < pixels; ++p) {
        gather_window(op, row, column + p, windows + p * kWindowWords);
      }
      for (int channel = 0; channel < op.out_channels; channel += kBlock) {
        const int channels = std::min(kBlock, op.out_channels - channel);
        count_bits(op.weights, windows, channel, channels, pops);
        for (int p = 0; p < pixels; ++p) {
          finish_counts(op, row, column + p, channel, channels, pops + p * kBlock);
        }
      }
    }
  }
}
