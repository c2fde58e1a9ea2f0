# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Small models of the rules by which costmap layers of Nav2 take grids and clouds.

Written from their sources (Humble and Jazzy), in an odometry frame that is the costmap's.
"""

import numpy as np

FREE, LETHAL, UNKNOWN = 0, 254, 255
CELL_M = 0.4


def centers_m(num):
    """Return the centres of a window around the origin of the costmap, (num, num, 2)."""
    return (np.stack(np.indices((num, num)), axis=-1) + 0.5 - num / 2) * CELL_M


def cells_of(points_m, num):
    """Return which cells of the window hold points, those inside alone, and which these are."""
    cells = np.floor(np.asarray(points_m)[:, :2] / CELL_M + num / 2).astype(int)
    inside = ((cells >= 0) & (cells < num)).all(axis=1)
    return cells[inside], inside


def interpreted(data, settings):
    """Return the costs that the static layer makes of the numbers of a grid."""
    value = np.asarray(data, np.int8).view(np.uint8).astype(int)
    threshold = settings.get('lethal_cost_threshold', 100)
    scaled = (0 if settings.get('trinary_costmap', True) else value * LETHAL // threshold)
    return np.where(
        value == UNKNOWN, UNKNOWN if settings.get('track_unknown_space') else FREE,
        np.where(value >= threshold, LETHAL, scaled))


def static_layer(grid, settings, num, map_from_global=None, before=UNKNOWN):
    """
    Return the costs of a rolling window: a cell takes that of the grid at its centre.

    :param map_from_global: The newest transform into the frame of the grid, (4, 4).
    :param before: Cost of the layers before.
    """
    info, position = grid.info, grid.info.origin.position
    costs = interpreted(grid.data, settings).reshape(info.height, info.width).T
    transform = np.eye(4) if map_from_global is None else map_from_global
    points_m = centers_m(num) @ transform[:2, :2].T + transform[:2, 3]
    cells = np.floor((points_m - (position.x, position.y)) / info.resolution).astype(int)
    inside = ((cells >= 0) & (cells < costs.shape)).all(axis=-1)
    window = np.full((num, num), before)
    window[inside] = costs[tuple(cells[inside].T)]
    return np.maximum(window, before) if settings.get('use_maximum') else window


class ObstacleLayer:
    """Marks points that pass two cuts of height, and clears along rays; remembers both."""

    def __init__(self, layer, num):
        self.layer, self.source = layer, layer[layer['observation_sources']]
        self.window = np.full((num, num), UNKNOWN)

    def take(self, points_m, origin_m):
        """
        Clear and mark by one cloud.

        :param points_m: In the frame of the costmap, (N, 3).
        :param origin_m: Where sensor_frame is, or the origin of the cloud's frame.
        """
        source, layer = self.source, self.layer
        points_m = points_m[
            (points_m[:, 2] >= source.get('min_obstacle_height', 0.0))
            & (points_m[:, 2] <= source.get('max_obstacle_height', 0.0))]
        if source.get('clearing', False):
            for point_m in points_m:
                self.clear(point_m, origin_m, source.get('raytrace_max_range', 3.0))
        ranges_m = np.linalg.norm(points_m[:, :2] - origin_m[:2], axis=1)
        points_m = points_m[
            (ranges_m <= source.get('obstacle_max_range', 2.5))
            & (points_m[:, 2] >= layer.get('min_obstacle_height', 0.0))
            & (points_m[:, 2] <= layer.get('max_obstacle_height', 2.0))]
        self.mark(points_m)

    def mark(self, points_m):
        cells, _ = cells_of(points_m, len(self.window))
        self.window[tuple(cells.T)] = LETHAL

    def ray(self, point_m, origin_m, range_m):
        """Return points along a ray that ends before its own last cell."""
        way_m = point_m - origin_m
        length_m = np.linalg.norm(way_m)
        steps_m = np.arange(0.0, min(length_m - 2 * CELL_M, range_m), CELL_M / 4)
        return origin_m + steps_m[:, None] * way_m / length_m

    def clear(self, point_m, origin_m, range_m):
        cells, _ = cells_of(self.ray(point_m, origin_m, range_m), len(self.window))
        self.window[tuple(cells.T)] = FREE


class VoxelLayer(ObstacleLayer):
    """The same in voxels, of which a column has at most sixteen."""

    def __init__(self, layer, num):
        super().__init__(layer, num)
        self.marked = np.zeros((num, num, layer.get('z_voxels', 10)), bool)

    def heights_of(self, points_m):
        layer = self.layer
        return np.floor((points_m[:, 2] - layer.get('origin_z', 0.0))
                        / layer.get('z_resolution', 0.2)).astype(int)

    def voxels_of(self, points_m):
        cells, inside = cells_of(points_m, len(self.window))
        heights = self.heights_of(points_m)[inside]
        known = (heights >= 0) & (heights < self.marked.shape[2])
        return (*cells[known].T, heights[known])

    def mark(self, points_m):
        voxels = self.voxels_of(points_m)
        self.marked[voxels] = True
        self.window[voxels[:2]] = LETHAL

    def clear(self, point_m, origin_m, range_m):
        voxels = self.voxels_of(self.ray(point_m, origin_m, range_m))
        self.marked[voxels] = False
        columns = voxels[:2]
        self.window[columns] = np.where(self.marked[columns].any(axis=-1), LETHAL, FREE)


class SpatioTemporalVoxelLayer:
    """Marks points until they are older than voxel_decay, and says nothing else."""

    def __init__(self, voxel_decay_s, num):
        self.voxel_decay_s, self.num = voxel_decay_s, num
        self.seen_s = {}

    def take(self, points_m, now_s):
        for cell in cells_of(points_m, self.num)[0]:
            self.seen_s[tuple(cell)] = now_s

    def window_at(self, now_s):
        window = np.full((self.num, self.num), UNKNOWN)
        for cell, seen_s in self.seen_s.items():
            if now_s - seen_s <= self.voxel_decay_s:
                window[cell] = LETHAL
        return window
