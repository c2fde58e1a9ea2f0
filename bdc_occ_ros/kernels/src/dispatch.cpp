// SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
// SPDX-License-Identifier: Apache-2.0
// The C interface: which backends there are, and steps cut into chunks and run.
#include <string.h>

#include <algorithm>
#include <new>

#include "backends.h"
#include "bdc_kernels.h"
#include "extents.h"
#include "splat_table.h"
#include "thread_pool.h"

namespace bdc {
namespace {

constexpr double kAloneUs = 20.0;  // what is shorter than this is not worth waking a thread
constexpr double kChunkUs = 25.0;
constexpr int32_t kChunksPerThread = 4;

enum Error : int32_t { kDone = 0, kNoBackend, kOutOfMemory };

const Backend* find_backend(const char* name) {
  if (name == nullptr) return nullptr;
  for (const Backend* backend : kBackends) {
    if (strcmp(backend->name, name) == 0) return backend;
  }
  return nullptr;
}

int32_t chunk_size(const Extent& extent, int32_t threads) {
  if (extent.items * extent.item_us < kAloneUs) return std::max(extent.items, 1);
  const double wanted = std::min(kChunkUs / extent.item_us, double(extent.items));
  return std::max(1, std::min(int32_t(wanted), extent.items / (kChunksPerThread * threads)));
}

template <class Operation>
struct Task {
  const Operation& operation;
  void (*function)(const Operation&, int32_t, int32_t);

  static void work(const void* context, int32_t first, int32_t last) {
    const Task& task = *static_cast<const Task*>(context);
    task.function(task.operation, first, last);
  }
};

template <class Operation>
void spread(ThreadTeam& team, void (*function)(const Operation&, int32_t, int32_t),
            const void* operation) {
  const Task<Operation> task = {*static_cast<const Operation*>(operation), function};
  const Extent items = extent(task.operation);
  team.run(Task<Operation>::work, &task, items.items, chunk_size(items, team.threads()));
}

void run_step(const Backend& backend, const bdc_step& step, ThreadTeam& team) {
  switch (step.kind) {
    case BDC_PACK:
      return spread(team, backend.pack, step.operation);
    case BDC_CONVOLUTION:
      return spread(team, backend.convolution, step.operation);
    case BDC_REAL_CONVOLUTION:
      return spread(team, backend.real_convolution, step.operation);
    case BDC_GATE:
      return spread(team, backend.gate, step.operation);
    case BDC_COMBINE:
      return spread(team, backend.combine, step.operation);
    case BDC_AFFINE:
      return spread(team, backend.affine, step.operation);
    case BDC_AVERAGE_POOL:
      return spread(team, backend.average_pool, step.operation);
    case BDC_UPSAMPLE:
      return spread(team, backend.upsample, step.operation);
    case BDC_SPLAT:
      return spread(team, backend.splat, step.operation);
    case BDC_SPLAT_TABLE:
      return build_splat_table(*static_cast<const bdc_splat_table*>(step.operation));
    case BDC_LABELS:
      return spread(team, backend.labels, step.operation);
  }
}

// A backend that this machine can run, or nothing.
const Backend* runnable(const char* name) {
  const Backend* backend = find_backend(name);
  return backend != nullptr && backend->is_supported() ? backend : nullptr;
}

}  // namespace
}  // namespace bdc

int32_t bdc_abi_version(void) { return BDC_ABI_VERSION; }

const char* bdc_backend_name(int32_t index) {
  const int32_t count = int32_t(sizeof(bdc::kBackends) / sizeof(*bdc::kBackends));
  return index >= 0 && index < count ? bdc::kBackends[index]->name : nullptr;
}

int32_t bdc_backend_is_supported(const char* name) {
  const bdc::Backend* backend = bdc::find_backend(name);
  if (backend == nullptr) return -1;
  return backend->is_supported() ? 1 : 0;
}

int64_t bdc_prepared_bytes(const char* name, int32_t out_channels, int32_t in_channels,
                           int32_t kernel) {
  const bdc::Backend* backend = bdc::runnable(name);
  return backend == nullptr ? -1 : backend->prepared_bytes(out_channels, in_channels, kernel);
}

int32_t bdc_prepare_weights(const char* name, int32_t out_channels, int32_t in_channels,
                            int32_t kernel, const uint32_t* words, void* out) {
  const bdc::Backend* backend = bdc::runnable(name);
  if (backend == nullptr) return bdc::kNoBackend;
  backend->prepare_weights(out_channels, in_channels, kernel, words, out);
  return bdc::kDone;
}

int32_t bdc_run(const char* name, const bdc_step* steps, int32_t count, int32_t threads) {
  const bdc::Backend* backend = bdc::runnable(name);
  if (backend == nullptr) return bdc::kNoBackend;
  try {
    bdc::ThreadTeam team(threads);
    for (int32_t i = 0; i < count; ++i) bdc::run_step(*backend, steps[i], team);
  } catch (const std::bad_alloc&) {
    return bdc::kOutOfMemory;
  }
  return bdc::kDone;
}

const char* bdc_error_text(int32_t code) {
  return code == bdc::kNoBackend ? "this machine cannot run a backend of that name"
                                 : "there is not enough memory";
}
