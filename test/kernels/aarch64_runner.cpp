// SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
// SPDX-License-Identifier: Apache-2.0
// Runs the kernels for a program that cannot load them, because it runs on another processor.
//
// The first line of the output says: version of the interface, identity of the build, address and
// size of the memory, backends as name:supported. Then every request is a Request and its memory
// image; the answer is the result and the image after the call. Pointers within the image are
// right already, as the other program knows the address.
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bdc_kernels.h"

namespace {

enum Kind { kPreparedBytes, kPrepareWeights, kRun, kErrorText };

struct Request {
  int32_t kind;
  int32_t arguments[3];
  int64_t offsets[2];
  int64_t image_size;
  char backend[16];
};

alignas(4096) char memory[64 << 20];

bool read_all(void* out, size_t size) {
  for (char* next = (char*)out; size > 0;) {
    const ssize_t got = read(STDIN_FILENO, next, size);
    if (got <= 0) return false;
    next += got;
    size -= size_t(got);
  }
  return true;
}

bool write_all(const void* from, size_t size) {
  for (const char* next = (const char*)from; size > 0;) {
    const ssize_t written = write(STDOUT_FILENO, next, size);
    if (written <= 0) return false;
    next += written;
    size -= size_t(written);
  }
  return true;
}

int64_t answer(const Request& request) {
  const int32_t* arguments = request.arguments;
  char* first = memory + request.offsets[0];
  switch (request.kind) {
    case kPreparedBytes:
      return bdc_prepared_bytes(request.backend, arguments[0], arguments[1], arguments[2]);
    case kPrepareWeights:
      return bdc_prepare_weights(request.backend, arguments[0], arguments[1], arguments[2],
                                 (const uint32_t*)first, memory + request.offsets[1]);
    case kRun:
      return bdc_run(request.backend, (const bdc_step*)first, arguments[0], arguments[1]);
    case kErrorText:
      return snprintf(memory, size_t(request.image_size), "%s", bdc_error_text(arguments[0]));
  }
  return -1;
}

}  // namespace

int main() {
  printf("%d %s %lld %zu", bdc_abi_version(), bdc_build_identity(), (long long)memory,
         sizeof(memory));
  for (int i = 0; bdc_backend_name(i) != nullptr; ++i) {
    printf(" %s:%d", bdc_backend_name(i), bdc_backend_is_supported(bdc_backend_name(i)));
  }
  printf("\n");
  fflush(stdout);
  Request request;
  while (read_all(&request, sizeof(request))) {
    if (request.image_size > int64_t{sizeof(memory)}) return 1;
    if (!read_all(memory, size_t(request.image_size))) return 1;
    const int64_t result = answer(request);
    if (!write_all(&result, sizeof(result))) return 1;
    if (!write_all(memory, size_t(request.image_size))) return 1;
  }
  return 0;
}
