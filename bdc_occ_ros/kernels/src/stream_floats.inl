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
  store_halves(values == values ? rounded : Words{} + 0x7fc0u, (uint16_t*)out);
}

template <class T>
void narrow_all(const float* in, int count, T* out) {
  int i = 0;
  for (; i + kLanes <= count; i += kLanes) store(load(in + i), out + i);
  for (; i < count; ++i) narrow(in[i], &out[i]);
}

// One bit per value: value >= threshold.
inline uint32_t compare_word(const float* values, const float* thresholds) {
  uint32_t word = 0;
  for (int i = 0; i < 32; i += kLanes) {
    word |= bits_at_least(load(values + i), load(thresholds + i)) << i;
  }
  return word;
}

// The same for fewer than 32.
inline uint32_t compare_some(const float* values, const float* thresholds, int count) {
  uint32_t word = 0;
  for (int i = 0; i < count; ++i) word |= uint32_t{values[i] >= thresholds[i]} << i;
  return word;
}

// Bits of values, `words` beginning with that of the first; flips are packed like it.
inline void compare(const float* values, const float* thresholds, const uint32_t* flip, int count,
                    uint32_t* words) {
  int i = 0;
  for (; i + 32 <= count; i += 32) {
    *words++ = compare_word(values + i, thresholds + i) ^ *flip++;
  }
  if (i < count) *words = compare_some(values + i, thresholds + i, count - i) ^ *flip;
}

// One number, or kLanes of them.
template <class Value, class T>
Value fetch(const T* in) {
  if constexpr (sizeof(Value) == sizeof(float)) {
    return widen(*in);
  } else {
    return load(in);
  }
}

template <class Value>
void put(Value value, float* out) {
  memcpy(out, &value, sizeof(value));
}

template <class Value>
Value bend(Value value, Value before, Value slope, Value after) {
  const Value moved = value + before;
  return (moved < Value{} ? moved * slope : moved) + after;
}

// RPReLU of channels from `channel` on.
template <class Value>
Value bend(const bdc_rprelu& rprelu, int channel, Value value) {
  return bend(value, fetch<Value>(rprelu.before + channel), fetch<Value>(rprelu.slope + channel),
              fetch<Value>(rprelu.after + channel));
}

inline void activate(const bdc_rprelu& rprelu, int channel, int count, float* values) {
  if (rprelu.slope == nullptr) return;
  int i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    put(bend(rprelu, channel + i, load(values + i)), values + i);
  }
  for (; i < count; ++i) values[i] = bend(rprelu, channel + i, values[i]);
}
