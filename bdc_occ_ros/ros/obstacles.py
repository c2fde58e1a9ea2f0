# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Which voxels are obstacles and which are ground, by class and by height."""

import numpy as np

from bdc_occ_ros.datatypes import Occupancy
from bdc_occ_ros.errors import InvalidConfigError
from bdc_occ_ros.geometry.voxel_grid import VoxelGrid
from bdc_occ_ros.ros.node_config import GridConfig

EDGE_TOLERANCE_M = 1e-6


def is_ground_label(occupancy: Occupancy, settings: GridConfig) -> np.ndarray:
    """
    Return which labels are ground, (K,) bool.

    :param occupancy: Brings the class names.
    :param settings: Brings the names of ground classes.
    :raises InvalidConfigError: if a ground class is no class of the network.
    """
    unknown = sorted(set(settings.ground_classes) - set(occupancy.class_names))
    if unknown:
        raise InvalidConfigError(
            f'grid.ground_classes: {unknown} are no classes of the network; it knows '
            f'{list(occupancy.class_names)}')
    return np.array([name in settings.ground_classes for name in occupancy.class_names])


def band_layers(grid: VoxelGrid, settings: GridConfig) -> slice:
    """
    Return the layers of voxels that reach into the height band.

    :raises InvalidConfigError: if the band lies outside the grid.
    """
    edges_m = grid.lower_m[2] + grid.cell_size_m[2] * np.arange(grid.shape[2] + 1)
    inside = ((edges_m[1:] > settings.min_height_m + EDGE_TOLERANCE_M)
              & (edges_m[:-1] < settings.max_height_m - EDGE_TOLERANCE_M))
    layers = np.flatnonzero(inside)
    if not len(layers):
        raise InvalidConfigError(
            f'the height band {settings.min_height_m} to {settings.max_height_m} m misses the '
            f'grid, which spans {edges_m[0]:.2f} to {edges_m[-1]:.2f} m; set grid.min_height_m '
            'and grid.max_height_m')
    return slice(int(layers[0]), int(layers[-1]) + 1)


def obstacle_cells(occupancy: Occupancy, settings: GridConfig) -> np.ndarray:
    """
    Return the cells that a vehicle must not touch.

    :param settings: Ground classes and height band.
    :return: Seen, in the band, and neither free nor ground, (X, Y, Z) bool.
    :raises InvalidConfigError: if the settings do not fit the network's classes and grid.
    """
    is_obstacle = ~is_ground_label(occupancy, settings)
    is_obstacle[occupancy.free_label] = False
    layers = band_layers(occupancy.grid, settings)
    cells = np.zeros(occupancy.grid.shape, dtype=bool)
    cells[:, :, layers] = (is_obstacle[occupancy.labels[:, :, layers]]
                           & occupancy.observed[:, :, layers])
    return cells
