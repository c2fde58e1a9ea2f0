// SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
// SPDX-License-Identifier: Apache-2.0
// The channel branch: one vector per image through a few square layers and a sigmoid.

// Mean of some channels over an image, rows added in double.
inline void mean_over_rows(const bdc_gate& op, int image, int channel, int count, float* means) {
  alignas(64) double totals[kBlock] = {};
  for (int row = 0; row < op.rows; ++row) {
    const float* sums = op.sums + (int64_t{image} * op.rows + row) * op.channels + channel;
    for (int i = 0; i < count; ++i) totals[i] += double(sums[i]);
  }
  for (int i = 0; i < count; ++i) means[i] = float(totals[i] / double(op.count));
}

// out = weights times the signs of a vector
inline void multiply_signs(const bdc_branch_layer& layer, int channels, const float* vector,
                           uint32_t* words, float* out) {
  const int row_words = (channels + 31) / 32;
  compare(vector, layer.sign.threshold, layer.sign.flip, channels, words);
  for (int c = 0; c < channels; ++c) {
    const uint32_t* weights = layer.weights + int64_t{c} * row_words;
    int differing = 0;
    for (int j = 0; j < row_words; ++j) differing += __builtin_popcount(words[j] ^ weights[j]);
    out[c] = float(channels - 2 * differing);
  }
}

// out = weights times a vector
inline void multiply_values(const bdc_branch_layer& layer, int channels, const float* vector,
                            float* out) {
  WeightColumns columns;
  alignas(64) float values[1][kProductInputs];
  for (int c = 0; c < channels; c += kProductOutputs) {
    Floats sums[1][kProductVectors] = {};
    for (int first = 0; first < channels; first += kProductInputs) {
      const int inputs = std::min(kProductInputs, channels - first);
      columns.fill(layer.weights, (channels + 31) / 32, c, channels, first, inputs);
      memcpy(values[0], vector + first, size_t(inputs) * sizeof(float));
      add_signed<1>(values, columns, inputs, sums);
    }
    memcpy(out + c, sums[0], size_t(std::min(kProductOutputs, channels - c)) * sizeof(float));
  }
}

inline void run_branch(const bdc_gate& op, float* vector, float* product, uint32_t* words) {
  for (int i = 0; i < op.num_layers; ++i) {
    const bdc_branch_layer& layer = op.layers[i];
    activate(layer.before, 0, op.channels, vector);
    if (layer.sign.threshold != nullptr) {
      multiply_signs(layer, op.channels, vector, words, product);
    } else {
      multiply_values(layer, op.channels, vector, product);
    }
    for (int c = 0; c < op.channels; ++c) vector[c] = layer.scale[c] * product[c];
  }
}

void gate(const bdc_gate& op, int32_t first_image, int32_t last_image) {
  const size_t channels = size_t(op.channels);
  std::vector<float> product(channels);
  std::vector<uint32_t> words((channels + 31) / 32);
  for (int image = first_image; image < last_image; ++image) {
    float* vector = op.gate + int64_t{image} * op.channels;
    for (int channel = 0; channel < op.channels; channel += kBlock) {
      const int count = std::min(kBlock, op.channels - channel);
      mean_over_rows(op, image, channel, count, vector + channel);
    }
    run_branch(op, vector, product.data(), words.data());
    for (int c = 0; c < op.channels; ++c) {
      vector[c] = float(1.0 / (1.0 + std::exp(-double(vector[c]))));
    }
  }
}
