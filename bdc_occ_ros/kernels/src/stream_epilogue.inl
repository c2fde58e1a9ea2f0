// SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
// SPDX-License-Identifier: Apache-2.0
// What follows a product at the same pixel, for any operation with the fields of an epilogue.
//
// Channels are worked on in runs of a few vectors that stay in registers until they are written;
// what is left over, in single vectors and single numbers, by the same code.

constexpr int kRun = kLanes == 4 ? 8 : 4;  // vectors
constexpr int kRunChannels = kRun * kLanes;
static_assert(kRunChannels % 32 == 0, "a run writes whole words of bits");

// Where a pixel of the output lies: pixels and rows are counted through the batch, bordered pixels
// those of a map of bits.
struct OutputPixel {
  int64_t pixel, bordered_pixel;
  int image, row, column;
};

// value += shortcut of channels from `from` on, which belong to output channels from `channel` on
template <int kCount, class Value, class T, class Operation>
void add_shortcut(const Operation& op, const T* shortcut, int channel, Value* values) {
  constexpr int kStep = sizeof(Value) / sizeof(float);
  for (int i = 0; i < kCount; ++i) {
    Value term = fetch<Value>(shortcut + i * kStep);
    if (op.shortcut_scale != nullptr) {
      term = term * fetch<Value>(op.shortcut_scale + channel + i * kStep);
      term = term + fetch<Value>(op.shortcut_offset + channel + i * kStep);
    }
    values[i] = values[i] + term;
  }
}

template <int kCount, class Value, class Operation>
void add_any_shortcut(const Operation& op, int64_t pixel, int channel, int from, Value* values) {
  const int64_t element = pixel * op.shortcut.stride + from;
  switch (op.shortcut.type) {
    case BDC_F32:
      return add_shortcut<kCount>(op, (const float*)op.shortcut.data + element, channel, values);
    case BDC_BF16:
      return add_shortcut<kCount>(op, (const Bfloat16*)op.shortcut.data + element, channel,
                                  values);
    default:
      return add_shortcut<kCount>(op, (const Float16*)op.shortcut.data + element, channel, values);
  }
}

// Compute values, in place, from the results of a convolution of channels from `channel` on; their
// shortcuts begin at channel `from`.
template <int kCount, class Value, class Operation>
void finish_values(const Operation& op, const OutputPixel& at, int channel, int from,
                   Value* values) {
  constexpr int kStep = sizeof(Value) / sizeof(float);
  for (int i = 0; i < kCount; ++i) {
    values[i] = fetch<Value>(op.scale + channel + i * kStep) * values[i];
    values[i] = values[i] + fetch<Value>(op.offset + channel + i * kStep);
  }
  if (op.activation.slope != nullptr) {
    for (int i = 0; i < kCount; ++i) {
      values[i] = bend(op.activation, channel + i * kStep, values[i]);
    }
  }
  if (op.sums != nullptr) {
    float* sums = op.sums + int64_t{at.row} * op.out_channels + channel;
    for (int i = 0; i < kCount; ++i) {
      const Value sum = at.column == 0 ? Value{} : fetch<Value>(sums + i * kStep);
      put(sum + values[i], sums + i * kStep);
    }
  }
  if (op.gate != nullptr) {
    const float* gate = op.gate + int64_t{at.image} * op.out_channels + channel;
    for (int i = 0; i < kCount; ++i) values[i] = fetch<Value>(gate + i * kStep) * values[i];
  }
  if (op.shortcut.data != nullptr) {
    add_any_shortcut<kCount>(op, at.pixel, channel, from, values);
  }
}

template <class T>
void store_run(const Floats* values, T* out) {
  for (int i = 0; i < kRun; ++i) store(values[i], out + i * kLanes);
}

template <class Operation>
void write_run(const Operation& op, const OutputPixel& at, int channel, const Floats* values) {
  if (op.out.data != nullptr) {
    const int64_t element = at.pixel * op.out.stride + channel;
    switch (op.out.type) {
      case BDC_F32:
        store_run(values, (float*)op.out.data + element);
        break;
      case BDC_BF16:
        store_run(values, (Bfloat16*)op.out.data + element);
        break;
      default:
        store_run(values, (Float16*)op.out.data + element);
    }
  }
  if (op.bits.data != nullptr) {
    uint32_t* words = (uint32_t*)op.bits.data + at.bordered_pixel * op.bits.stride;
    uint32_t run[kRunChannels / 32] = {};
    for (int i = 0; i < kRun; ++i) {
      const Floats threshold = load(op.sign.threshold + channel + i * kLanes);
      run[i * kLanes / 32] |= bits_at_least(values[i], threshold) << i * kLanes % 32;
    }
    for (int i = 0; i < kRunChannels / 32; ++i) {
      words[channel / 32 + i] = run[i] ^ op.sign.flip[channel / 32 + i];
    }
  }
}

// Finish channels too few for a run, or whose shortcuts do not lie side by side.
template <class Operation>
void finish_rest(const Operation& op, const OutputPixel& at, int width, int period, int channel,
                 int count, float* values) {
  for (int i = 0; i < count;) {
    const int from = (channel + i) % period;
    if (std::min(count - i, period - from) >= kLanes) {
      Floats value = load(values + i);
      finish_values<1>(op, at, channel + i, from, &value);
      store(value, values + i);
      i += kLanes;
    } else {
      finish_values<1>(op, at, channel + i, from, values + i);
      ++i;
    }
  }
  write_outputs(op, at.row, at.column, width, channel, count, values);
}

// Finish up to kBlock channels, from `channel` on (a multiple of 32), of a pixel of an output
// `height` x `width`; rows are counted through the batch, and pixels of a row must come from left
// to right. The channels of the shortcut are repeated as often as needed.
template <class Operation>
void finish(const Operation& op, int height, int width, int row, int column, int channel,
            int count, float* values) {
  const int image = image_of(row, height);
  const OutputPixel at = {int64_t{row} * width + column,
                          (int64_t{row} + 2 * image + 1) * (width + 2) + column + 1, image, row,
                          column};
  const int period = op.shortcut.data != nullptr ? op.shortcut.channels : op.out_channels;
  int i = 0;
  for (; i + kRunChannels <= count; i += kRunChannels) {
    const int from = channel + i < period ? channel + i : (channel + i) % period;
    if (from + kRunChannels > period) break;
    Floats run[kRun];
    for (int j = 0; j < kRun; ++j) run[j] = load(values + i + j * kLanes);
    finish_values<kRun>(op, at, channel + i, from, run);
    write_run(op, at, channel + i, run);
  }
  if (i < count) finish_rest(op, at, width, period, channel + i, count - i, values + i);
}
