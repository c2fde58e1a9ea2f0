// SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
// SPDX-License-Identifier: Apache-2.0
// Half the size by averages, twice the size by bilinear interpolation.

inline void average_pixel(const bdc_average_pool& op, int row, int column, int channel,
                          int count) {
  alignas(64) float scratch[4][kBlock], values[kBlock];
  const float* in[4];
  for (int part = 0; part < 4; ++part) {  // rows go on through the batch, as heights are even
    const int64_t pixel = (int64_t{row} * 2 + part / 2) * op.in.width + 2 * column + part % 2;
    in[part] = read(op.in, pixel, channel, count, scratch[part]);
  }
  for (int i = 0; i < count; ++i) {
    values[i] = ((in[0][i] + in[1][i]) + (in[2][i] + in[3][i])) * 0.25f;
  }
  write(op.out, int64_t{row} * op.out.width + column, channel, count, values);
}

void average_pool(const bdc_average_pool& op, int32_t first_row, int32_t last_row) {
  for (int row = first_row; row < last_row; ++row) {
    for (int column = 0; column < op.out.width; ++column) {
      for (int channel = 0; channel < op.out.channels; channel += kBlock) {
        average_pixel(op, row, column, channel, std::min(kBlock, op.out.channels - channel));
      }
    }
  }
}

// out = 3/4 near + 1/4 far
inline void blend(const float* near, const float* far, int count, float* __restrict out) {
  for (int i = 0; i < count; ++i) {
    const float quarter = 0.25f * far[i];
    const float rest = 0.75f * near[i];
    out[i] = rest + quarter;
  }
}

// The two input rows, counted through the batch, that an output row lies between.
struct RowPair {
  int64_t near, far;
};

inline RowPair rows_around(const bdc_map& in, int output_row) {
  const int height = in.height;
  const int64_t first = int64_t{output_row / (2 * height)} * height;
  const int inside = output_row % (2 * height);
  const int near = inside / 2;
  const int far = near + (inside % 2 != 0 ? 1 : -1);
  return {first + near, first + std::min(std::max(far, 0), height - 1)};
}

inline void blend_rows(const bdc_map& in, RowPair rows, int column, int channel, int count,
                       float* out) {
  alignas(64) float scratch[2][kBlock];
  const float* near = read(in, rows.near * in.width + column, channel, count, scratch[0]);
  const float* far = read(in, rows.far * in.width + column, channel, count, scratch[1]);
  blend(near, far, count, out);
}

// One output row: blended rows pass through a ring of three columns.
inline void upsample_row(const bdc_upsample& op, int row, int channel, int count) {
  alignas(64) float ring[3][kBlock], values[kBlock];
  const RowPair rows = rows_around(op.in, row);
  const int64_t first = int64_t{row} * op.out.width;
  blend_rows(op.in, rows, 0, channel, count, ring[0]);
  for (int column = 0; column < op.in.width; ++column) {
    const bool is_last = column + 1 == op.in.width;
    const float* here = ring[column % 3];
    const float* before = column == 0 ? here : ring[(column + 2) % 3];
    const float* after = is_last ? here : ring[(column + 1) % 3];
    if (!is_last) blend_rows(op.in, rows, column + 1, channel, count, ring[(column + 1) % 3]);
    blend(here, before, count, values);
    write(op.out, first + 2 * column, channel, count, values);
    blend(here, after, count, values);
    write(op.out, first + 2 * column + 1, channel, count, values);
  }
}

void upsample(const bdc_upsample& op, int32_t first_row, int32_t last_row) {
  for (int row = first_row; row < last_row; ++row) {
    for (int channel = 0; channel < op.in.channels; channel += kBlock) {
      upsample_row(op, row, channel, std::min(kBlock, op.in.channels - channel));
    }
  }
}
