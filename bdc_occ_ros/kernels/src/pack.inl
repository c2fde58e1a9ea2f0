// SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
// SPDX-License-Identifier: Apache-2.0
// Signs of a real map.

void pack(const bdc_pack& op, int32_t first_row, int32_t last_row) {
  float scratch[kBlock];
  for (int row = first_row; row < last_row; ++row) {
    for (int column = 0; column < op.in.width; ++column) {
      const int64_t pixel = int64_t{row} * op.in.width + column;
      for (int channel = 0; channel < op.in.channels; channel += kBlock) {
        const int count = std::min(kBlock, op.in.channels - channel);
        const float* values = read(op.in, pixel, channel, count, scratch);
        write_signs(op.out, op.sign, row, column, channel, count, values);
      }
    }
  }
}
