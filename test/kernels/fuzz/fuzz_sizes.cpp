// SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
// SPDX-License-Identifier: Apache-2.0
// Random operations of random sizes on every backend. They must run, touch nothing but their output
// and give the same bits everywhere. Built with sanitizers, which watch every access. What does not
// fit is refused before it becomes an operation here: test_lowering.py.
//   fuzz_sizes SECONDS [SEED]
#include <stdio.h>
#include <stdlib.h>

#include <chrono>
#include <random>
#include <string>

#include "operations.h"

namespace {

constexpr int kMaxThreads = 3;

[[noreturn]] void fail(const Case& test, const char* backend, const std::string& what) {
  fprintf(stderr, "%s: operation %d of case %u: %s\n", backend, test.steps.back().kind, test.seed,
          what.c_str());
  abort();
}

std::vector<const char*> supported_backends() {
  std::vector<const char*> names;
  for (int i = 0; const char* name = bdc_backend_name(i); ++i) {
    if (bdc_backend_is_supported(name) == 1) names.push_back(name);
  }
  return names;
}

std::vector<std::string> memory_of(const Case& test) {
  std::vector<std::string> memory;
  for (const Written& each : test.written) memory.emplace_back(each.memory, each.bytes);
  return memory;
}

void restore(const Case& test, const std::vector<std::string>& memory) {
  for (size_t i = 0; i < memory.size(); ++i) {
    memcpy(test.written[i].memory, memory[i].data(), memory[i].size());
  }
}

bool is_only_slice_changed(const Written& written, const std::string& before) {
  for (size_t i = 0; i < written.bytes; ++i) {
    const size_t place = i % written.pixel_bytes;
    const bool is_inside = written.first_byte <= place && place < written.last_byte;
    if (!is_inside && written.memory[i] != before[i]) return false;
  }
  return true;
}

// Weights of a convolution in the order of a backend, 64-byte aligned.
struct Prepared {
  std::unique_ptr<char[]> memory;

  Prepared(Case& test, const char* backend, bdc_convolution* op, const uint32_t* words) {
    const int64_t bytes =
        bdc_prepared_bytes(backend, op->out_channels, op->in.channels, op->kernel);
    if (bytes <= 0) fail(test, backend, "has no size of prepared weights");
    memory.reset(new char[size_t(bytes) + 63]);
    char* aligned = memory.get() + (64 - reinterpret_cast<uintptr_t>(memory.get()) % 64) % 64;
    const int32_t code = bdc_prepare_weights(backend, op->out_channels, op->in.channels,
                                             op->kernel, words, aligned);
    if (code) fail(test, backend, "refuses weights");
    op->weights = aligned;
  }
};

void run_on_all(Case& test, bdc_convolution* convolution, const uint32_t* words) {
  const std::vector<std::string> initial = memory_of(test);
  std::vector<std::string> expected;
  for (const char* backend : supported_backends()) {
    restore(test, initial);
    std::unique_ptr<Prepared> prepared;
    if (convolution) prepared.reset(new Prepared(test, backend, convolution, words));
    const int threads = test.choose.between(1, kMaxThreads);
    const int32_t code = bdc_run(backend, test.steps.data(), int32_t(test.steps.size()), threads);
    if (code) fail(test, backend, std::string("refuses: ") + bdc_error_text(code));
    for (size_t i = 0; i < initial.size(); ++i) {
      if (!is_only_slice_changed(test.written[i], initial[i])) {
        fail(test, backend, "changes what does not belong to the output");
      }
    }
    if (expected.empty()) expected = memory_of(test);
    if (test.is_exact && memory_of(test) != expected) fail(test, backend, "gives other bits");
  }
}

void run_case(uint32_t seed) {
  using Add = void (*)(Case&);
  constexpr Add kOthers[] = {add_pack, add_real_convolution, add_gate, add_combine, add_affine,
                             add_resize, add_splat, add_labels};
  Case test(seed);
  bdc_convolution* convolution = nullptr;
  const uint32_t* words = nullptr;
  if (test.choose.maybe()) {
    convolution = add_convolution(test);
    words = test.bits(convolution->out_channels * convolution->kernel * convolution->kernel,
                      convolution->in.channels);
  } else {
    test.choose.of(kOthers)(test);
  }
  run_on_all(test, convolution, words);
}

}  // namespace

int main(int count, char** arguments) {
  if (count < 2) {
    fprintf(stderr, "usage: %s SECONDS [SEED]\n", arguments[0]);
    return 2;
  }
  using Clock = std::chrono::steady_clock;
  const auto end = Clock::now() + std::chrono::duration<double>(atof(arguments[1]));
  std::mt19937 random(count > 2 ? uint32_t(atoi(arguments[2])) : 1);
  int64_t runs = 0;
  do {
    run_case(uint32_t(random()));
    ++runs;
  } while (Clock::now() < end);
  printf("%lld operations on", static_cast<long long>(runs));
  for (const char* name : supported_backends()) printf(" %s", name);
  puts("");
  return 0;
}
