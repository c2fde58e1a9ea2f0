// SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
// SPDX-License-Identifier: Apache-2.0
// Weighted sums of two maps; scale and offset behind an optional move of pixels into channels.

inline void combine_pixel(const bdc_combine& op, int row, int column, int channel, int count) {
  alignas(64) float left_scratch[kBlock], right_scratch[kBlock], values[kBlock];
  const int64_t pixel = int64_t{row} * op.left.width + column;
  const float* left = read(op.left, pixel, channel, count, left_scratch);
  if (op.right.data == nullptr) {
    for (int i = 0; i < count; ++i) values[i] = op.left_weight * left[i];
  } else {
    const float* right = read(op.right, pixel, channel, count, right_scratch);
    for (int i = 0; i < count; ++i) {
      values[i] = op.left_weight * left[i] + op.right_weight * right[i];
    }
  }
  activate(op.activation, channel, count, values);
  write_outputs(op, row, column, op.left.width, channel, count, values);
}

void combine(const bdc_combine& op, int32_t first_row, int32_t last_row) {
  for (int row = first_row; row < last_row; ++row) {
    for (int column = 0; column < op.left.width; ++column) {
      for (int channel = 0; channel < op.left.channels; channel += kBlock) {
        combine_pixel(op, row, column, channel, std::min(kBlock, op.left.channels - channel));
      }
    }
  }
}

// Read channels of the pixel that factor x factor pixels of the input become.
inline const float* read_square(const bdc_affine& op, int row, int column, int channel, int count,
                                float* scratch) {
  if (op.factor == 1) {
    return read(op.in, int64_t{row} * op.in.width + column, channel, count, scratch);
  }
  alignas(64) float quarters[4][kBlock / 4];
  const float* pixels[4];
  for (int part = 0; part < 4; ++part) {  // rows go on through the batch, as heights are even
    const int64_t pixel = (int64_t{row} * 2 + part / 2) * op.in.width + 2 * column + part % 2;
    pixels[part] = read(op.in, pixel, channel / 4, count / 4, quarters[part]);
  }
  for (int i = 0; i < count / 4; ++i) {
    for (int part = 0; part < 4; ++part) scratch[4 * i + part] = pixels[part][i];
  }
  return scratch;
}

void affine(const bdc_affine& op, int32_t first_row, int32_t last_row) {
  const int channels = op.in.channels * op.factor * op.factor;
  const int width = op.in.width / op.factor;
  alignas(64) float scratch[kBlock], values[kBlock];
  for (int row = first_row; row < last_row; ++row) {
    for (int column = 0; column < width; ++column) {
      for (int channel = 0; channel < channels; channel += kBlock) {
        const int count = std::min(kBlock, channels - channel);
        const float* in = read_square(op, row, column, channel, count, scratch);
        const float* scale = op.scale + channel;
        const float* offset = op.offset + channel;
        for (int i = 0; i < count; ++i) {
          const float product = scale[i] * in[i];
          values[i] = product + offset[i];
        }
        write_outputs(op, row, column, width, channel, count, values);
      }
    }
  }
}
