// SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
// SPDX-License-Identifier: Apache-2.0
// Sums along a table of points: every cell gathers what its points bring, in registers, so that
// the product of depths and features never lies in memory.

constexpr int kPoints = 64;  // points of a cell looked up at a time

// Points of one cell: their weights, and where their features are.
struct PointList {
  float weights[kPoints];
  const int32_t* pixels;
  int count;
};

inline float element(const void* data, int32_t type, int64_t index) {
  switch (type) {
    case BDC_F32:
      return ((const float*)data)[index];
    case BDC_BF16:
      return widen(((const Bfloat16*)data)[index]);
    default:
      return widen(((const Float16*)data)[index]);
  }
}

inline void look_up(const bdc_splat& op, int first, int last, PointList* list) {
  list->count = std::min(kPoints, last - first);
  list->pixels = op.pixels + first;
  for (int i = 0; i < list->count; ++i) {
    list->weights[i] = element(op.probability, op.probability_type, op.points[first + i]);
  }
}

// sums += weight * feature, for kVectors * kLanes channels
template <int kVectors, class T>
void add_points(const T* features, int64_t stride, const PointList& list, float* sums) {
  Floats totals[kVectors];
  memcpy(totals, sums, sizeof(totals));
  for (int i = 0; i < list.count; ++i) {
    const T* feature = features + list.pixels[i] * stride;
    for (int v = 0; v < kVectors; ++v) {
      const Floats product = list.weights[i] * load(feature + v * kLanes);
      totals[v] = totals[v] + product;
    }
  }
  memcpy(sums, totals, sizeof(totals));
}

template <class T>
void add_points_one_by_one(const T* features, int64_t stride, const PointList& list, int count,
                           float* sums) {
  for (int i = 0; i < list.count; ++i) {
    const T* feature = features + list.pixels[i] * stride;
    for (int c = 0; c < count; ++c) {
      const float product = list.weights[i] * widen(feature[c]);
      sums[c] += product;
    }
  }
}

template <class T>
void add_channels(const T* features, int64_t stride, const PointList& list, int count,
                  float* sums) {
  constexpr int kWide = 64 / kLanes, kNarrow = 32 / kLanes;
  int c = 0;
  for (; c + 64 <= count; c += 64) add_points<kWide>(features + c, stride, list, sums + c);
  for (; c + 32 <= count; c += 32) add_points<kNarrow>(features + c, stride, list, sums + c);
  add_points_one_by_one(features + c, stride, list, count - c, sums + c);
}

inline void add_features(const bdc_map& context, int channel, const PointList& list, int count,
                         float* sums) {
  switch (context.type) {
    case BDC_F32:
      add_channels((const float*)context.data + channel, context.stride, list, count, sums);
      break;
    case BDC_BF16:
      add_channels((const Bfloat16*)context.data + channel, context.stride, list, count, sums);
      break;
    default:
      add_channels((const Float16*)context.data + channel, context.stride, list, count, sums);
  }
}

inline void splat_cell(const bdc_splat& op, int64_t cell, int channel, int count) {
  alignas(64) float sums[kBlock] = {};
  const int last = op.starts[cell + 1];
  for (int first = op.starts[cell]; first < last; first += kPoints) {
    PointList list;
    look_up(op, first, last, &list);
    add_features(op.context, channel, list, count, sums);
  }
  write(op.out, cell, channel, count, sums);
}

void splat(const bdc_splat& op, int32_t first_row, int32_t last_row) {
  const int64_t columns = op.out.width;
  for (int64_t cell = first_row * columns; cell < last_row * columns; ++cell) {
    for (int channel = 0; channel < op.out.channels; channel += kBlock) {
      splat_cell(op, cell, channel, std::min(kBlock, op.out.channels - channel));
    }
  }
}
