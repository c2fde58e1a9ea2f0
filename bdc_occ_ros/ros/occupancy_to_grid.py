# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Occupancy as a map on the ground plane.

A column is occupied if a seen voxel of the height band holds anything but ground. It is free
only if ground is seen in it and every voxel of the band is seen too, so that nothing can stand
where no camera looks. Everything else is unknown and stays -1.
"""

import array

from geometry_msgs.msg import Pose
from nav_msgs.msg import MapMetaData, OccupancyGrid
import numpy as np
from std_msgs.msg import Header

from bdc_occ_ros.datatypes import Occupancy
from bdc_occ_ros.errors import InvalidConfigError, InvalidGridError
from bdc_occ_ros.geometry.voxel_grid import VoxelGrid
from bdc_occ_ros.ros.node_config import GridConfig
from bdc_occ_ros.ros.obstacles import band_layers, is_ground_label, obstacle_cells
from bdc_occ_ros.ros.poses_to_messages import pose_message

UNKNOWN, FREE, OCCUPIED = -1, 0, 100


def _costs(occupancy: Occupancy, settings: GridConfig) -> np.ndarray:
    """Return the cost per label, (K,) int8."""
    unknown = sorted(set(settings.costs) - set(occupancy.class_names))
    if unknown:
        raise InvalidConfigError(
            f'grid.class_cost: {unknown} are no classes of the network; it knows '
            f'{list(occupancy.class_names)}')
    costs = np.where(is_ground_label(occupancy, settings), FREE, OCCUPIED).astype(np.int8)
    for name, cost in settings.costs.items():
        costs[occupancy.class_names.index(name)] = cost
    return costs


def column_costs(occupancy: Occupancy, settings: GridConfig) -> np.ndarray:
    """
    Return the cost of every column of voxels.

    :param settings: Ground classes, height band and costs; the dearest class of a column counts.
    :return: -1 unknown, else 0 to 100, (X, Y) int8.
    :raises InvalidConfigError: if the settings do not fit the network's classes and grid.
    """
    costs = _costs(occupancy, settings)[occupancy.labels]
    ground = is_ground_label(occupancy, settings)[occupancy.labels] & occupancy.observed
    obstacles = obstacle_cells(occupancy, settings)
    ground_cost = np.where(ground, costs, UNKNOWN).max(axis=2)
    obstacle_cost = np.where(obstacles, costs, UNKNOWN).max(axis=2)
    band_is_seen = occupancy.observed[:, :, band_layers(occupancy.grid, settings)].all(axis=2)
    return np.where(obstacle_cost != UNKNOWN, np.maximum(obstacle_cost, ground_cost),
                    np.where(band_is_seen, ground_cost, UNKNOWN)).astype(np.int8)


def _origin(grid: VoxelGrid, output_from_ego: np.ndarray | None) -> Pose:
    """Return the pose of the corner of cell (0, 0), on the plane z = 0 of the ego frame."""
    corner = np.eye(4)
    corner[:2, 3] = grid.lower_m[:2]
    return pose_message(corner if output_from_ego is None else output_from_ego @ corner)


def occupancy_to_grid(occupancy: Occupancy, header: Header, settings: GridConfig,
                      output_from_ego: np.ndarray | None = None) -> OccupancyGrid:
    """
    Return the map on the ground plane.

    :param occupancy: The grid in the ego frame.
    :param header: Stamp, and the frame that output_from_ego maps into.
    :param settings: Ground classes, height band and costs.
    :param output_from_ego: Pose of the ego frame in the output frame, (4, 4), or None; it turns
        the origin of the map, which RViz honours and Nav2's static layer does not.
    :return: Row-major with x fastest; -1 unknown, 0 free, 100 or the class's cost occupied.
    :raises InvalidConfigError: if the settings do not fit the network's classes and grid.
    :raises InvalidGridError: if cells are not square, which the message cannot say.
    """
    grid = occupancy.grid
    if grid.cell_size_m[0] != grid.cell_size_m[1]:
        raise InvalidGridError(
            f'an OccupancyGrid has square cells; got {grid.cell_size_m[:2]} m')
    info = MapMetaData(map_load_time=header.stamp, resolution=float(grid.cell_size_m[0]),
                       width=grid.shape[0], height=grid.shape[1],
                       origin=_origin(grid, output_from_ego))
    message = OccupancyGrid(header=header, info=info)
    message.data = array.array('b', column_costs(occupancy, settings).T.tobytes())
    return message
