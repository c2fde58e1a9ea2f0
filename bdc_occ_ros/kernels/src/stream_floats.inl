// SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
// SPDX-License-Identifier: Apache-2.0
// Rows of floats: from and to the types of real maps, to bits, and bent.

template <class T>
void widen_all(const T* in, int count, float* out) {
  int i = 0;
  for (; i + kLanes <= count; i += kLanes) store(load(in + i), out + i);
  for (; i < count; ++i) out[i] = widen(in[i]);
}

// Round as narrow(float, Bfloat16*) does.
inline void store(Floats values, Bfloat16* out) {
  const Words bits = Words(values);
  const Words rounded = (bits + 0x7fffu + ((bits >> 16) & 1)) >> 16;
  const auto is_nan = (bits & 0x7fffffffu) > 0x7f800000u;
  store_halves(is_nan ? Words{} + 0x7fc0u : rounded, (uint16_t*)out);
}

template <class T>
void narrow_all(const float* in, int count, T* out) {
  int i = 0;
  for (; i + kLanes <= count; i += kLanes) store(load(in + i), out + i);
  for (; i < count; ++i) narrow(in[i], &out[i]);
}

// One bit per value, up to 32: value >= threshold.
inline uint32_t compare(const float* values, const float* thresholds, int count) {
  uint32_t word = 0;
  int i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    word |= bits_at_least(load(values + i), load(thresholds + i)) << i;
  }
  for (; i < count; ++i) word |= uint32_t{values[i] >= thresholds[i]} << i;
  return word;
}

// Bend one value, or kLanes of them.
template <class Value>
Value bend(Value value, Value before, Value slope, Value after) {
  const Value moved = value + before;
  return (moved < Value{} ? moved * slope : moved) + after;
}

// Apply an RPReLU to channels from `channel` on.
inline void activate(const bdc_rprelu& rprelu, int channel, int count, float* values) {
  if (rprelu.slope == nullptr) return;
  const float* before = rprelu.before + channel;
  const float* slope = rprelu.slope + channel;
  const float* after = rprelu.after + channel;
  int i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    store(bend(load(values + i), load(before + i), load(slope + i), load(after + i)), values + i);
  }
  for (; i < count; ++i) values[i] = bend(values[i], before[i], slope[i], after[i]);
}
