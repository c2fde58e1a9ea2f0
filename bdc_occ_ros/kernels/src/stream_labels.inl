// SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
// SPDX-License-Identifier: Apache-2.0
// The class with the highest score of every group of neighbouring channels: the maximum in
// vectors, then the first place where it is found.

struct Winner {
  float score;
  int place;
};

// The larger one; the right one where the left one is no number.
inline Floats larger(Floats left, Floats right) { return left > right ? left : right; }

inline Words lane_numbers() {
  Words numbers;
  for (int i = 0; i < kLanes; ++i) numbers[i] = uint32_t(i);
  return numbers;
}

// The largest lane, in every lane.
inline Floats largest(Floats values) {
  for (uint32_t step = kLanes / 2; step > 0; step /= 2) {
    values = larger(values, __builtin_shuffle(values, lane_numbers() ^ step));
  }
  return values;
}

// The first `count` of kLanes scores, then -inf; `readable` of them lie in the map.
template <class T>
Floats load_scores(const T* scores, int count, int64_t readable) {
  if (count >= kLanes) return load(scores);
  T copy[kLanes] = {};
  if (readable < kLanes) {
    memcpy(copy, scores, size_t(count) * sizeof(T));
    scores = copy;
  }
  return lane_numbers() < uint32_t(count) ? load(scores) : Floats{} - INFINITY;
}

// The first of the highest of up to kVectors * kLanes scores.
template <int kVectors, class T>
Winner find_winner(const T* scores, int count, int64_t readable) {
  Floats values[kVectors];
  Floats best = Floats{} - INFINITY;
  for (int v = 0; v < kVectors; ++v) {
    const int first = v * kLanes;
    values[v] = load_scores(scores + first, count - first, readable - first);
    best = larger(values[v], best);
  }
  best = largest(best);
  uint64_t is_best = uint64_t{1} << 63;  // where no score is a number
  for (int v = 0; v < kVectors; ++v) {
    is_best |= uint64_t{bits_equal(values[v], best)} << v * kLanes;
  }
  return {best[0], __builtin_ctzll(is_best)};
}

template <class T>
int best_class(const T* scores, int classes, int64_t readable) {
  Winner best = {-INFINITY, 0};
  for (int first = 0; first < classes; first += 4 * kLanes) {
    const int count = classes - first;
    const T* piece = scores + first;
    const int64_t rest = readable - first;
    const Winner winner = count <= kLanes       ? find_winner<1>(piece, count, rest)
                          : count <= 2 * kLanes ? find_winner<2>(piece, count, rest)
                          : count <= 3 * kLanes ? find_winner<3>(piece, count, rest)
                                                : find_winner<4>(piece, count, rest);
    if (winner.score > best.score) best = {winner.score, first + winner.place};
  }
  return best.place;
}

template <class T>
void label_rows(const bdc_labels& op, int first_row, int last_row) {
  const int groups = op.in.channels / op.classes;
  const int64_t width = op.in.width;
  const int64_t pixels = int64_t{op.in.batch} * op.in.height * width;
  const T* in = (const T*)op.in.data;
  const T* end = in + (pixels - 1) * op.in.stride + op.in.channels;
  for (int64_t pixel = first_row * width; pixel < last_row * width; ++pixel) {
    const T* scores = in + pixel * op.in.stride;
    for (int group = 0; group < groups; ++group, scores += op.classes) {
      op.labels[pixel * groups + group] = uint8_t(best_class(scores, op.classes, end - scores));
    }
  }
}

void labels(const bdc_labels& op, int32_t first_row, int32_t last_row) {
  switch (op.in.type) {
    case BDC_F32:
      return label_rows<float>(op, first_row, last_row);
    case BDC_BF16:
      return label_rows<Bfloat16>(op, first_row, last_row);
    default:
      return label_rows<Float16>(op, first_row, last_row);
  }
}
