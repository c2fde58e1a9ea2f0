// SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
// SPDX-License-Identifier: Apache-2.0
// Whether the maps of an operation fit each other; what is behind a pointer is the caller's care.
#ifndef BDC_CUDA_CHECKS_H_
#define BDC_CUDA_CHECKS_H_

#include "tile.h"

namespace bdc {

enum Refusal : int32_t {
  kAccepted = 0,
  kUnsupportedOperation,
  kBadMap,
  kMapsDiffer,
  kBadConvolution,
  kMissingParameter,
  kRowSums,
  kTooLarge,
  kNumRefusals,
};

inline const char* refusal_text(int32_t refusal) {
  static const char* const kTexts[kNumRefusals] = {
      "no error",
      "the GPU kernels pack, convolve bits and splat, nothing else",
      "a map has an impossible size, stride or type",
      "the maps of an operation differ in size",
      "a convolution needs a kernel of 1 or 3, a stride of 1 or 2, and at most 32767 products",
      "something that belongs to an output is missing",
      "row sums need a float32 output, and neither gate nor shortcut",
      "a map has 2^31 elements or more",
  };
  return kTexts[refusal];
}

inline bool is_real(const bdc_map& map) { return map.type >= BDC_F32 && map.type <= BDC_F16; }

// A map of that size that is there, or may be missing.
inline Refusal check_map(const bdc_map& map, int64_t batch, int64_t height, int64_t width,
                         int64_t channels, bool is_type_right) {
  if (!map.data) return kAccepted;
  const bool is_bits = map.type == BDC_BITS;
  const int64_t border = is_bits ? 2 : 0;
  if (map.batch < 0 || map.height < 1 || map.width < 1 || map.channels < 1 || !is_type_right ||
      map.stride < (is_bits ? int32_t(words_of(map.channels)) : map.channels)) {
    return kBadMap;
  }
  if (map.batch != batch || map.height != height || map.width != width ||
      map.channels != channels) {
    return kMapsDiffer;
  }
  const int64_t pixels = (map.height + border) * (map.width + border);
  if (map.batch && pixels > INT32_MAX / map.stride / map.batch) return kTooLarge;
  return kAccepted;
}

inline Refusal check(const bdc_pack& op) {
  const bdc_map &in = op.in, &out = op.out;
  if (!in.data || !out.data || !op.sign.threshold || !op.sign.flip) return kMissingParameter;
  const Refusal refusal =
      check_map(in, in.batch, in.height, in.width, in.channels, is_real(in));
  if (refusal) return refusal;
  return check_map(out, in.batch, in.height, in.width, in.channels, out.type == BDC_BITS);
}

inline bool has_parameters(const bdc_convolution& op) {
  const bool needs_scale = op.out.data || op.bits.data;
  return op.in.data && op.weights && op.base && (!needs_scale || (op.scale && op.offset)) &&
         (!op.bits.data || (op.sign.threshold && op.sign.flip)) &&
         (!op.bits_of_integer.data ||
          (op.integer_sign.low && op.integer_sign.high && op.integer_sign.flip)) &&
         (!op.activation.slope || (op.activation.before && op.activation.after)) &&
         !op.shortcut_scale == !op.shortcut_offset;
}

inline Refusal check(const bdc_convolution& op) {
  const bdc_map& in = op.in;
  if (!has_parameters(op)) return kMissingParameter;
  if (op.sums && (op.out.type != BDC_F32 || !op.out.data || op.gate || op.shortcut.data)) {
    return kRowSums;
  }
  Refusal refusal =
      check_map(in, in.batch, in.height, in.width, in.channels, in.type == BDC_BITS);
  if (refusal) return refusal;
  if ((op.kernel != 1 && op.kernel != 3) || (op.stride != 1 && op.stride != 2) ||
      op.out_channels < 1 || in.channels > INT16_MAX / (op.kernel * op.kernel)) {
    return kBadConvolution;
  }
  const int64_t window = int64_t{op.kernel} * op.kernel * in.stride + kStageWords;
  if ((int64_t{op.out_channels} + kTileChannels) * window > INT32_MAX) {
    return kTooLarge;
  }
  const int64_t height = out_edge(in.height, op.stride), width = out_edge(in.width, op.stride);
  const bdc_map* const outputs[] = {&op.bits_of_integer, &op.integers, &op.out, &op.bits};
  const bool are_types_right[] = {op.bits_of_integer.type == BDC_BITS,
                                  op.integers.type == BDC_I16, is_real(op.out),
                                  op.bits.type == BDC_BITS};
  for (int i = 0; i < 4; ++i) {
    refusal = check_map(*outputs[i], in.batch, height, width, op.out_channels,
                        are_types_right[i]);
    if (refusal) return refusal;
  }
  if (!op.shortcut.data) return kAccepted;
  if (op.shortcut.channels < 1 || op.out_channels % op.shortcut.channels) return kMapsDiffer;
  return check_map(op.shortcut, in.batch, height, width, op.shortcut.channels,
                   is_real(op.shortcut));
}

inline Refusal check(const bdc_splat& op) {
  const bdc_map &in = op.context, &out = op.out;
  if (!in.data || !out.data || !op.starts || !op.points || !op.pixels || !op.probability) {
    return kMissingParameter;
  }
  if (op.probability_type < BDC_F32 || op.probability_type > BDC_F16) return kBadMap;
  const Refusal refusal =
      check_map(in, in.batch, in.height, in.width, in.channels, is_real(in));
  if (refusal) return refusal;
  return check_map(out, 1, out.height, out.width, in.channels, is_real(out));
}

}  // namespace bdc

#endif  // BDC_CUDA_CHECKS_H_
