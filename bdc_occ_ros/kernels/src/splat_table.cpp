// SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
// SPDX-License-Identifier: Apache-2.0
// A counting sort of points by cell: find cells and count, sum the counts, place from the end.
#include "splat_table.h"

#include <string.h>

#include <algorithm>

namespace bdc {
namespace {

constexpr int kPoints = 64;  // looked at at a time
constexpr int32_t kOutside = -1;

// Lower corner, cell size and number of cells, repeated for each of the points looked at.
struct Grid {
  float lower[3 * kPoints], size[3 * kPoints], end[3 * kPoints];

  explicit Grid(const bdc_splat_table& op) {
    const float cells[3] = {float(op.columns), float(op.rows), 1.0f};
    for (int i = 0; i < 3 * kPoints; ++i) {
      lower[i] = op.lower[i % 3];
      size[i] = op.size[i % 3];
      end[i] = cells[i % 3];
    }
  }
};

// Truncate coordinates to indices. What truncates to 0 lies between -1 and 1, both left out; only
// what lies inside is converted, so that neither NaN nor huge values are.
void find_indices(const float* points_m, const Grid& grid, int count, int32_t* indices) {
  for (int i = 0; i < 3 * count; ++i) {
    const float place = (points_m[i] - grid.lower[i]) / grid.size[i];
    const bool is_inside = (place > -1.0f) & (place < grid.end[i]);
    const float safe = is_inside ? place : float(kOutside);
    indices[i] = int32_t(safe);
  }
}

// Find the cell of every point and count the points of every cell.
void count_points(const bdc_splat_table& op, int64_t count) {
  const Grid grid(op);
  int32_t indices[3 * kPoints];
  for (int64_t first = 0; first < count; first += kPoints) {
    const int part = int(std::min<int64_t>(kPoints, count - first));
    find_indices(op.points_m + 3 * first, grid, part, indices);
    for (int i = 0; i < part; ++i) {
      const int32_t x = indices[3 * i], y = indices[3 * i + 1], z = indices[3 * i + 2];
      const int32_t cell = (x | y | z) < 0 ? kOutside : y * op.columns + x;
      op.cells[first + i] = cell;
      if (cell != kOutside) ++op.starts[cell];
    }
  }
}

// Place every point; starts hold the end of each cell before, its begin behind.
void place_points(const bdc_splat_table& op) {
  int32_t point = op.cameras * op.depths * op.pixels_per_camera;
  for (int camera = op.cameras - 1; camera >= 0; --camera) {
    for (int depth = 0; depth < op.depths; ++depth) {
      for (int pixel = op.pixels_per_camera - 1; pixel >= 0; --pixel) {
        const int32_t cell = op.cells[--point];
        if (cell == kOutside) continue;
        const int32_t place = --op.starts[cell];
        op.points[place] = point;
        op.pixels[place] = camera * op.pixels_per_camera + pixel;
      }
    }
  }
}

}  // namespace

void build_splat_table(const bdc_splat_table& op) {
  const int64_t cells = int64_t{op.rows} * op.columns;
  memset(op.starts, 0, size_t(cells + 1) * sizeof(int32_t));
  count_points(op, int64_t{op.cameras} * op.depths * op.pixels_per_camera);
  int32_t total = 0;
  for (int64_t cell = 0; cell <= cells; ++cell) op.starts[cell] = total += op.starts[cell];
  place_points(op);
}

}  // namespace bdc
