# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Define the grids in the ego frame: voxels, and the bird's-eye cells below them."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from bdc_occ_ros.errors import InvalidConfigError, InvalidGridError

EDGE_TOLERANCE_M = 1e-6


@dataclass(frozen=True)
class VoxelGrid:
    """
    Define an axis-aligned grid in the ego frame; arrays on it are indexed [x][y][z].

    :param lower_m: Lower corner of the first cell, x y z.
    :raises InvalidGridError: if a size or count is not positive and finite.
    """

    lower_m: tuple[float, float, float] = (-40.0, -40.0, -1.0)
    cell_size_m: tuple[float, float, float] = (0.4, 0.4, 0.4)
    shape: tuple[int, int, int] = (200, 200, 16)

    def __post_init__(self) -> None:
        numbers = np.array((self.lower_m, self.cell_size_m, self.shape), dtype=np.float64)
        if numbers.shape != (3, 3) or not np.isfinite(numbers).all() or (numbers[1:] <= 0).any():
            raise InvalidGridError(f'a grid needs three positive sizes and counts; got {self}')

    @property
    def upper_m(self) -> tuple[float, ...]:
        """Return the upper corner of the last cell."""
        return tuple(low + size * count for low, size, count
                     in zip(self.lower_m, self.cell_size_m, self.shape))

    def centers_m(self, indices: np.ndarray) -> np.ndarray:
        """Return centres in the ego frame, (..., 3) float32, of cells, (..., 3) integers."""
        lower, size = np.array(self.lower_m), np.array(self.cell_size_m)
        return (lower + (np.asarray(indices) + 0.5) * size).astype(np.float32)

    def layers(self, low_m: float, high_m: float) -> slice:
        """Return the layers of cells that reach into a height band, perhaps none."""
        edges_m = self.lower_m[2] + self.cell_size_m[2] * np.arange(self.shape[2] + 1)
        return slice(int((edges_m[1:] <= low_m + EDGE_TOLERANCE_M).sum()),
                     int((edges_m[:-1] < high_m - EDGE_TOLERANCE_M).sum()))

    def free_columns(self, observed: np.ndarray, height_m: float) -> np.ndarray:
        """
        Return where level ground can be found free, (X, Y) bool: all is seen from it to a height.

        :param observed: Which cells are seen, (X, Y, Z) bool.
        """
        return observed[:, :, self.layers(0.0, height_m)].all(axis=2)

    def indices_of(self, points_m: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """
        Return the cells that hold points.

        :param points_m: Positions in the ego frame, (..., 3), metres.
        :return: Cell indices (..., 3) int64, rounded down, and which points lie inside, (...).
        """
        scaled = (np.asarray(points_m, np.float64) - self.lower_m) / self.cell_size_m
        indices = np.floor(scaled).astype(np.int64)
        return indices, ((indices >= 0) & (indices < self.shape)).all(axis=-1)


@lru_cache(maxsize=4)
def cell_centers_m(grid: VoxelGrid) -> np.ndarray:
    """Return the centres of all cells in the order of a flattened grid, (N, 3) float32."""
    return grid.centers_m(np.indices(grid.shape).reshape(3, -1).T)


@dataclass(frozen=True)
class BevConfig:
    """
    Define the bird's-eye grid that features are summed into, one slab high, in the ego frame.

    :param z_range_m: Bottom and top of the slab.
    """

    x_range_m: tuple[float, float]
    y_range_m: tuple[float, float]
    z_range_m: tuple[float, float]
    cell_size_m: tuple[float, float]

    def __post_init__(self) -> None:
        lower, upper = zip(self.x_range_m, self.y_range_m, self.z_range_m)
        if min(b - a for a, b in zip(lower, upper)) <= 0 or min(self.cell_size_m) <= 0:
            raise InvalidConfigError(f'bev: ranges and cells must be positive; got {self}')

    @property
    def shape(self) -> tuple[int, int]:
        """Return rows (y) and columns (x) of the grid."""
        ranges = zip((self.y_range_m, self.x_range_m), reversed(self.cell_size_m))
        rows, columns = (round((stop - start) / size) for (start, stop), size in ranges)
        return rows, columns
