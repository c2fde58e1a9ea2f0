// SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
// SPDX-License-Identifier: Apache-2.0
// What follows the counts of a binary convolution: the integer result, and from there the epilogue
// that every product has (stream_epilogue.inl). Included behind streams.inl.

// Results d = base - 2 pop of some channels, from the numbers of bits that differ.
template <class Count>
void results_of(const int32_t* base, const Count* pops, int count, int32_t* results) {
  for (int i = 0; i < count; ++i) results[i] = base[i] - 2 * int32_t(pops[i]);
}

// Bits of up to kBlock integers; `words` and `flip` are those of the first channel.
inline void write_integer_signs(const int32_t* low, const int32_t* high, const uint32_t* flip,
                                const int32_t* results, int count, uint32_t* words) {
  for (int i = 0; i < count; i += 32) {
    uint32_t word = 0;
    for (int j = 0; j < std::min(32, count - i); ++j) {
      const bool is_between = (results[i + j] >= low[i + j]) != (results[i + j] >= high[i + j]);
      word |= uint32_t{is_between} << j;
    }
    words[i / 32] = word ^ flip[i / 32];
  }
}

// Finish up to kBlock channels, from `channel` on (a multiple of 32), of an output pixel. Rows are
// counted through the batch; pixels of a row must come from left to right.
template <class Count>
void finish_counts(const bdc_convolution& op, int row, int column, int channel, int count,
                   const Count* pops) {
  const int height = out_height(op), width = out_width(op);
  const int missing = padding_class(op, row % height, column);
  int32_t results[kBlock];
  results_of(op.base + int64_t{missing} * op.out_channels + channel, pops, count, results);
  if (op.bits_of_integer.data != nullptr) {
    const bdc_integer_sign& sign = op.integer_sign;
    uint32_t* words = bordered_pixel(op.bits_of_integer, row / height, row % height, column);
    write_integer_signs(sign.low + channel, sign.high + channel, sign.flip + channel / 32,
                        results, count, words + channel / 32);
  }
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
