// SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
// SPDX-License-Identifier: Apache-2.0
// Repeats a step: Vector, BDC_REGISTER (its register class) and next(sum, input) come from whoever
// includes this. asm hides where values come from, so that every step is really done.

void count(int64_t rounds) {
  Vector sums[kSums], input = {};
#pragma GCC unroll 16
  for (int i = 0; i < kSums; ++i) sums[i] = Vector{};
  for (int64_t step = 0; step < rounds * kStepsOfRound; ++step) {
#pragma GCC unroll 16
    for (int i = 0; i < kSums; ++i) {
      asm volatile("" : "+" BDC_REGISTER(input), "+" BDC_REGISTER(sums[i]));
      sums[i] = next(sums[i], input);
    }
  }
#pragma GCC unroll 16
  for (int i = 0; i < kSums; ++i) asm volatile("" : : BDC_REGISTER(sums[i]));
}
