// SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
// SPDX-License-Identifier: Apache-2.0
// What follows the counts of a tile. The arithmetic is that of epilogue.inl and
// stream_epilogue.inl in the same order; here values stay in registers from the count to the last
// output, and parameters are loaded once for all pixels of a tile.

// Neighbouring channels of a map: kLanes of them, or fewer at its end.
template <class T>
inline Floats load_some(const T* in, int channels) {
  if (channels >= kLanes) return load(in);
  T padded[kLanes] = {};
  memcpy(padded, in, size_t(channels) * sizeof(T));
  return load(padded);
}

template <class T>
inline void store_some(Floats values, T* out, int channels) {
  if (channels >= kLanes) return store(values, out);
  T padded[kLanes];
  store(values, padded);
  memcpy(out, padded, size_t(channels) * sizeof(T));
}

// What depends on which taps lie outside, for the channels of a block.
struct PaddingTable {
  alignas(64) int32_t base[kBlockChannels];  // the result where nothing differs
  // The most differing bits with which the result reaches a threshold; -1: none, no channel.
  alignas(64) int32_t low[kBlockChannels], high[kBlockChannels];
};

// A block of channels of a row, and what follows its counts.
class Ending {
 public:
  Ending(const bdc_convolution& op, int channel)
      : op_(op), channel_(channel), height_(out_height(op)), width_(out_width(op)) {
    const int channels = std::min(kBlockChannels, op.out_channels - channel);
    for (int v = 0; v < kVectors; ++v) {
      lanes_[v] = std::max(0, std::min(kLanes, channels - v * kLanes));
      masks_[v] = __mmask16((1u << lanes_[v]) - 1);
      if (op.bits_of_integer.data == nullptr) continue;
      const __m512i high = integers(op.integer_sign.high, v);
      has_high_ |= _mm512_mask_cmpneq_epi32_mask(masks_[v], high,
                                                 _mm512_set1_epi32(INT32_MAX)) != 0;
    }
  }

  void begin_row(int row) {
    image_ = row / height_;
    row_ = row % height_;
    for (Floats& sum : sums_) sum = Floats{};
  }

  void end_row() const {
    if (op_.sums == nullptr) return;
    float* sums = op_.sums + (int64_t{image_} * height_ + row_) * op_.out_channels + channel_;
    for (int v = 0; v < kVectors; ++v) store_some(sums_[v], sums + v * kLanes, lanes_[v]);
  }

  // The table of an output pixel of the row.
  const PaddingTable& table(int column) {
    const int missing = padding_class(op_, row_, column);
    if ((filled_ >> missing & 1) == 0) fill(missing);
    return tables_[missing];
  }

  template <int kPixels>
  void finish(const PaddingTable& padding, int column, const Counts<kPixels>& counts) {
    if (op_.bits_of_integer.data != nullptr) write_integer_bits(padding, column, counts);
    if (op_.integers.data != nullptr) write_integers(padding, column, counts);
    if (op_.scale != nullptr) finish_reals(padding, column, counts);
  }

 private:
  template <int kPixels>
  struct Values {
    Floats of[kPixels];
  };

  __m512i integers(const int32_t* all, int v) const {
    return _mm512_maskz_loadu_epi32(masks_[v], all + channel_ + v * kLanes);
  }

  Floats floats(const float* all, int v) const {
    return Floats(_mm512_maskz_loadu_ps(masks_[v], all + channel_ + v * kLanes));
  }

  void fill(int missing) {
    PaddingTable& table = tables_[missing];
    filled_ |= 1u << missing;
    for (int v = 0; v < kVectors; ++v) {
      const __m512i base = integers(op_.base + int64_t{missing} * op_.out_channels, v);
      _mm512_store_si512(table.base + v * kLanes, base);
      if (op_.bits_of_integer.data == nullptr) continue;
      _mm512_store_si512(table.low + v * kLanes, limits(base, op_.integer_sign.low, v));
      _mm512_store_si512(table.high + v * kLanes, limits(base, op_.integer_sign.high, v));
    }
  }

  // base - 2 count >= threshold, solved for the count.
  __m512i limits(__m512i base, const int32_t* thresholds, int v) const {
    const __m512i far = _mm512_set1_epi32(8 * kMaxProducts);  // beyond any result and any base
    const __m512i near = _mm512_maskz_max_epi32(
        kAll, _mm512_maskz_min_epi32(kAll, integers(thresholds, v), far),
        _mm512_sub_epi32(_mm512_setzero_si512(), far));
    const __m512i solved = _mm512_maskz_srai_epi32(kAll, _mm512_sub_epi32(base, near), 1);
    return _mm512_mask_mov_epi32(_mm512_set1_epi32(-1), masks_[v], solved);
  }

  void write_word(const bdc_map& map, int column, uint32_t word, const uint32_t* flip) const {
    uint32_t* pixel = bordered_pixel(map, image_, row_, column);
    pixel[channel_ / kWordBits] = word ^ flip[channel_ / kWordBits];
  }

  static uint32_t bits_at_most(const __m512i (&counts)[kVectors], const int32_t* limits) {
    const __mmask16 low = _mm512_cmple_epi32_mask(counts[0], _mm512_load_si512(limits));
    const __mmask16 high = _mm512_cmple_epi32_mask(counts[1], _mm512_load_si512(limits + kLanes));
    return uint32_t{low} | uint32_t{high} << kLanes;
  }

  template <int kPixels>
  void write_integer_bits(const PaddingTable& padding, int column,
                          const Counts<kPixels>& counts) const {
    uint32_t* out = bordered_pixel(op_.bits_of_integer, image_, row_, column);
    const uint32_t flip = op_.integer_sign.flip[channel_ / kWordBits];
    for (int p = 0; p < kPixels; ++p, out += op_.bits_of_integer.stride) {
      uint32_t word = flip ^ bits_at_most(counts.of[p], padding.low);
      if (has_high_) word ^= bits_at_most(counts.of[p], padding.high);
      out[channel_ / kWordBits] = word;
    }
  }

  template <int kPixels>
  void write_integers(const PaddingTable& padding, int column,
                      const Counts<kPixels>& counts) const {
    const int64_t stride = op_.integers.stride;
    int16_t* out = static_cast<int16_t*>(op_.integers.data) + pixel_at(column) * stride + channel_;
    for (int p = 0; p < kPixels; ++p, out += stride) {
      for (int v = 0; v < kVectors; ++v) {
        const __m512i base = _mm512_load_si512(padding.base + v * kLanes);
        const __m512i twice = _mm512_add_epi32(counts.of[p][v], counts.of[p][v]);
        _mm512_mask_cvtepi32_storeu_epi16(out + v * kLanes, masks_[v],
                                          _mm512_sub_epi32(base, twice));
      }
    }
  }

  int64_t pixel_at(int column) const {
    return (int64_t{image_} * height_ + row_) * width_ + column;
  }

  // scale d + offset, where d = base - 2 count is exact
  template <int kPixels>
  Values<kPixels> scaled(const PaddingTable& padding, int v, const Counts<kPixels>& counts) const {
    const Floats scale = floats(op_.scale, v), offset = floats(op_.offset, v);
    const __m512 base = _mm512_maskz_cvtepi32_ps(
        kAll, _mm512_load_si512(padding.base + v * kLanes));
    Values<kPixels> values;
    for (int p = 0; p < kPixels; ++p) {
      const __m512 count = _mm512_maskz_cvtepi32_ps(kAll, counts.of[p][v]);
      const Floats result = Floats(_mm512_fnmadd_ps(_mm512_set1_ps(2.0f), count, base));
      values.of[p] = scale * result + offset;
    }
    return values;
  }

  template <int kPixels>
  void activate(int v, Values<kPixels>& values) const {
    const Floats before = floats(op_.activation.before, v);
    const Floats slope = floats(op_.activation.slope, v);
    const Floats after = floats(op_.activation.after, v);
    for (int p = 0; p < kPixels; ++p) values.of[p] = bend(values.of[p], before, slope, after);
  }

  // Channels of one pixel of the shortcut; behind its last channel comes its first one again.
  template <class T>
  Floats load_shortcut(const T* pixel, int v) const {
    const int period = op_.shortcut.channels, first = channel_ + v * kLanes;
    const int from = first % period;
    if (from + lanes_[v] <= period) return load_some(pixel + from, lanes_[v]);
    T repeated[kLanes] = {};
    for (int i = 0; i < lanes_[v]; ++i) repeated[i] = pixel[(first + i) % period];
    return load(repeated);
  }

  template <class T, int kPixels>
  void add_shortcut(int column, int v, Values<kPixels>& values) const {
    const int64_t stride = op_.shortcut.stride;
    const T* pixel = static_cast<const T*>(op_.shortcut.data) + pixel_at(column) * stride;
    Values<kPixels> shortcut;
    for (int p = 0; p < kPixels; ++p) shortcut.of[p] = load_shortcut(pixel + p * stride, v);
    if (op_.shortcut_scale != nullptr) {
      const Floats scale = floats(op_.shortcut_scale, v), offset = floats(op_.shortcut_offset, v);
      for (int p = 0; p < kPixels; ++p) shortcut.of[p] = shortcut.of[p] * scale + offset;
    }
    for (int p = 0; p < kPixels; ++p) values.of[p] = values.of[p] + shortcut.of[p];
  }

  template <class T, int kPixels>
  void write_reals(int column, int v, const Values<kPixels>& values) const {
    const int64_t stride = op_.out.stride;
    T* out = static_cast<T*>(op_.out.data) + pixel_at(column) * stride + channel_ + v * kLanes;
    for (int p = 0; p < kPixels; ++p) store_some(values.of[p], out + p * stride, lanes_[v]);
  }

  // From the gate on: what is only needed where reals or bits are written.
  template <int kPixels>
  void gate_and_add(int column, int v, Values<kPixels>& values) const {
    if (op_.gate != nullptr) {
      const Floats gate = floats(op_.gate + int64_t{image_} * op_.out_channels, v);
      for (int p = 0; p < kPixels; ++p) values.of[p] = gate * values.of[p];
    }
    if (op_.shortcut.data == nullptr) return;
    switch (op_.shortcut.type) {
      case BDC_F32: return add_shortcut<float>(column, v, values);
      case BDC_BF16: return add_shortcut<Bfloat16>(column, v, values);
      default: return add_shortcut<Float16>(column, v, values);
    }
  }

  template <int kPixels>
  void write_reals_of_type(int column, int v, const Values<kPixels>& values) const {
    switch (op_.out.type) {
      case BDC_F32: return write_reals<float>(column, v, values);
      case BDC_BF16: return write_reals<Bfloat16>(column, v, values);
      default: return write_reals<Float16>(column, v, values);
    }
  }

  template <int kPixels>
  void finish_reals(const PaddingTable& padding, int column, const Counts<kPixels>& counts) {
    uint32_t bits[kPixels] = {};
    for (int v = 0; v < kVectors && lanes_[v] > 0; ++v) {
      Values<kPixels> values = scaled(padding, v, counts);
      if (op_.activation.slope != nullptr) activate(v, values);
      if (op_.sums != nullptr) {
        for (int p = 0; p < kPixels; ++p) sums_[v] = sums_[v] + values.of[p];
      }
      if (op_.out.data == nullptr && op_.bits.data == nullptr) continue;
      gate_and_add(column, v, values);
      if (op_.out.data != nullptr) write_reals_of_type(column, v, values);
      if (op_.bits.data == nullptr) continue;
      const Floats threshold = floats(op_.sign.threshold, v);
      for (int p = 0; p < kPixels; ++p) {
        const uint32_t half = bits_at_least(values.of[p], threshold) & masks_[v];
        bits[p] |= half << (v * kLanes);
      }
    }
    if (op_.bits.data == nullptr) return;
    for (int p = 0; p < kPixels; ++p) write_word(op_.bits, column + p, bits[p], op_.sign.flip);
  }

  const bdc_convolution& op_;
  const int channel_, height_, width_;
  int lanes_[kVectors];
  __mmask16 masks_[kVectors];
  bool has_high_ = false;  // some channel has two thresholds
  int image_ = 0, row_ = 0;
  Floats sums_[kVectors];
  uint32_t filled_ = 0;  // which tables are
  PaddingTable tables_[16];
};
