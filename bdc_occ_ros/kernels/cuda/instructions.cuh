// SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
// SPDX-License-Identifier: Apache-2.0
// The instructions of the GPU that C++ has no word for, and reading and writing of real maps.
#ifndef BDC_CUDA_INSTRUCTIONS_CUH_
#define BDC_CUDA_INSTRUCTIONS_CUH_

#include "convolve_tile.h"

namespace bdc {

// Compute capability 9.0 counts set bits natively and emulates differing ones; 8.x does both.
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
constexpr Product kNative = Product::kAnd;
#else
constexpr Product kNative = Product::kXor;
#endif

__device__ __forceinline__ uint32_t shared_address(const void* pointer) {
  return static_cast<uint32_t>(__cvta_generic_to_shared(pointer));
}

// Asynchronous copies from global to shared memory; what is not inside becomes zero.
struct CopyAsync {
  template <int kWords>
  __device__ __forceinline__ void run(uint32_t* to, const uint32_t* from, bool is_inside) const {
    const uint32_t address = shared_address(to);
    const int size = is_inside ? 4 * kWords : 0;
    if (kWords == 4) {
      asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;"
                   :: "r"(address), "l"(from), "r"(size));
    } else {
      asm volatile("cp.async.ca.shared.global [%0], [%1], %3, %2;"
                   :: "r"(address), "l"(from), "r"(size), "n"(4 * kWords));
    }
  }
};

__device__ __forceinline__ void close_group() { asm volatile("cp.async.commit_group;"); }

template <int kNewer>
__device__ __forceinline__ void wait_for_groups_before() {
  asm volatile("cp.async.wait_group %0;" :: "n"(kNewer));
}

// Four 8x8 matrices of 16 bits; lane l points at row l % 8 of matrix l / 8.
__device__ __forceinline__ void load_matrices(const uint32_t* row, uint32_t (&out)[4]) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(out[0]), "=r"(out[1]), "=r"(out[2]), "=r"(out[3])
               : "r"(shared_address(row)));
}

template <Product kProduct>
__device__ __forceinline__ void multiply_bits(int32_t (&sums)[4], const uint32_t (&a)[4],
                                              uint32_t b0, uint32_t b1) {
  if (kProduct == Product::kXor) {
    asm volatile(
        "mma.sync.aligned.m16n8k256.row.col.s32.b1.b1.s32.xor.popc "
        "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
        : "+r"(sums[0]), "+r"(sums[1]), "+r"(sums[2]), "+r"(sums[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
  } else {
    asm volatile(
        "mma.sync.aligned.m16n8k256.row.col.s32.b1.b1.s32.and.popc "
        "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
        : "+r"(sums[0]), "+r"(sums[1]), "+r"(sums[2]), "+r"(sums[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
  }
}

// Elements of real maps as floats; stored ones are rounded to nearest even.
struct GlobalMemory {
  static __device__ __forceinline__ float read(const void* data, int type, uint64_t place) {
    if (type == BDC_F32) return static_cast<const float*>(data)[place];
    const uint16_t bits = static_cast<const uint16_t*>(data)[place];
    if (type == BDC_BF16) return __uint_as_float(uint32_t{bits} << 16);
    float value;
    asm("cvt.f32.f16 %0, %1;" : "=f"(value) : "h"(bits));
    return value;
  }

  static __device__ __forceinline__ void write(const bdc_map& map, uint64_t place, float value) {
    if (map.type == BDC_F32) {
      static_cast<float*>(map.data)[place] = value;
      return;
    }
    uint16_t bits;
    if (map.type == BDC_BF16) {
      asm("cvt.rn.bf16.f32 %0, %1;" : "=h"(bits) : "f"(value));
    } else {
      asm("cvt.rn.f16.f32 %0, %1;" : "=h"(bits) : "f"(value));
    }
    static_cast<uint16_t*>(map.data)[place] = bits;
  }
};

}  // namespace bdc

#endif  // BDC_CUDA_INSTRUCTIONS_CUH_
