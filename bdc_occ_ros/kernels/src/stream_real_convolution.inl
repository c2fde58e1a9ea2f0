// SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
// SPDX-License-Identifier: Apache-2.0
// 1x1 convolution of real maps with 1-bit weights: tiles of a few pixels by some output channels.

constexpr int kTilePixels = kLanes == 16 ? 6 : 3;  // so that sums and signs stay in registers

// Which inputs and outputs `columns` holds at the moment.
struct ProductTile {
  WeightColumns columns;
  int first_output = -1, first_input = -1;
  alignas(64) float values[kTilePixels][kProductInputs];
  Floats sums[kTilePixels][kProductVectors];
};

// Sum all inputs of kTilePixels pixels, the last of which is repeated where a tile is cut off.
inline void sum_tile(const bdc_real_convolution& op, int64_t pixel, int64_t last_pixel,
                     int first_output, ProductTile* tile) {
  const int channels = op.in.channels;
  memset(tile->sums, 0, sizeof(tile->sums));
  for (int first = 0; first < channels; first += kProductInputs) {
    const int inputs = std::min(kProductInputs, channels - first);
    if (tile->first_output != first_output || tile->first_input != first) {
      tile->columns.fill(op.weights, (channels + 31) / 32, first_output, op.out_channels, first,
                         inputs);
      tile->first_output = first_output;
      tile->first_input = first;
    }
    for (int p = 0; p < kTilePixels; ++p) {
      const int64_t source = std::min(pixel + p, last_pixel - 1);
      const float* in = read(op.in, source, first, inputs, tile->values[p]);
      if (in != tile->values[p]) memcpy(tile->values[p], in, size_t(inputs) * sizeof(float));
    }
    add_signed<kTilePixels>(tile->values, tile->columns, inputs, tile->sums);
  }
}

void real_convolution(const bdc_real_convolution& op, int32_t first_row, int32_t last_row) {
  const int width = op.in.width;
  const int64_t last_pixel = int64_t{last_row} * width;
  ProductTile tile;
  for (int output = 0; output < op.out_channels; output += kProductOutputs) {
    const int count = std::min(kProductOutputs, op.out_channels - output);
    for (int64_t pixel = int64_t{first_row} * width; pixel < last_pixel; pixel += kTilePixels) {
      sum_tile(op, pixel, last_pixel, output, &tile);
      for (int p = 0; p < kTilePixels && pixel + p < last_pixel; ++p) {
        alignas(64) float values[kProductOutputs];
        memcpy(values, tile.sums[p], sizeof(values));
        finish(op, op.in.height, width, int((pixel + p) / width), int((pixel + p) % width),
               output, count, values);
      }
    }
  }
}
