// SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
// SPDX-License-Identifier: Apache-2.0
// What follows the counts of a binary convolution at a pixel, but for bits of the integer result
// (windows.inl): the integers, and the epilogue that every product has (stream_epilogue.inl).
// Included behind streams.inl.

// Finish up to kBlock channels, from `channel` on (a multiple of 32), of an output pixel. Rows are
// counted through the batch; pixels of a row must come from left to right.
inline void finish_counts(const bdc_convolution& op, int row, int column, int channel, int count,
                          const uint16_t* counts) {
  const int height = out_height(op), width = out_width(op);
  const int missing = padding_class(op, row % height, column);
  int32_t results[kBlock];
  const int32_t* base = op.base + int64_t{missing} * op.out_channels + channel;
  for (int i = 0; i < count; ++i) results[i] = base[i] - 2 * int32_t(counts[i]);
  if (op.integers.data != nullptr) {
    const int64_t pixel = int64_t{row} * width + column;
    int16_t* out = (int16_t*)op.integers.data + pixel * op.integers.stride + channel;
    for (int i = 0; i < count; ++i) out[i] = int16_t(results[i]);
  }
  if (op.scale != nullptr) {
    float values[kBlock];
    for (int i = 0; i < count; ++i) values[i] = float(results[i]);
    finish(op, height, width, row, column, channel, count, values);
  }
}
