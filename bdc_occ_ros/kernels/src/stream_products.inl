// SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
// SPDX-License-Identifier: Apache-2.0
// Sums of real inputs with 1-bit weights as signs, over the inputs in their order.
//
// A weight becomes +1 or -1, and a product with it is exact: to multiply and add at once rounds no
// less often than one after the other.

constexpr int kProductVectors = kLanes == 4 ? 8 : 4;
constexpr int kProductOutputs = kProductVectors * kLanes;  // at a time; a multiple of 32
constexpr int kProductInputs = 512;                        // inputs kept at hand

// The words of kProductOutputs rows of weights, side by side: words[j] is word j of every row.
struct WeightColumns {
  alignas(64) uint32_t words[kProductInputs / 32][kProductOutputs];

  // Rows behind the last one are clear. `first_input` is a multiple of 32.
  void fill(const uint32_t* weights, int row_words, int first_output, int outputs,
            int first_input, int inputs) {
    memset(words, 0, sizeof(words));
    for (int i = 0; i < std::min(kProductOutputs, outputs - first_output); ++i) {
      const uint32_t* row = weights + int64_t{first_output + i} * row_words + first_input / 32;
      for (int j = 0; j < (inputs + 31) / 32; ++j) words[j][i] = row[j];
    }
  }
};

// sums[p] += the signed inputs of pixel p, for `inputs` inputs.
template <int kPixels>
void add_signed(const float (*values)[kProductInputs], const WeightColumns& columns, int inputs,
                Floats (*sums)[kProductVectors]) {
  Floats totals[kPixels][kProductVectors];
  memcpy(totals, sums, sizeof(totals));
  for (int k = 0; k < inputs; ++k) {
    Floats signs[kProductVectors];
    for (int v = 0; v < kProductVectors; ++v) {
      Words words;
      memcpy(&words, &columns.words[k / 32][v * kLanes], sizeof(words));
      signs[v] = Floats(((words << (31 - k % 32)) & 0x80000000u) ^ 0xbf800000u);
    }
    for (int p = 0; p < kPixels; ++p) {
      for (int v = 0; v < kProductVectors; ++v) {
        totals[p][v] = add_exact_product(totals[p][v], values[p][k], signs[v]);
      }
    }
  }
  memcpy(sums, totals, sizeof(totals));
}
