// SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
// SPDX-License-Identifier: Apache-2.0
// Random operations of every kind.
#ifndef OPERATIONS_H_
#define OPERATIONS_H_

#include "case.h"

struct Size {
  int batch, height, width, channels;

  explicit Size(Choices& choose)
      : batch(choose.between(0, 2)), height(choose.between(1, 9)), width(choose.between(1, 13)) {
    const int kChannels[] = {1, 5, 31, 32, 33, 63, 64, 65, 96, 128, 160, 256};
    channels = choose.of(kChannels);
  }
};

// The sources of bits and outputs that several operations have.
template <typename T>
void add_outputs(Case& test, T* op, int batch, int height, int width, int channels) {
  const int which = test.choose.between(1, 3);
  if (which & 1) {
    op->out = test.real(batch, height, width, channels);
  }
  if (which & 2) {
    op->bits = test.bit_map(batch, height, width, channels);
    op->sign = test.sign(channels);
  }
}

template <typename T>
void add_epilogue(Case& test, T* op, int batch, int height, int width, int channels) {
  op->scale = test.floats(channels);
  op->offset = test.floats(channels);
  op->activation = test.activation(channels);
  if (test.choose.maybe()) {
    const size_t count = size_t(batch) * size_t(height) * size_t(channels);
    op->sums = test.numbers<float>(count, 0, 0);
    test.written.push_back({reinterpret_cast<char*>(op->sums), count * 4, 4, 0, 4});
  }
  if (test.choose.maybe()) op->gate = test.floats(batch * channels);
  if (test.choose.maybe()) {
    const int repeats = channels % 2 == 0 && test.choose.maybe() ? 2 : 1;
    op->shortcut = test.real(batch, height, width, channels / repeats);
    if (test.choose.maybe()) {
      op->shortcut_scale = test.floats(channels);
      op->shortcut_offset = test.floats(channels);
    }
  }
  add_outputs(test, op, batch, height, width, channels);
}

inline void add_pack(Case& test) {
  const Size size(test.choose);
  auto* op = test.structure<bdc_pack>(BDC_PACK);
  op->in = test.real(size.batch, size.height, size.width, size.channels);
  op->out = test.bit_map(size.batch, size.height, size.width, size.channels);
  op->sign = test.sign(size.channels);
}

// Weights are prepared by whoever runs the case, since every backend has its own order.
inline bdc_convolution* add_convolution(Case& test) {
  const Size size(test.choose);
  const int kChannels[] = {1, 15, 16, 17, 31, 32, 33, 48, 64, 65, 80, 128};
  auto* op = test.structure<bdc_convolution>(BDC_CONVOLUTION);
  op->out_channels = test.choose.of(kChannels);
  op->kernel = test.choose.maybe() ? 3 : 1;
  op->stride = test.choose.between(1, 2);
  op->in = test.bit_map(size.batch, size.height, size.width, size.channels);
  op->base = test.numbers<int32_t>(size_t(16 * op->out_channels), -300, 300);
  const int height = (size.height + op->stride - 1) / op->stride;
  const int width = (size.width + op->stride - 1) / op->stride;
  const int which = test.choose.between(1, 7);
  if (which & 1) {
    op->bits_of_integer = test.bit_map(size.batch, height, width, op->out_channels);
    op->integer_sign = {test.numbers<int32_t>(size_t(op->out_channels), -100, 100),
                        test.numbers<int32_t>(size_t(op->out_channels), -100, 300),
                        test.bits(1, op->out_channels)};
  }
  if (which & 2) {
    op->integers = test.real(size.batch, height, width, op->out_channels, BDC_I16);
  }
  if (which & 4) add_epilogue(test, op, size.batch, height, width, op->out_channels);
  return op;
}

inline void add_real_convolution(Case& test) {
  const Size size(test.choose);
  const int kChannels[] = {1, 15, 16, 17, 32, 33, 64, 65};
  auto* op = test.structure<bdc_real_convolution>(BDC_REAL_CONVOLUTION);
  op->out_channels = test.choose.of(kChannels);
  op->in = test.real(size.batch, size.height, size.width, size.channels);
  op->weights = test.bits(op->out_channels, size.channels);
  add_epilogue(test, op, size.batch, size.height, size.width, op->out_channels);
  test.is_exact = false;
}

inline void add_gate(Case& test) {
  const Size size(test.choose);
  const int channels = size.channels, num_layers = test.choose.between(1, 3);
  auto* op = test.structure<bdc_gate>(BDC_GATE);
  auto* layers = static_cast<bdc_branch_layer*>(
      test.zeros(size_t(num_layers) * sizeof(bdc_branch_layer)));
  for (int i = 0; i < num_layers; ++i) {
    if (test.choose.maybe()) layers[i].sign = test.sign(channels);
    layers[i].weights = test.bits(channels, channels);
    layers[i].scale = test.floats(channels);
    layers[i].before = test.activation(channels);
  }
  const size_t count = size_t(size.batch * channels);
  *op = {test.floats(size.batch * size.height * channels), size.batch, size.height, channels,
         float(size.height * size.width), layers, num_layers,
         test.numbers<float>(count, 0, 0)};
  test.written.push_back({reinterpret_cast<char*>(op->gate), count * 4, 4, 0, 4});
  test.is_exact = false;
}

inline void add_combine(Case& test) {
  const Size size(test.choose);
  auto* op = test.structure<bdc_combine>(BDC_COMBINE);
  op->left = test.real(size.batch, size.height, size.width, size.channels);
  op->left_weight = 0.75f;
  op->right_weight = -1.5f;
  if (test.choose.maybe()) {
    op->right = test.real(size.batch, size.height, size.width, size.channels);
  }
  op->activation = test.activation(size.channels);
  add_outputs(test, op, size.batch, size.height, size.width, size.channels);
}

inline void add_affine(Case& test) {
  const Size size(test.choose);
  auto* op = test.structure<bdc_affine>(BDC_AFFINE);
  const int factor = test.choose.between(1, 2), channels = size.channels * factor * factor;
  op->factor = factor;
  op->in = test.real(size.batch, size.height * factor, size.width * factor, size.channels);
  op->scale = test.floats(channels);
  op->offset = test.floats(channels);
  add_outputs(test, op, size.batch, size.height, size.width, channels);
}

inline void add_resize(Case& test) {
  const Size size(test.choose);
  bdc_map small = test.real(size.batch, size.height, size.width, size.channels);
  bdc_map large = test.real(size.batch, 2 * size.height, 2 * size.width, size.channels);
  const bool is_pool = test.choose.maybe();
  if (is_pool) {
    auto* op = test.structure<bdc_average_pool>(BDC_AVERAGE_POOL);
    *op = {large, small};
  } else {
    auto* op = test.structure<bdc_upsample>(BDC_UPSAMPLE);
    *op = {small, large};
  }
}

inline void add_splat(Case& test) {
  const Size size(test.choose);
  const int cameras = size.batch, depths = test.choose.between(1, 6);
  const int rows = test.choose.between(1, 8), columns = test.choose.between(1, 8);
  const int count = cameras * depths * size.height * size.width;
  auto* table = test.structure<bdc_splat_table>(BDC_SPLAT_TABLE);
  float* points_m = test.numbers<float>(size_t(count) * 3, -3, 12);
  *table = {points_m, cameras, depths, size.height * size.width, {-1, -1, -4}, {1, 1, 12},
            rows, columns, test.numbers<int32_t>(size_t(rows * columns + 1), 0, 0),
            test.numbers<int32_t>(size_t(count), 0, 0), test.numbers<int32_t>(size_t(count), 0, 0),
            test.numbers<int32_t>(size_t(count), 0, 0)};
  auto* op = test.structure<bdc_splat>(BDC_SPLAT);
  *op = {table->starts, table->points, table->pixels,
         test.floats(count), BDC_F32,
         test.real(cameras, size.height, size.width, size.channels),
         test.real(1, rows, columns, size.channels)};
}

inline void add_labels(Case& test) {
  const Size size(test.choose);
  const int classes = test.choose.between(1, 18), groups = test.choose.between(1, 16);
  auto* op = test.structure<bdc_labels>(BDC_LABELS);
  const size_t count = size_t(size.batch * size.height * size.width * groups);
  op->in = test.real(size.batch, size.height, size.width, groups * classes);
  op->classes = classes;
  op->labels = static_cast<uint8_t*>(test.zeros(count));
  test.written.push_back({reinterpret_cast<char*>(op->labels), count, 1, 0, 1});
}

#endif  // OPERATIONS_H_
