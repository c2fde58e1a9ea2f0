# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Occupancy as point clouds: one point per voxel, at its centre.

Free voxels are left out, and so are those that no contributing camera sees; what is left out
without being free is therefore unknown. An occupancy without anything gives an empty cloud.
"""

from functools import lru_cache

import numpy as np
from sensor_msgs.msg import PointCloud2
from std_msgs.msg import Header

from bdc_occ_ros.classes import OCCUPANCY_CLASS_NAMES, OCCUPANCY_COLORS_RGB
from bdc_occ_ros.datatypes import Occupancy
from bdc_occ_ros.geometry.voxel_grid import VoxelGrid
from bdc_occ_ros.ros.node_config import GridConfig
from bdc_occ_ros.ros.obstacles import obstacle_cells
from bdc_occ_ros.ros.point_cloud import cloud_from_points

OTHER_COLOR_RGB = (128, 128, 128)

_POSITION = [('x', np.float32), ('y', np.float32), ('z', np.float32)]
_LABEL = [('label', np.uint32)]
_RGB = [('rgb', np.float32)]
_CONFIDENCE = [('confidence', np.float32)]


@lru_cache(maxsize=4)
def _centers_m(grid: VoxelGrid) -> np.ndarray:
    """Return the centres of all cells in the order of a flattened grid, (N, 3) float32."""
    return grid.centers_m(np.indices(grid.shape).reshape(3, -1).T)


@lru_cache(maxsize=4)
def _nearness_rank(grid: VoxelGrid) -> np.ndarray:
    """Return the place of every cell when sorted by distance from the vehicle's axis, (N,)."""
    distances_m = np.hypot(*_centers_m(grid)[:, :2].T)
    rank = np.empty(len(distances_m), dtype=np.int32)
    rank[np.argsort(distances_m, kind='stable')] = np.arange(len(rank), dtype=np.int32)
    return rank


def nearest_cells(cells: np.ndarray, grid: VoxelGrid, max_cells: int) -> tuple[np.ndarray, int]:
    """
    Choose cells by distance, the same ones every time.

    :param cells: Candidates, (X, Y, Z) bool.
    :param max_cells: How many may stay; 0 sets no limit.
    :return: Rising flat indices (N,), and how many cells were left out.
    """
    indices = np.flatnonzero(cells)
    num_dropped = len(indices) - max_cells if max_cells else 0
    if num_dropped <= 0:
        return indices, 0
    nearest = np.argpartition(_nearness_rank(grid)[indices], max_cells - 1)[:max_cells]
    return np.sort(indices[nearest]), num_dropped


def class_colors_rgb(class_names: tuple[str, ...]) -> np.ndarray:
    """
    Return the colour per class, (K, 3) uint8; grey for a class that has none.

    :param class_names: Names in the order of the labels.
    """
    known = dict(zip(OCCUPANCY_CLASS_NAMES, OCCUPANCY_COLORS_RGB))
    return np.array([known.get(name, OTHER_COLOR_RGB) for name in class_names], dtype=np.uint8)


@lru_cache(maxsize=4)
def _packed_colors(class_names: tuple[str, ...]) -> np.ndarray:
    """Return the colours as PCL and RViz want them: 0x00RRGGBB in the bits of a float32."""
    red, green, blue = class_colors_rgb(class_names).astype(np.uint32).T
    return (red << 16 | green << 8 | blue).view(np.float32)


def _points(occupancy: Occupancy, indices: np.ndarray, dtype: list,
            output_from_ego: np.ndarray | None) -> np.ndarray:
    """Return a structured array with positions and labels of the cells."""
    points = np.empty(len(indices), dtype)
    positions_m = np.take(_centers_m(occupancy.grid), indices, axis=0)
    if output_from_ego is not None:
        moved = output_from_ego.astype(np.float32)
        positions_m = positions_m @ moved[:3, :3].T + moved[:3, 3]
    for axis, name in enumerate('xyz'):
        points[name] = positions_m[:, axis]
    points['label'] = np.take(occupancy.labels.reshape(-1), indices)
    return points


def occupancy_to_cloud(occupancy: Occupancy, header: Header, max_points: int = 0,
                       output_from_ego: np.ndarray | None = None) -> tuple[PointCloud2, int]:
    """
    Return all that is seen and not free.

    Fields are x y z (metres), rgb, label (UINT32) and, where the occupancy has it, confidence.

    :param occupancy: The grid in the ego frame.
    :param header: Stamp, and the frame that output_from_ego maps into.
    :param max_points: Keep only so many, the nearest ones; 0 sets no limit.
    :param output_from_ego: Pose of the ego frame in the output frame, (4, 4); None where they
        are the same.
    :return: The cloud, and how many points the limit cut off.
    """
    indices, num_dropped = nearest_cells(occupancy.occupied, occupancy.grid, max_points)
    has_confidence = occupancy.confidence is not None
    dtype = _POSITION + _RGB + _LABEL + (_CONFIDENCE if has_confidence else [])
    points = _points(occupancy, indices, dtype, output_from_ego)
    points['rgb'] = _packed_colors(occupancy.class_names)[points['label']]
    if has_confidence:
        points['confidence'] = np.take(occupancy.confidence.reshape(-1), indices)
    return cloud_from_points(header, points), num_dropped


def occupancy_to_obstacles(occupancy: Occupancy, header: Header, settings: GridConfig,
                           max_points: int = 0, output_from_ego: np.ndarray | None = None
                           ) -> tuple[PointCloud2, int]:
    """
    Return what a vehicle must not touch: without ground classes and within the height band.

    Fields are x y z (metres) and label (UINT32). A map to another frame is applied after the
    band was cut, which therefore is one of the ego frame.

    :param occupancy: The grid in the ego frame.
    :param header: Stamp, and the frame that output_from_ego maps into.
    :param settings: Ground classes and height band.
    :param max_points: Keep only so many, the nearest ones; 0 sets no limit.
    :param output_from_ego: Pose of the ego frame in the output frame, (4, 4), or None.
    :return: The cloud, and how many points the limit cut off.
    :raises InvalidConfigError: if the settings do not fit the network's classes and grid.
    """
    indices, num_dropped = nearest_cells(
        obstacle_cells(occupancy, settings), occupancy.grid, max_points)
    points = _points(occupancy, indices, _POSITION + _LABEL, output_from_ego)
    return cloud_from_points(header, points), num_dropped
