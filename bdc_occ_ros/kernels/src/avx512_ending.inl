// SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
// SPDX-License-Identifier: Apache-2.0
// What follows the counts of a tile. The arithmetic is that of epilogue.inl and
// stream_epilogue.inl in the same order; here values stay in registers from the count to the last
// output, and parameters are loaded once for all pixels of a tile.

// What depends on which taps lie outside, for the channels of a block.
struct PaddingTable {
  alignas(64) int32_t base[kBlockChannels];  // the result where nothing differs
  // The most differing bits with which the result reaches a threshold; -1: none, no channel.
  alignas(64) int32_t low[kBlockChannels], high[kBlockChannels];
};

// The parameters of a block of channels, 0 where there is no channel.
struct BlockParameters {
  Floats scale[kVectors], offset[kVectors], before[kVectors], slope[kVectors], after[kVectors],
      gate[kVectors], shortcut_scale[kVectors], shortcut_offset[kVectors], threshold[kVectors];
};

// A block of channels of a row, and what follows its counts.
class Ending {
 public:
  Ending(const bdc_convolution& op, int channel)
      : op_(op),
        channel_(channel),
        channels_(std::min(kBlockChannels, op.out_channels - channel)),
        height_(out_height(op)),
        width_(out_width(op)) {
    for (int v = 0; v < kVectors; ++v) {
      const int lanes = std::max(0, std::min(kLanes, channels_ - v * kLanes));
      masks_[v] = __mmask16((1u << lanes) - 1);
      if (op.bits_of_integer.data != nullptr) {
        const __m512i high = integers(op.integer_sign.high, v);
        has_high_ |= _mm512_mask_cmpneq_epi32_mask(masks_[v], high,
                                                   _mm512_set1_epi32(INT32_MAX)) != 0;
      }
      if (op.scale != nullptr) load_parameters(v);
    }
  }

  void begin_row(int row) {
    const int image = row / height_;
    row_in_image_ = row % height_;
    row_ = row;
    if (op_.bits_of_integer.data != nullptr) {
      integer_bits_ = first_word(op_.bits_of_integer, image);
    }
    if (op_.bits.data != nullptr) bits_ = first_word(op_.bits, image);
    for (int v = 0; v < kVectors; ++v) {
      sums_[v] = Floats{};
      if (op_.gate != nullptr) {
        parameters_.gate[v] = floats(op_.gate + int64_t{image} * op_.out_channels, v);
      }
    }
  }

  void end_row() const {
    if (op_.sums == nullptr) return;
    float* sums = op_.sums + int64_t{row_} * op_.out_channels + channel_;
    for (int v = 0; v < kVectors; ++v) {
      _mm512_mask_storeu_ps(sums + v * kLanes, masks_[v], __m512(sums_[v]));
    }
  }

  // The table of an output pixel of the row.
  const PaddingTable& table(int column) {
    const int missing = padding_class(op_, row_in_image_, column);
    if ((filled_ >> missing & 1) == 0) fill(missing);
    return tables_[missing];
  }

  // Fetch what a tile reads and writes besides bits while the one before it is computed.
  template <int kPixels>
  void prefetch(int column) const {
    column = std::min(column, width_ - kPixels);
    if (op_.shortcut.data != nullptr) prefetch_pixels<kPixels>(op_.shortcut, column);
    if (op_.out.data != nullptr) prefetch_pixels<kPixels>(op_.out, column);
  }

  template <int kPixels>
  void finish(const PaddingTable& padding, int column, const Counts<kPixels>& counts) {
    if (op_.bits_of_integer.data != nullptr) write_integer_bits(padding, column, counts);
    if (op_.integers.data != nullptr) {
      write_integers<0>(padding, column, counts);
      write_integers<1>(padding, column, counts);
    }
    if (op_.scale != nullptr) finish_reals(padding, column, counts);
  }

 private:
  template <int kPixels>
  struct Values {
    FloatPair of[kPixels];
  };

  template <int kPixels>
  void prefetch_pixels(const bdc_map& map, int column) const {
    const int64_t bytes = map.type == BDC_F32 ? 4 : 2;
    const int64_t first = (int64_t{row_} * width_ + column) * map.stride + channel_ % map.channels;
    const char* pixel = static_cast<const char*>(map.data) + first * bytes;
    BDC_UNROLLED for (int p = 0; p < kPixels; ++p, pixel += map.stride * bytes) {
      __builtin_prefetch(pixel);
    }
  }

  __m512i integers(const int32_t* all, int v) const {
    return _mm512_maskz_loadu_epi32(masks_[v], all + channel_ + v * kLanes);
  }

  Floats floats(const float* all, int v) const {
    return Floats(_mm512_maskz_loadu_ps(masks_[v], all + channel_ + v * kLanes));
  }

  void load_parameters(int v) {
    parameters_.scale[v] = floats(op_.scale, v);
    parameters_.offset[v] = floats(op_.offset, v);
    if (op_.activation.slope != nullptr) {
      parameters_.before[v] = floats(op_.activation.before, v);
      parameters_.slope[v] = floats(op_.activation.slope, v);
      parameters_.after[v] = floats(op_.activation.after, v);
    }
    if (op_.shortcut_scale != nullptr) {
      parameters_.shortcut_scale[v] = floats(op_.shortcut_scale, v);
      parameters_.shortcut_offset[v] = floats(op_.shortcut_offset, v);
    }
    if (op_.bits.data != nullptr) parameters_.threshold[v] = floats(op_.sign.threshold, v);
  }

  // The word of the block at the first pixel of the row.
  uint32_t* first_word(const bdc_map& map, int image) const {
    return bordered_pixel(map, image, row_in_image_, 0) + channel_ / kWordBits;
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

  static uint32_t bits_at_most(const __m512i (&counts)[kVectors], const int32_t* limits) {
    const __mmask16 low = _mm512_cmple_epi32_mask(counts[0], _mm512_load_si512(limits));
    const __mmask16 high = _mm512_cmple_epi32_mask(counts[1], _mm512_load_si512(limits + kLanes));
    return uint32_t{low} | uint32_t{high} << kLanes;
  }

  template <int kPixels>
  void write_integer_bits(const PaddingTable& padding, int column,
                          const Counts<kPixels>& counts) const {
    const int64_t stride = op_.bits_of_integer.stride;
    const uint32_t flip = op_.integer_sign.flip[channel_ / kWordBits];
    uint32_t words[kPixels];
    BDC_UNROLLED for (int p = 0; p < kPixels; ++p) {
      words[p] = flip ^ bits_at_most(counts.of[p], padding.low);
    }
    if (has_high_) {
      BDC_UNROLLED for (int p = 0; p < kPixels; ++p) {
        words[p] ^= bits_at_most(counts.of[p], padding.high);
      }
    }
    uint32_t* out = integer_bits_ + column * stride;
    BDC_UNROLLED for (int p = 0; p < kPixels; ++p) out[p * stride] = words[p];
  }

  // The first channel of a real map at an output pixel.
  template <class T>
  T* pixel_of(const bdc_map& map, int column) const {
    return static_cast<T*>(map.data) + (int64_t{row_} * width_ + column) * map.stride;
  }

  template <int kVector, int kPixels>
  void write_integers(const PaddingTable& padding, int column,
                      const Counts<kPixels>& counts) const {
    int16_t* out = pixel_of<int16_t>(op_.integers, column) + channel_ + kVector * kLanes;
    const int64_t stride = op_.integers.stride;
    const __m512i base = _mm512_load_si512(padding.base + kVector * kLanes);
    BDC_UNROLLED for (int p = 0; p < kPixels; ++p) {
      const __m512i count = counts.of[p][kVector];
      const __m512i result = _mm512_sub_epi32(base, _mm512_add_epi32(count, count));
      _mm512_mask_cvtepi32_storeu_epi16(out + p * stride, masks_[kVector], result);
    }
  }

  // scale d + offset, where d = base - 2 count is exact
  template <int kVector, int kPixels>
  void scale(const PaddingTable& padding, const Counts<kPixels>& counts,
             Values<kPixels>& values) const {
    const __m512 base = _mm512_maskz_cvtepi32_ps(
        kAll, _mm512_load_si512(padding.base + kVector * kLanes));
    BDC_UNROLLED for (int p = 0; p < kPixels; ++p) {
      const __m512 count = _mm512_maskz_cvtepi32_ps(kAll, counts.of[p][kVector]);
      const Floats result = Floats(_mm512_fnmadd_ps(_mm512_set1_ps(2.0f), count, base));
      values.of[p].of[kVector] =
          parameters_.scale[kVector] * result + parameters_.offset[kVector];
    }
  }

  // Copy the channels of a block one by one, where they are not side by side or fewer than that:
  // behind the last channel of the shortcut comes its first one again.
  template <class T>
  __attribute__((noinline)) void gather_shortcut(int column, int pixels, T* out) const {
    memset(out, 0, size_t(pixels) * kBlockChannels * sizeof(T));
    const T* pixel = pixel_of<T>(op_.shortcut, column);
    for (int p = 0; p < pixels; ++p, pixel += op_.shortcut.stride, out += kBlockChannels) {
      for (int i = 0; i < channels_; ++i) out[i] = pixel[(channel_ + i) % op_.shortcut.channels];
    }
  }

  template <class T, int kPixels>
  void add_shortcut(int column, Values<kPixels>& values) const {
    const int from = channel_ % op_.shortcut.channels;
    T gathered[kPixels * kBlockChannels];
    const T* source = gathered;
    int64_t stride = kBlockChannels;
    if (channels_ == kBlockChannels && from + kBlockChannels <= op_.shortcut.channels) {
      stride = op_.shortcut.stride;
      source = pixel_of<T>(op_.shortcut, column) + from;
    } else {
      gather_shortcut(column, kPixels, gathered);
    }
    const BlockParameters& by = parameters_;
    const bool is_scaled = op_.shortcut_scale != nullptr;
    BDC_UNROLLED for (int p = 0; p < kPixels; ++p, source += stride) {
      FloatPair shortcut = load_pair(source);
      BDC_UNROLLED for (int v = 0; v < kVectors; ++v) {
        if (is_scaled) {
          shortcut.of[v] = shortcut.of[v] * by.shortcut_scale[v] + by.shortcut_offset[v];
        }
        values.of[p].of[v] = values.of[p].of[v] + shortcut.of[v];
      }
    }
  }

  template <int kPixels>
  void add_shortcut_of_type(int column, Values<kPixels>& values) const {
    switch (op_.shortcut.type) {
      case BDC_F32: return add_shortcut<float>(column, values);
      case BDC_BF16: return add_shortcut<Bfloat16>(column, values);
      default: return add_shortcut<Float16>(column, values);
    }
  }

  template <class T, int kPixels>
  void write_reals(int column, const Values<kPixels>& values) const {
    T* const out = pixel_of<T>(op_.out, column) + channel_;
    T narrowed[kPixels * kBlockChannels];
    const bool is_whole = channels_ == kBlockChannels;
    T* const target = is_whole ? out : narrowed;
    const int64_t stride = is_whole ? op_.out.stride : kBlockChannels;
    BDC_UNROLLED for (int p = 0; p < kPixels; ++p) store_pair(values.of[p], target + p * stride);
    if (is_whole) return;
    for (int p = 0; p < kPixels; ++p) {
      memcpy(out + p * op_.out.stride, narrowed + p * kBlockChannels,
             size_t(channels_) * sizeof(T));
    }
  }

  template <int kPixels>
  void write_reals_of_type(int column, const Values<kPixels>& values) const {
    switch (op_.out.type) {
      case BDC_F32: return write_reals<float>(column, values);
      case BDC_BF16: return write_reals<Bfloat16>(column, values);
      default: return write_reals<Float16>(column, values);
    }
  }

  template <int kPixels>
  void write_bits(int column, const Values<kPixels>& values) const {
    const int64_t stride = op_.bits.stride;
    const uint32_t flip = op_.sign.flip[channel_ / kWordBits];
    uint32_t* out = bits_ + column * stride;
    BDC_UNROLLED for (int p = 0; p < kPixels; ++p, out += stride) {
      const FloatPair& value = values.of[p];
      const uint32_t low = bits_at_least(value.of[0], parameters_.threshold[0]) & masks_[0];
      const uint32_t high = bits_at_least(value.of[1], parameters_.threshold[1]) & masks_[1];
      *out = (low | high << kLanes) ^ flip;
    }
  }

  // Scale, activation, sums and gate of half a block.
  template <int kVector, int kPixels>
  void finish_vector(const PaddingTable& padding, const Counts<kPixels>& counts,
                     Values<kPixels>& values) {
    const BlockParameters& by = parameters_;
    scale<kVector>(padding, counts, values);
    if (op_.activation.slope != nullptr) {
      BDC_UNROLLED for (int p = 0; p < kPixels; ++p) {
        Floats& value = values.of[p].of[kVector];
        value = bend(value, by.before[kVector], by.slope[kVector], by.after[kVector]);
      }
    }
    if (op_.sums != nullptr) {
      BDC_UNROLLED for (int p = 0; p < kPixels; ++p) {
        sums_[kVector] = sums_[kVector] + values.of[p].of[kVector];
      }
    }
    if (op_.gate != nullptr) {
      BDC_UNROLLED for (int p = 0; p < kPixels; ++p) {
        values.of[p].of[kVector] = by.gate[kVector] * values.of[p].of[kVector];
      }
    }
  }

  template <int kPixels>
  void finish_reals(const PaddingTable& padding, int column, const Counts<kPixels>& counts) {
    Values<kPixels> values;
    finish_vector<0>(padding, counts, values);
    finish_vector<1>(padding, counts, values);
    if (op_.shortcut.data != nullptr) add_shortcut_of_type(column, values);
    if (op_.out.data != nullptr) write_reals_of_type(column, values);
    if (op_.bits.data != nullptr) write_bits(column, values);
  }

  const bdc_convolution& op_;
  const int channel_, channels_, height_, width_;
  __mmask16 masks_[kVectors];
  bool has_high_ = false;  // some channel has two thresholds
  int row_ = 0, row_in_image_ = 0;
  uint32_t *integer_bits_ = nullptr, *bits_ = nullptr;  // of the row
  Floats sums_[kVectors];
  BlockParameters parameters_;
  uint32_t filled_ = 0;  // which tables are
  PaddingTable tables_[16];
};
