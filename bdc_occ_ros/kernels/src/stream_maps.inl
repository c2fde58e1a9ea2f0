// SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
// SPDX-License-Identifier: Apache-2.0
// Some channels of one pixel of a map, in floats. Pixels of real maps and rows of all maps are
// counted through the whole batch.

constexpr int kBlock = 256;  // the most channels worked on at a time; a multiple of 32

// Return `count` channels of a pixel, in place or in `scratch`.
inline const float* read(const bdc_map& map, int64_t pixel, int channel, int count,
                         float* scratch) {
  const int64_t element = pixel * map.stride + channel;
  switch (map.type) {
    case BDC_F32:
      return (const float*)map.data + element;
    case BDC_BF16:
      widen_all((const Bfloat16*)map.data + element, count, scratch);
      return scratch;
    default:
      widen_all((const Float16*)map.data + element, count, scratch);
      return scratch;
  }
}

inline void write(const bdc_map& map, int64_t pixel, int channel, int count,
                  const float* values) {
  const int64_t element = pixel * map.stride + channel;
  switch (map.type) {
    case BDC_F32:
      memcpy((float*)map.data + element, values, size_t(count) * sizeof(float));
      break;
    case BDC_BF16:
      narrow_all(values, count, (Bfloat16*)map.data + element);
      break;
    default:
      narrow_all(values, count, (Float16*)map.data + element);
  }
}

// The image of a row; most batches are one image, and a division takes long.
inline int image_of(int row, int height) { return row < height ? 0 : row / height; }

// Write the bits of values of channels from `channel` on, a multiple of 32.
inline void write_signs(const bdc_map& map, const bdc_sign& sign, int row, int column, int channel,
                        int count, const float* values) {
  const int64_t bordered_row = int64_t{row} + 2 * image_of(row, map.height) + 1;
  const int64_t pixel = bordered_row * (map.width + 2) + column + 1;
  uint32_t* words = (uint32_t*)map.data + pixel * map.stride + channel / 32;
  compare(values, sign.threshold + channel, sign.flip + channel / 32, count, words);
}

// Write what the caller wants of some channels of a pixel: numbers, bits or both.
template <class Operation>
void write_outputs(const Operation& op, int row, int column, int width, int channel, int count,
                   const float* values) {
  if (op.out.data != nullptr) {
    write(op.out, int64_t{row} * width + column, channel, count, values);
  }
  if (op.bits.data != nullptr) {
    write_signs(op.bits, op.sign, row, column, channel, count, values);
  }
}
