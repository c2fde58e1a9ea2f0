// SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
// SPDX-License-Identifier: Apache-2.0
// One random operation: memory of exactly the right size and the structure that points into it.
#ifndef CASE_H_
#define CASE_H_

#include <stdint.h>
#include <string.h>

#include <memory>
#include <random>
#include <vector>

#include "bdc_kernels.h"

// Seeded choices.
class Choices {
 public:
  explicit Choices(uint32_t seed) : random_(seed) {}

  int between(int first, int last) { return first + int(random_() % uint32_t(last - first + 1)); }
  bool maybe() { return random_() & 1; }
  template <typename T, size_t N>
  T of(const T (&values)[N]) { return values[random_() % N]; }

 private:
  std::mt19937 random_;
};

// Memory that an operation writes, and which of the values of each pixel it may change.
struct Written {
  char* memory;
  size_t bytes, pixel_bytes, first_byte, last_byte;
};

class Case {
 public:
  explicit Case(uint32_t seed_) : seed(seed_), choose(seed_) {}

  uint32_t seed;
  Choices choose;
  std::vector<bdc_step> steps;
  std::vector<Written> written;
  bool is_exact = true;  // the same bits from every backend

  // A structure whose address stays.
  template <typename T>
  T* structure(bdc_kind kind) {
    T* operation = static_cast<T*>(zeros(sizeof(T)));
    steps.push_back({kind, operation});
    return operation;
  }

  void* zeros(size_t bytes) {
    memory_.emplace_back(new char[bytes]);  // exactly: the sanitizer guards both ends
    memset(memory_.back().get(), 0, bytes);
    return memory_.back().get();
  }

  template <typename T>
  T* numbers(size_t count, T first, T last) {
    T* values = static_cast<T*>(zeros(count * sizeof(T)));
    const int kSteps = 1000;
    for (size_t i = 0; i < count; ++i) {
      values[i] = T(first + (last - first) * (next() % (kSteps + 1)) / kSteps);
    }
    return values;
  }
  const float* floats(int count) { return numbers<float>(size_t(count), -2.0f, 2.0f); }

  // Rows of packed bits with clear bits behind the last channel.
  uint32_t* bits(int rows, int channels) {
    const int words = words_of(channels);
    uint32_t* out = static_cast<uint32_t*>(zeros(size_t(rows) * size_t(words) * 4));
    for (int i = 0; i < rows * words; ++i) {
      const int left = channels - i % words * 32;
      out[i] = next() << 16 ^ next();
      if (left < 32) out[i] &= (1u << left) - 1;
    }
    return out;
  }

  bdc_sign sign(int channels) { return {floats(channels), bits(1, channels)}; }
  bdc_rprelu activation(int channels) {
    if (!choose.maybe()) return {nullptr, nullptr, nullptr};
    return {floats(channels), floats(channels), floats(channels)};
  }

  // A real map, or a slice of a wider one.
  bdc_map real(int batch, int height, int width, int channels, bdc_type type) {
    const int before = choose.maybe() ? choose.between(0, 3) : 0;
    const int stride = before + channels + (choose.maybe() ? choose.between(0, 3) : 0);
    const size_t size = type == BDC_F32 ? 4 : 2;
    const size_t count = size_t(batch) * size_t(height) * size_t(width) * size_t(stride);
    char* memory = static_cast<char*>(zeros(count * size));
    for (size_t i = 0; i < count; ++i) write_number(memory, i, type);
    written.push_back({memory, count * size, size_t(stride) * size, size_t(before) * size,
                       size_t(before + channels) * size});
    return {memory + size_t(before) * size, type, batch, height, width, channels, stride};
  }
  bdc_map real(int batch, int height, int width, int channels) {
    const bdc_type kTypes[] = {BDC_F32, BDC_BF16, BDC_F16};
    return real(batch, height, width, channels, choose.of(kTypes));
  }

  // A map of bits with its border, or a slice of words of a wider one.
  bdc_map bit_map(int batch, int height, int width, int channels) {
    const int before = choose.maybe() ? choose.between(0, 2) : 0;
    const int words = words_of(channels);
    const int stride = before + words + (channels % 32 == 0 && choose.maybe() ? 1 : 0);
    const size_t pixels = size_t(batch) * size_t(height + 2) * size_t(width + 2);
    char* memory = static_cast<char*>(zeros(pixels * size_t(stride) * 4));
    const bdc_map map = {memory + before * 4, BDC_BITS, batch, height, width, channels, stride};
    for (int row = 0; row < batch * height; ++row) {
      const int line = row / height * (height + 2) + row % height + 1;
      for (int column = 1; column <= width; ++column) {
        memcpy(memory + ((size_t(line) * size_t(width + 2) + size_t(column)) * size_t(stride)
                         + size_t(before)) * 4, bits(1, channels), size_t(words) * 4);
      }
    }
    written.push_back({memory, pixels * size_t(stride) * 4, size_t(stride) * 4,
                       size_t(before) * 4, size_t(before + words) * 4});
    return map;
  }

  static int words_of(int channels) { return (channels + 31) / 32; }

 private:
  uint32_t next() {  // Numbers need no choices: a fixed sequence (Numerical Recipes' constants).
    state_ = state_ * 1664525u + 1013904223u;
    return state_ >> 16;
  }

  void write_number(char* memory, size_t i, bdc_type type) {
    const float value = float(int(next() % 2001) - 1000) / 250.0f;
    if (type == BDC_F32) {
      memcpy(memory + 4 * i, &value, 4);
    } else if (type == BDC_BF16) {
      memcpy(memory + 2 * i, reinterpret_cast<const char*>(&value) + 2, 2);
    } else {  // any half with a small exponent, or any short integer
      const uint16_t half = uint16_t(next() & 0xbfffu);
      memcpy(memory + 2 * i, &half, 2);
    }
  }

  std::vector<std::unique_ptr<char[]>> memory_;
  uint32_t state_ = 1;
};

#endif  // CASE_H_
