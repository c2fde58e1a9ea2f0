// SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
// SPDX-License-Identifier: Apache-2.0
// Several callers with tasks of random length on the one pool of threads: every item must be done
// exactly once, and its result must be visible to the caller. Built with the thread sanitizer.
//   thread_races SECONDS
#include <stdio.h>
#include <stdlib.h>

#include <chrono>
#include <random>
#include <thread>
#include <vector>

#include "thread_pool.h"

namespace {

constexpr int kCallers = 3;
constexpr int kMaxThreads = 4;
constexpr int kMaxItems = 60;

struct Task {
  int* counts;  // not atomic on purpose: the sanitizer sees whether anything orders the accesses
};

void count(const void* context, int32_t first, int32_t last) {
  const Task& task = *static_cast<const Task*>(context);
  for (int32_t i = first; i < last; ++i) ++task.counts[i];
}

int call(int seed, std::chrono::steady_clock::time_point end) {
  std::mt19937 random{uint32_t(seed)};
  int runs = 0;
  while (std::chrono::steady_clock::now() < end) {
    bdc::ThreadTeam team(1 + int32_t(random() % kMaxThreads));
    for (int step = 0; step < 5; ++step) {
      const int32_t items = int32_t(random() % kMaxItems);
      std::vector<int> counts(size_t(items), 0);
      const Task task = {counts.data()};
      team.run(count, &task, items, 1 + int32_t(random() % 7));
      for (int32_t i = 0; i < items; ++i) {
        if (counts[size_t(i)] != 1) {
          fprintf(stderr, "item %d of %d was done %d times\n", i, items, counts[size_t(i)]);
          abort();
        }
      }
      ++runs;
    }
    if (random() % 8 == 0) std::this_thread::sleep_for(std::chrono::microseconds(200));
  }
  return runs;
}

}  // namespace

int main(int count, char** arguments) {
  const double seconds = count > 1 ? atof(arguments[1]) : 1.0;
  const auto end = std::chrono::steady_clock::now() + std::chrono::duration_cast<
      std::chrono::steady_clock::duration>(std::chrono::duration<double>(seconds));
  std::vector<int> runs(kCallers);
  std::vector<std::thread> callers;
  for (int i = 0; i < kCallers; ++i) {
    callers.emplace_back([&runs, i, end] { runs[size_t(i)] = call(i, end); });
  }
  for (std::thread& caller : callers) caller.join();
  for (int each : runs) printf("%d ", each);
  puts("tasks");
  return 0;
}
