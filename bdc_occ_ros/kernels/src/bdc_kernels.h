// SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
// SPDX-License-Identifier: Apache-2.0
// The C interface of the packed kernels: maps, operations, and one call that runs a list of them.
//
// What bits mean and how maps lie in memory is said once, in ../conventions.py; what every
// operation computes, to the last bit, is ../reference.py. Structures hold raw pointers that the
// caller keeps alive; no function here allocates memory for results, throws, or keeps a pointer
// beyond its call. Nothing here checks an operation: ../lowering.py and ../checked_memory.py make
// structures only of maps and parameters that fit each other.
#ifndef BDC_KERNELS_H_
#define BDC_KERNELS_H_

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// What is declared here is all that the library shows to others.
#pragma GCC visibility push(default)

// The version of everything in this file; the caller compares before it calls anything else.
#define BDC_ABI_VERSION 1

typedef enum { BDC_F32 = 0, BDC_BF16 = 1, BDC_F16 = 2, BDC_I16 = 3, BDC_BITS = 4 } bdc_type;

// A map of N x height x width pixels, or a slice of its channels. `stride` is the distance from
// one pixel to the next in elements (words for bits). A map of bits has a border of one zero pixel
// on every side: `data` is its first border pixel, a row has width + 2 pixels, an image height + 2
// rows. A real map has no border. data == NULL: no map.
typedef struct {
  void* data;
  int32_t type;
  int32_t batch, height, width, channels, stride;
} bdc_map;

// bit c of a real value x: (x >= threshold[c]) != flip[c]; flip holds packed bits.
// threshold == NULL: none.
typedef struct {
  const float* threshold;
  const uint32_t* flip;
} bdc_sign;

// bit c of an integer d: ((d >= low[c]) != (d >= high[c])) != flip[c]. low == NULL: none.
typedef struct {
  const int32_t* low;
  const int32_t* high;
  const uint32_t* flip;
} bdc_integer_sign;

// t = x + before[c]; t = t < 0 ? t * slope[c] : t; y = t + after[c]. slope == NULL: y = x.
typedef struct {
  const float* before;
  const float* slope;
  const float* after;
} bdc_rprelu;

// Real maps to bits.
typedef struct {
  bdc_map in;   // real
  bdc_map out;  // bits
  bdc_sign sign;
} bdc_pack;

// Binary convolution of bits, 1x1 or 3x3, stride 1 or 2, zero padding kernel / 2, and what follows
// it at the same pixel. With d the exact integer result, any of these outputs may be present:
//   bits_of_integer <- integer_sign(d)
//   integers        <- d, as BDC_I16
//   y = scale[c] * d + offset[c], then y = activation(y), then
//     sums[n][row][c] <- sum of y over the row, from left to right (float)
//     y = y * gate[n][c]                                      if gate
//     s = shortcut[.., c mod shortcut.channels] * shortcut_scale[c] + shortcut_offset[c]
//     y = y + s                                               if shortcut
//     out <- y, rounded to the type of out
//     bits <- sign(y before rounding)
typedef struct {
  bdc_map in;           // bits
  const void* weights;  // from bdc_prepare_weights, for the backend that runs it
  const int32_t* base;  // [16][out_channels], d where every bit differs by none; see conventions.py
  int32_t out_channels, kernel, stride;
  bdc_map bits_of_integer;
  bdc_integer_sign integer_sign;
  bdc_map integers;
  const float* scale;
  const float* offset;
  bdc_rprelu activation;
  float* sums;          // [batch][out height][out_channels]
  const float* gate;    // [batch][out_channels]
  bdc_map shortcut;     // real, at the size of the output
  const float* shortcut_scale;   // NULL: the shortcut as it is
  const float* shortcut_offset;
  bdc_map out;
  bdc_map bits;
  bdc_sign sign;
} bdc_convolution;

// 1x1 convolution of real inputs with 1-bit weights:
// y = activation(scale[c] * sum over k of +-x[k] + offset[c]), summed in float over k in order
// (within a bound that reference.py names). Sums, gate, shortcut and outputs as above.
typedef struct {
  bdc_map in;               // real
  const uint32_t* weights;  // [out_channels][words(in.channels)], plain packed bits
  int32_t out_channels;
  const float* scale;
  const float* offset;
  bdc_rprelu activation;
  float* sums;
  const float* gate;
  bdc_map shortcut;
  const float* shortcut_scale;
  const float* shortcut_offset;
  bdc_map out;
  bdc_map bits;
  bdc_sign sign;
} bdc_real_convolution;

// One layer of the channel branch, on a vector of channels.
// With sign: bits of the vector, binary product; without: the real vector itself.
typedef struct {
  bdc_sign sign;
  const uint32_t* weights;  // [channels][words(channels)], plain packed bits
  const float* scale;       // [channels]
  bdc_rprelu before;        // applied to the vector before sign and product; NULL slope: none
} bdc_branch_layer;

// gate[n][c] = sigmoid(layers(mean)), mean = (sum over rows of sums, in double) / count.
typedef struct {
  const float* sums;  // [batch][rows][channels]
  int32_t batch, rows, channels;
  float count;        // pixels of an image
  const bdc_branch_layer* layers;
  int32_t num_layers;
  float* gate;        // [batch][channels]
} bdc_gate;

// y = activation(left_weight * left + right_weight * right); out <- y; bits <- sign(y).
typedef struct {
  bdc_map left, right;  // real; right may be missing
  float left_weight, right_weight;
  bdc_rprelu activation;
  bdc_map out;
  bdc_map bits;
  bdc_sign sign;
} bdc_combine;

// y = scale[c] * in + offset[c] after moving each `factor` x `factor` square of pixels into
// channels (torch's pixel_unshuffle: c * factor^2 + dy * factor + dx); out <- y; bits <- sign(y).
typedef struct {
  bdc_map in;  // real
  int32_t factor;  // 1 or 2
  const float* scale;
  const float* offset;
  bdc_map out;
  bdc_map bits;
  bdc_sign sign;
} bdc_affine;

// Average over 2x2 pixels, ((a + b) + (c + d)) * 0.25 with rows first.
typedef struct {
  bdc_map in, out;
} bdc_average_pool;

// Bilinear to twice the size, as torch with align_corners=False.
typedef struct {
  bdc_map in, out;
} bdc_upsample;

// Sum over rays: out[cell] = sum over the cell's points, in table order, of
// probability[point] * context[pixel of point]. The table lists, per cell, where its points start.
typedef struct {
  const int32_t* starts;   // [cells + 1]
  const int32_t* points;   // index into probability, of the points in the grid, by cell
  const int32_t* pixels;   // index of the context pixel of each listed point
  const void* probability; // [batch = 1][cameras][depths][h][w]
  int32_t probability_type;
  bdc_map context;         // real, batch = cameras
  bdc_map out;             // real, batch 1, rows x columns
} bdc_splat;

// Fill the table of bdc_splat from ray points: truncation toward zero as in depth_to_bev.py.
typedef struct {
  const float* points_m;   // [count][3]
  int32_t cameras, depths, pixels_per_camera;
  float lower[3], size[3];
  int32_t rows, columns;
  int32_t* starts;         // [rows * columns + 1]
  int32_t* points;         // [count]
  int32_t* pixels;         // [count]
  int32_t* cells;          // [count], scratch
} bdc_splat_table;

// The class with the highest score of every group of `classes` neighbouring channels, the lowest
// class where several are highest.
typedef struct {
  bdc_map in;        // real, channels = groups * classes
  int32_t classes;
  uint8_t* labels;   // [batch][height][width][groups]
} bdc_labels;

typedef enum {
  BDC_PACK = 0,
  BDC_CONVOLUTION = 1,
  BDC_REAL_CONVOLUTION = 2,
  BDC_GATE = 3,
  BDC_COMBINE = 4,
  BDC_AFFINE = 5,
  BDC_AVERAGE_POOL = 6,
  BDC_UPSAMPLE = 7,
  BDC_SPLAT = 8,
  BDC_SPLAT_TABLE = 9,
  BDC_LABELS = 10,
} bdc_kind;

typedef struct {
  int32_t kind;
  const void* operation;  // the structure that belongs to the kind
} bdc_step;

int32_t bdc_abi_version(void);

// Name of the i-th backend built in, best last; NULL behind the end.
const char* bdc_backend_name(int32_t index);

// 1 if this machine can run a backend, 0 if not, -1 if there is none of that name.
int32_t bdc_backend_is_supported(const char* backend);

// Bytes of prepared weights of a convolution, -1 where this machine cannot run the backend, and the
// preparation; `out` is aligned to 64 bytes.
// `words` is [out_channels][kernel][kernel][words(in_channels)], plain packed bits.
int64_t bdc_prepared_bytes(const char* backend, int32_t out_channels, int32_t in_channels,
                           int32_t kernel);
int32_t bdc_prepare_weights(const char* backend, int32_t out_channels, int32_t in_channels,
                            int32_t kernel, const uint32_t* words, void* out);

// Run steps one after the other, each spread over up to `threads` threads (the caller is one, at
// least). Returns 0, or a code of bdc_error_text.
int32_t bdc_run(const char* backend, const bdc_step* steps, int32_t count, int32_t threads);

// What a code other than 0 means.
const char* bdc_error_text(int32_t code);

// Compare and count bits on the calling thread as fast as a backend's instructions can, in
// registers alone. Returns how many products of two bits that was; 0: there is no such measure.
int64_t bdc_roofline(const char* backend, int64_t rounds);

// The hash of the sources and flags of which the library was built.
const char* bdc_build_identity(void);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif  // BDC_KERNELS_H_
