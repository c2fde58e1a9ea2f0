// SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
// SPDX-License-Identifier: Apache-2.0
#include "thread_pool.h"

#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <system_error>
#include <thread>

namespace bdc {
namespace {

constexpr int kSpins = 100;  // 2 to 5 microseconds
constexpr int32_t kMaxThreads = 256;

void relax() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// Somewhere to wait until a condition holds that others make true and then announce.
class WaitingRoom {
 public:
  template <class Condition>
  void wait_until(Condition holds) {
    for (int i = 0; i < kSpins; ++i) {
      if (holds()) return;
      relax();
    }
    std::unique_lock<std::mutex> lock(mutex_);
    sleepers_.fetch_add(1);
    while (!holds()) changed_.wait(lock);
    sleepers_.fetch_sub(1);
  }

  void announce() {
    if (sleepers_.load() == 0) return;
    { std::lock_guard<std::mutex> lock(mutex_); }  // whoever counts as asleep really sleeps now
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::atomic<int> sleepers_{0};
};

constexpr uint32_t generation_of(uint64_t ticket) { return uint32_t(ticket >> 32); }
constexpr uint32_t next_of(uint64_t ticket) { return uint32_t(ticket); }
constexpr uint32_t kClosed = UINT32_MAX;  // as the next item: nothing to take

}  // namespace

// One task at a time. `ticket_` holds a number, new for every task, and the next item that nobody
// has taken yet: to take items is to exchange it, which fails for who read an older task's fields.
class Pool {
 public:
  bool claim() { return !is_claimed_.exchange(true); }
  void release() { is_claimed_.store(false); }

  // Have `count` helpers, or as many as the system gives; return how many there are.
  int32_t grow(int32_t count) {
    try {
      for (; helpers_ < count; ++helpers_) {
        const int32_t index = helpers_;
        std::thread([this, index] { help(index); }).detach();
      }
    } catch (const std::system_error&) {  // no more threads: the others do the work
    }
    return std::min(count, helpers_);
  }

  void run(Work work, const void* context, int32_t items, int32_t chunk, int32_t helpers) {
    const uint32_t generation = generation_of(ticket_.load()) + 1;
    ticket_.store(uint64_t{generation} << 32 | kClosed);  // before any field changes
    work_.store(work);
    context_.store(context);
    items_.store(uint32_t(items));
    chunk_.store(uint32_t(chunk));
    wanted_.store(helpers);
    done_.store(0);
    ticket_.store(uint64_t{generation + 1} << 32);
    work_waits_.announce();
    take_chunks();
    all_done_.wait_until([this, items] { return done_.load() == uint32_t(items); });
  }

 private:
  void help(int32_t index) {
    uint32_t seen = 0;
    for (;;) {
      work_waits_.wait_until([this, seen] { return generation_of(ticket_.load()) != seen; });
      seen = generation_of(ticket_.load());
      if (index < wanted_.load()) take_chunks();
    }
  }

  void take_chunks() {
    for (;;) {
      uint64_t ticket = ticket_.load();
      const Work work = work_.load();
      const void* context = context_.load();
      const uint32_t items = items_.load(), first = next_of(ticket);
      if (first >= items) return;
      const uint32_t last = first + std::min(chunk_.load(), items - first);
      if (!ticket_.compare_exchange_strong(ticket, ticket + (last - first))) continue;
      work(context, int32_t(first), int32_t(last));
      if (done_.fetch_add(last - first) + (last - first) == items) all_done_.announce();
    }
  }

  std::atomic<bool> is_claimed_{false};
  int32_t helpers_ = 0;  // touched by the claimant only
  std::atomic<Work> work_{nullptr};
  std::atomic<const void*> context_{nullptr};
  std::atomic<uint32_t> items_{0}, chunk_{1}, done_{0};
  std::atomic<int32_t> wanted_{0};
  alignas(64) std::atomic<uint64_t> ticket_{0};
  WaitingRoom work_waits_, all_done_;
};

namespace {

std::atomic<Pool*> pool{nullptr};

// Its threads are not in the child, and its locks may have been held.
void forget_pool() { pool.store(nullptr); }

Pool* the_pool() {
  static const int registered = pthread_atfork(nullptr, nullptr, forget_pool);
  (void)registered;
  Pool* current = pool.load();
  if (current == nullptr) {
    Pool* fresh = new Pool;  // never deleted: its threads wait in it until the process ends
    if (pool.compare_exchange_strong(current, fresh)) return fresh;
    delete fresh;
  }
  return current;
}

}  // namespace

ThreadTeam::ThreadTeam(int32_t threads) : pool_(threads > 1 ? the_pool() : nullptr) {
  if (pool_ != nullptr && !pool_->claim()) pool_ = nullptr;
  if (pool_ != nullptr) threads_ = 1 + pool_->grow(std::min(threads, kMaxThreads) - 1);
}

ThreadTeam::~ThreadTeam() {
  if (pool_ != nullptr) pool_->release();
}

void ThreadTeam::run(Work work, const void* context, int32_t items, int32_t chunk) {
  if (threads_ == 1 || items <= chunk) {
    if (items > 0) work(context, 0, items);
  } else {
    pool_->run(work, context, items, chunk, threads_ - 1);
  }
}

}  // namespace bdc
