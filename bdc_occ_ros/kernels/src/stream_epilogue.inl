// SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
// SPDX-License-Identifier: Apache-2.0
// What follows a product at the same pixel, for any operation with the fields of an epilogue.

// values += shortcut, whose channels are repeated as often as needed
template <class Operation>
void add_shortcut(const Operation& op, int64_t pixel, int channel, int count, float* values) {
  const int period = op.shortcut.channels;
  for (int i = 0; i < count;) {
    float scratch[kBlock];
    const int from = (channel + i) % period;
    const int part = std::min(count - i, period - from);
    const float* shortcut = read(op.shortcut, pixel, from, part, scratch);
    if (op.shortcut_scale == nullptr) {
      for (int j = 0; j < part; ++j) values[i + j] += shortcut[j];
    } else {
      for (int j = 0; j < part; ++j) {
        const float product = shortcut[j] * op.shortcut_scale[channel + i + j];
        values[i + j] += product + op.shortcut_offset[channel + i + j];
      }
    }
    i += part;
  }
}

// Finish up to kBlock channels of a pixel of an output `height` x `width`; pixels of a row must
// come from left to right.
template <class Operation>
void finish(const Operation& op, int height, int width, int row, int column, int channel,
            int count, float* values) {
  for (int i = 0; i < count; ++i) {
    const float product = op.scale[channel + i] * values[i];
    values[i] = product + op.offset[channel + i];
  }
  activate(op.activation, channel, count, values);
  if (op.sums != nullptr) {
    float* sums = op.sums + int64_t{row} * op.out_channels + channel;
    if (column == 0) memset(sums, 0, size_t(count) * sizeof(float));
    for (int i = 0; i < count; ++i) sums[i] += values[i];
  }
  if (op.gate != nullptr) {
    const float* gate = op.gate + int64_t{row / height} * op.out_channels + channel;
    for (int i = 0; i < count; ++i) values[i] *= gate[i];
  }
  if (op.shortcut.data != nullptr) {
    add_shortcut(op, int64_t{row} * width + column, channel, count, values);
  }
  write_outputs(op, row, column, width, channel, count, values);
}
