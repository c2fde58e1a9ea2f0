// SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
// SPDX-License-Identifier: Apache-2.0
// Threads that wait for work, shared by every call in the process.
//
// Items are taken in chunks from a counter, so that a thread that loses its core delays no more
// than its last chunk. Nobody spins for longer than a few microseconds. When several callers come
// at once, the first has the threads and each other works alone. In a child after fork() the pool
// starts anew, with threads of its own.
#ifndef BDC_THREAD_POOL_H_
#define BDC_THREAD_POOL_H_

#include <stdint.h>

namespace bdc {

// Works on items from `first` to before `last` of whatever `context` is.
using Work = void (*)(const void* context, int32_t first, int32_t last);

// The right to use the threads of the pool, until it goes out of scope.
class ThreadTeam {
 public:
  // At most `threads` threads, the caller among them; only the caller if the pool is taken or the
  // system has no more threads to give.
  explicit ThreadTeam(int32_t threads);
  ~ThreadTeam();
  ThreadTeam(const ThreadTeam&) = delete;
  ThreadTeam& operator=(const ThreadTeam&) = delete;

  int32_t threads() const { return threads_; }

  // Do all items, `chunk` at a time, and return when they are done.
  void run(Work work, const void* context, int32_t items, int32_t chunk);

 private:
  class Pool* pool_;  // nullptr: the caller works alone
  int32_t threads_ = 1;
};

}  // namespace bdc

#endif  // BDC_THREAD_POOL_H_
