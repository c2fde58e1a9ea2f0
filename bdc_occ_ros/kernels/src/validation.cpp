// SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
// SPDX-License-Identifier: Apache-2.0
#include "validation.h"

#include <initializer_list>

#include "geometry.h"

namespace bdc {
namespace {

constexpr int32_t kMaxSize = 1 << 20;            // of a map in any direction
constexpr int64_t kMaxElements = INT64_C(1) << 40;

struct Rule {
  bool holds;
  Error error;
};

// Return the error of the first rule that does not hold.
Error first_broken(std::initializer_list<Rule> rules) {
  for (const Rule& rule : rules) {
    if (!rule.holds) return rule.error;
  }
  return kValid;
}

Error first_of(std::initializer_list<Error> errors) {
  for (const Error error : errors) {
    if (error != kValid) return error;
  }
  return kValid;
}

Error have_pointers(std::initializer_list<const void*> pointers) {
  for (const void* pointer : pointers) {
    if (pointer == nullptr) return kMissingPointer;
  }
  return kValid;
}

struct Size {
  int32_t batch, height, width;
};

Size size_of(const bdc_map& map) { return {map.batch, map.height, map.width}; }

bool is_real(int32_t type) { return type == BDC_F32 || type == BDC_BF16 || type == BDC_F16; }

int32_t element_bytes(int32_t type) { return type == BDC_F32 || type == BDC_BITS ? 4 : 2; }

// A map on its own.
Error check_map(const bdc_map& map) {
  const int64_t channels = map.channels;  // of any size so far
  const int64_t elements =
      map.type == BDC_BITS ? (channels + kWordBits - 1) / kWordBits : channels;
  const Error error = first_broken({
      {map.data != nullptr, kMissingPointer},
      {map.batch >= 0 && map.height >= 1 && map.width >= 1 && map.channels >= 1, kBadSize},
      {map.batch <= kMaxSize && map.height <= kMaxSize && map.width <= kMaxSize, kBadSize},
      {map.channels <= kMaxSize && map.stride <= kMaxSize, kBadSize},
      {map.stride >= elements, kBadStride},
      {reinterpret_cast<uintptr_t>(map.data) % uintptr_t(element_bytes(map.type)) == 0,
       kMisaligned}});
  if (error != kValid) return error;
  const int64_t row = int64_t{map.width + 2} * map.stride;
  const int64_t rows = int64_t{map.batch} * (map.height + 2);
  const bool is_countable = rows <= INT32_MAX && rows <= kMaxElements / row;
  return is_countable ? kValid : kBadSize;
}

Error check_real(const bdc_map& map) {
  return is_real(map.type) ? check_map(map) : kBadType;
}

Error check_typed(const bdc_map& map, int32_t type) {
  return map.type == type ? check_map(map) : kBadType;
}

// The size and channels of a map that is written.
Error check_fit(const bdc_map& map, const Size& size, int32_t channels) {
  return first_broken({{map.batch == size.batch && map.height == size.height &&
                            map.width == size.width, kSizesDiffer},
                       {map.channels == channels, kChannelsDiffer}});
}

Error check_flip(const uint32_t* flip, int32_t channels) {
  if (flip == nullptr) return kMissingSign;
  const int32_t used = channels % kWordBits;
  const bool is_clean = used == 0 || (flip[channels / kWordBits] >> used) == 0;
  return is_clean ? kValid : kDirtyBits;
}

Error check_activation(const bdc_rprelu& activation) {
  if (activation.slope == nullptr) return kValid;
  return have_pointers({activation.before, activation.after});
}

// A real output and bits, each of which may be missing.
Error check_outputs(const bdc_map& out, const bdc_map& bits, const bdc_sign& sign,
                    const Size& size, int32_t channels) {
  Error error = kValid;
  if (out.data != nullptr) {
    error = first_of({check_real(out), check_fit(out, size, channels)});
  }
  if (error == kValid && bits.data != nullptr) {
    error = first_of({check_typed(bits, BDC_BITS), check_fit(bits, size, channels),
                      sign.threshold == nullptr ? kMissingSign : kValid});
    if (error == kValid) error = check_flip(sign.flip, channels);
  }
  return error;
}

// What follows a product, of either kind of convolution.
template <class Operation>
Error check_epilogue(const Operation& op, const Size& size) {
  const bool has_output = op.out.data != nullptr || op.bits.data != nullptr || op.sums != nullptr;
  if (op.scale == nullptr) return has_output ? kMissingScale : kValid;
  Error error = first_of({have_pointers({op.offset}), check_activation(op.activation)});
  if (error == kValid && op.shortcut.data != nullptr) {
    error = check_real(op.shortcut);
    if (error == kValid) {
      error = first_of({check_fit(op.shortcut, size, op.shortcut.channels),
                        op.out_channels % op.shortcut.channels == 0 ? kValid : kBadRepeat,
                        op.shortcut_scale == nullptr ? kValid
                                                     : have_pointers({op.shortcut_offset})});
    }
  }
  if (error != kValid) return error;
  return check_outputs(op.out, op.bits, op.sign, size, op.out_channels);
}

Error check(const bdc_pack& op) {
  const Error error = first_of({check_real(op.in), have_pointers({op.out.data})});
  if (error != kValid) return error;
  return check_outputs(bdc_map{}, op.out, op.sign, size_of(op.in), op.in.channels);
}

Error check_integer_outputs(const bdc_convolution& op, const Size& size) {
  Error error = kValid;
  if (op.bits_of_integer.data != nullptr) {
    const bdc_integer_sign& sign = op.integer_sign;
    error = first_of({check_typed(op.bits_of_integer, BDC_BITS),
                      check_fit(op.bits_of_integer, size, op.out_channels),
                      have_pointers({sign.low, sign.high}) == kValid ? kValid : kMissingSign});
    if (error == kValid) error = check_flip(sign.flip, op.out_channels);
  }
  if (error == kValid && op.integers.data != nullptr) {
    error = first_of({check_typed(op.integers, BDC_I16),
                      check_fit(op.integers, size, op.out_channels)});
  }
  return error;
}

bool overwrites_input(const bdc_convolution& op) {
  const bool is_same = op.in.data == op.bits.data || op.in.data == op.bits_of_integer.data;
  return is_same && op.in.batch > 0;
}

Error check(const bdc_convolution& op) {
  const Error error = first_of({
      check_typed(op.in, BDC_BITS), have_pointers({op.weights, op.base}),
      check_weight_sizes(op.out_channels, op.in.channels, op.kernel),
      op.stride == 1 || op.stride == 2 ? kValid : kBadKernel,
      overwrites_input(op) ? kOverwritesInput : kValid});
  if (error != kValid) return error;
  const Size size = {op.in.batch, out_height(op), out_width(op)};
  return first_of({check_integer_outputs(op, size), check_epilogue(op, size)});
}

Error check(const bdc_real_convolution& op) {
  const Error error = first_of({check_real(op.in), have_pointers({op.weights, op.scale}),
                                op.out_channels >= 1 ? kValid : kBadSize});
  return error != kValid ? error : check_epilogue(op, size_of(op.in));
}

Error check(const bdc_gate& op) {
  const Error error = first_broken({
      {op.sums != nullptr && op.gate != nullptr, kMissingPointer},
      {op.num_layers >= 0 && (op.num_layers == 0 || op.layers != nullptr), kMissingPointer},
      {op.batch >= 0 && op.rows >= 1 && op.channels >= 1 && op.channels <= kMaxSize, kBadSize},
      {op.batch <= kMaxSize && op.rows <= kMaxSize && op.count >= 1, kBadSize}});
  if (error != kValid) return error;
  for (int32_t i = 0; i < op.num_layers; ++i) {
    const bdc_branch_layer& layer = op.layers[i];
    const Error wrong = first_of({
        have_pointers({layer.weights, layer.scale}), check_activation(layer.before),
        layer.sign.threshold == nullptr ? kValid : check_flip(layer.sign.flip, op.channels)});
    if (wrong != kValid) return wrong;
  }
  return kValid;
}

Error check(const bdc_combine& op) {
  Error error = first_of({check_real(op.left), check_activation(op.activation)});
  if (error == kValid && op.right.data != nullptr) {
    error = first_of({check_real(op.right),
                      check_fit(op.right, size_of(op.left), op.left.channels)});
  }
  if (error != kValid) return error;
  return check_outputs(op.out, op.bits, op.sign, size_of(op.left), op.left.channels);
}

Error check(const bdc_affine& op) {
  const Error error = first_of({check_real(op.in), have_pointers({op.scale, op.offset}),
                                op.factor == 1 || op.factor == 2 ? kValid : kBadFactor});
  if (error != kValid) return error;
  if (op.in.height % op.factor != 0 || op.in.width % op.factor != 0) return kBadFactor;
  const Size size = {op.in.batch, op.in.height / op.factor, op.in.width / op.factor};
  return check_outputs(op.out, op.bits, op.sign, size, op.in.channels * op.factor * op.factor);
}

Error check(const bdc_average_pool& op) {
  const Error error = first_of({check_real(op.in), check_real(op.out)});
  if (error != kValid) return error;
  if (op.in.height % 2 != 0 || op.in.width % 2 != 0) return kBadFactor;
  return check_fit(op.out, {op.in.batch, op.in.height / 2, op.in.width / 2}, op.in.channels);
}

Error check(const bdc_upsample& op) {
  const Error error = first_of({check_real(op.in), check_real(op.out)});
  if (error != kValid) return error;
  return check_fit(op.out, {op.in.batch, op.in.height * 2, op.in.width * 2}, op.in.channels);
}

Error check(const bdc_splat& op) {
  return first_of({have_pointers({op.starts, op.points, op.pixels, op.probability}),
                   is_real(op.probability_type) ? kValid : kBadType, check_real(op.context),
                   check_real(op.out), op.out.batch == 1 ? kValid : kSizesDiffer,
                   op.out.channels == op.context.channels ? kValid : kChannelsDiffer});
}

Error check(const bdc_splat_table& op) {
  const Error error = first_broken({
      {have_pointers({op.points_m, op.starts, op.points, op.pixels, op.cells}) == kValid,
       kMissingPointer},
      {op.cameras >= 0 && op.depths >= 0 && op.pixels_per_camera >= 0, kBadSize},
      {op.rows >= 1 && op.columns >= 1 && op.rows <= kMaxSize && op.columns <= kMaxSize, kBadSize},
      {int64_t{op.rows} * op.columns < INT32_MAX, kBadSize}});
  if (error != kValid) return error;
  const double count = double(op.cameras) * double(op.depths) * double(op.pixels_per_camera);
  return count < double(INT32_MAX / 3) ? kValid : kBadSize;
}

Error check(const bdc_labels& op) {
  const Error error = first_of({check_real(op.in), have_pointers({op.labels}),
                                op.classes >= 1 && op.classes <= 256 ? kValid : kBadFactor});
  if (error != kValid) return error;
  return op.in.channels % op.classes == 0 ? kValid : kBadFactor;
}

template <class Operation>
Error check_built(void (*function)(const Operation&, int32_t, int32_t), const void* operation) {
  return function == nullptr ? kNotBuilt : check(*static_cast<const Operation*>(operation));
}

}  // namespace

Error check_weight_sizes(int32_t out_channels, int32_t in_channels, int32_t kernel) {
  return first_broken({
      {kernel == 1 || kernel == 3, kBadKernel},
      {in_channels >= 1 && out_channels >= 1 && out_channels <= kMaxSize, kBadSize},
      {in_channels <= kMaxProducts / (kernel == 3 ? 9 : 1), kTooManyProducts}});
}

Error check_weights(int32_t out_channels, int32_t in_channels, int32_t kernel,
                    const uint32_t* weights) {
  const Error error = check_weight_sizes(out_channels, in_channels, kernel);
  if (error != kValid || in_channels % kWordBits == 0) return error;
  const int64_t taps = int64_t{out_channels} * kernel * kernel;
  const int32_t tap_words = words(in_channels);
  uint32_t beyond = 0;
  for (int64_t i = 0; i < taps; ++i) beyond |= weights[(i + 1) * tap_words - 1];
  return beyond >> (in_channels % kWordBits) == 0 ? kValid : kDirtyBits;
}

Error check_step(const Backend& backend, const bdc_step& step) {
  if (step.operation == nullptr) return kMissingPointer;
  switch (step.kind) {
    case BDC_PACK:
      return check_built(backend.pack, step.operation);
    case BDC_CONVOLUTION:
      return check_built(backend.convolution, step.operation);
    case BDC_REAL_CONVOLUTION:
      return check_built(backend.real_convolution, step.operation);
    case BDC_GATE:
      return check_built(backend.gate, step.operation);
    case BDC_COMBINE:
      return check_built(backend.combine, step.operation);
    case BDC_AFFINE:
      return check_built(backend.affine, step.operation);
    case BDC_AVERAGE_POOL:
      return check_built(backend.average_pool, step.operation);
    case BDC_UPSAMPLE:
      return check_built(backend.upsample, step.operation);
    case BDC_SPLAT:
      return check_built(backend.splat, step.operation);
    case BDC_SPLAT_TABLE:
      return check(*static_cast<const bdc_splat_table*>(step.operation));
    case BDC_LABELS:
      return check_built(backend.labels, step.operation);
    default:
      return kUnknownKind;
  }
}

const char* error_text(int32_t code) {
  static const char* const texts[kNumErrors] = {
      "everything is valid",
      "there is no backend of that name",
      "this machine cannot run that backend",
      "something that must be there is missing",
      "there must be at least one thread and no negative number of steps",
      "there is no operation of that kind",
      "the operation is not built for that backend",
      "a map has a type that the operation does not take",
      "a size is too small or too large",
      "the distance between pixels is less than the channels of the map",
      "a map is not aligned to its elements",
      "two maps of an operation have different sizes",
      "two maps of an operation have different numbers of channels",
      "a kernel must be 1x1 or 3x3, its stride 1 or 2",
      "a window has more than 32767 products, the most that fit 16 bits",
      "a map of bits needs thresholds and flips",
      "bits behind the last channel must be clear in weights and flips",
      "real outputs need a scale and an offset",
      "the channels of the output must be a multiple of those of the shortcut",
      "a convolution cannot write over the bits that it reads",
      "the size does not divide by the factor, or there is no such factor",
      "there is not enough memory",
  };
  return code >= 0 && code < kNumErrors ? texts[code] : "there is no such code";
}

}  // namespace bdc
