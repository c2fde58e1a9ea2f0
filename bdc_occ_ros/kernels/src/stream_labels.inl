// SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
// SPDX-License-Identifier: Apache-2.0
// The class with the highest score of every group of neighbouring channels.

template <class T>
void label_groups(const T* scores, int groups, int classes, uint8_t* labels) {
  constexpr int kGroups = 16;
  for (int first = 0; first < groups; first += kGroups) {
    const int count = std::min(kGroups, groups - first);
    float best[kGroups];
    int32_t winner[kGroups] = {};
    const T* group = scores + int64_t{first} * classes;
    for (int i = 0; i < count; ++i) best[i] = widen(group[i * classes]);
    for (int c = 1; c < classes; ++c) {
      for (int i = 0; i < count; ++i) {
        const float score = widen(group[i * classes + c]);
        winner[i] = score > best[i] ? c : winner[i];
        best[i] = score > best[i] ? score : best[i];
      }
    }
    for (int i = 0; i < count; ++i) labels[first + i] = uint8_t(winner[i]);
  }
}

template <class T>
void label_rows(const bdc_labels& op, int first_row, int last_row) {
  const int groups = op.in.channels / op.classes;
  const int64_t width = op.in.width;
  for (int64_t pixel = first_row * width; pixel < last_row * width; ++pixel) {
    label_groups((const T*)op.in.data + pixel * op.in.stride, groups, op.classes,
                 op.labels + pixel * groups);
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
