# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Convert occupancy to point clouds, to cubes, and to a map on the ground plane.

Free voxels are left out of clouds and cubes, and so are those that no contributing camera sees;
what is left out without being free is therefore unknown. An occupancy without anything gives an
empty message. A column of the map is occupied if a seen voxel of the height band holds anything
but ground. It is free only if ground is seen in it and every voxel of the band is seen too, so
that nothing can stand where no camera looks. Everything else is unknown and stays -1.

Headers bring the stamp and the frame that output_from_ego, (4, 4) metres, maps the ego frame
into; it is None where both are the same.
"""

import array
from collections.abc import Iterable
from functools import lru_cache
import sys

from builtin_interfaces.msg import Duration
from geometry_msgs.msg import Pose, Vector3
from nav_msgs.msg import MapMetaData, OccupancyGrid
import numpy as np
from sensor_msgs.msg import PointCloud2, PointField
from std_msgs.msg import ColorRGBA, Header
from visualization_msgs.msg import Marker, MarkerArray

from bdc_occ_ros.classes import OCCUPANCY_CLASS_NAMES, OCCUPANCY_COLORS_RGB
from bdc_occ_ros.datatypes import Occupancy
from bdc_occ_ros.errors import InvalidConfigError, InvalidGridError
from bdc_occ_ros.geometry.voxel_grid import cell_centers_m, VoxelGrid
from bdc_occ_ros.ros.conversions import point_message, pose_message
from bdc_occ_ros.ros.node_config import GridConfig

UNKNOWN, FREE, OCCUPIED = -1, 0, 100
EDGE_TOLERANCE = 1e-6
LIFETIME = Duration(sec=1)
OTHER_COLOR_RGB = (128, 128, 128)

_DATATYPES = {np.dtype(np.float32): PointField.FLOAT32, np.dtype(np.uint32): PointField.UINT32}
_POSITION = [('x', np.float32), ('y', np.float32), ('z', np.float32)]
_LABEL = [('label', np.uint32)]
_RGB = [('rgb', np.float32)]
_CONFIDENCE = [('confidence', np.float32)]


@lru_cache(maxsize=4)
def _nearness_rank(grid: VoxelGrid) -> np.ndarray:
    """Return the place of every cell when sorted by distance from the vehicle's axis, (N,)."""
    distances_m = np.hypot(*cell_centers_m(grid)[:, :2].T)
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
    """Return the colour per class, (K, 3) uint8; grey for a class that has none."""
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
    positions_m = np.take(cell_centers_m(occupancy.grid), indices, axis=0)
    if output_from_ego is not None:
        moved = output_from_ego.astype(np.float32)
        positions_m = positions_m @ moved[:3, :3].T + moved[:3, 3]
    for axis, name in enumerate('xyz'):
        points[name] = positions_m[:, axis]
    points['label'] = np.take(occupancy.labels.reshape(-1), indices)
    return points


def cloud_from_points(header: Header, points: np.ndarray) -> PointCloud2:
    """
    Make a cloud whose fields are those of a structured array.

    :param points: Structured array without gaps, (N,); fields are float32 or uint32.
    :return: An unorganized cloud, byte for byte that of sensor_msgs_py, which not all have.
    """
    fields = [PointField(name=name, offset=offset, datatype=_DATATYPES[dtype], count=1)
              for name, (dtype, offset) in points.dtype.fields.items()]
    cloud = PointCloud2(
        header=header, height=1, width=len(points), fields=fields, is_dense=False,
        is_bigendian=sys.byteorder == 'big', point_step=points.dtype.itemsize,
        row_step=points.dtype.itemsize * len(points))
    # rclpy takes an array('B') as it is; of anything else it checks every element
    data = array.array('B')
    data.frombytes(memoryview(points).cast('B'))
    cloud.data = data
    return cloud


def occupancy_to_cloud(occupancy: Occupancy, header: Header, max_points: int = 0,
                       output_from_ego: np.ndarray | None = None) -> tuple[PointCloud2, int]:
    """
    Return all that is seen and not free.

    Fields are x y z (metres), rgb, label (UINT32) and, where the occupancy has it, confidence.

    :param max_points: Keep only so many, the nearest ones; 0 sets no limit.
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


def _require_known(setting: str, names: Iterable[str], occupancy: Occupancy) -> None:
    """Refuse names that are no classes of the network."""
    unknown = sorted(set(names) - set(occupancy.class_names))
    if unknown:
        raise InvalidConfigError(f'{setting}: {unknown} are no classes of the network; it knows '
                                 f'{list(occupancy.class_names)}')


def _is_ground_label(occupancy: Occupancy, settings: GridConfig) -> np.ndarray:
    """Return which labels are ground, (K,) bool."""
    _require_known('grid.ground_classes', settings.ground_classes, occupancy)
    return np.array([name in settings.ground_classes for name in occupancy.class_names])


def _band_layers(grid: VoxelGrid, settings: GridConfig) -> slice:
    """Return the layers of voxels that reach into the height band."""
    layers = grid.layers(settings.min_height_m, settings.max_height_m)
    if layers.start >= layers.stop:
        raise InvalidConfigError(
            f'the height band {settings.min_height_m} to {settings.max_height_m} m misses the '
            f'grid, which spans {grid.lower_m[2]:.2f} to {grid.upper_m[2]:.2f} m; set '
            'grid.min_height_m and grid.max_height_m')
    return layers


def _obstacle_cells(occupancy: Occupancy, settings: GridConfig) -> np.ndarray:
    """
    Return the cells that a vehicle must not touch, (X, Y, Z) bool.

    They are seen, in the band, and neither free nor ground.
    """
    is_obstacle = ~_is_ground_label(occupancy, settings)
    is_obstacle[occupancy.free_label] = False
    layers = _band_layers(occupancy.grid, settings)
    cells = np.zeros(occupancy.grid.shape, dtype=bool)
    cells[:, :, layers] = (is_obstacle[occupancy.labels[:, :, layers]]
                           & occupancy.observed[:, :, layers])
    return cells


def occupancy_to_obstacles(occupancy: Occupancy, header: Header, settings: GridConfig,
                           max_points: int = 0, output_from_ego: np.ndarray | None = None
                           ) -> tuple[PointCloud2, int]:
    """
    Return what a vehicle must not touch: without ground classes and within the height band.

    Fields are x y z (metres) and label (UINT32). A map to another frame is applied after the
    band was cut, which therefore is one of the ego frame.

    :param max_points: Keep only so many, the nearest ones; 0 sets no limit.
    :return: The cloud, and how many points the limit cut off.
    :raises InvalidConfigError: if the settings do not fit the network's classes and grid.
    """
    indices, num_dropped = nearest_cells(
        _obstacle_cells(occupancy, settings), occupancy.grid, max_points)
    points = _points(occupancy, indices, _POSITION + _LABEL, output_from_ego)
    return cloud_from_points(header, points), num_dropped


def _costs(occupancy: Occupancy, settings: GridConfig) -> np.ndarray:
    """Return the cost per label, (K,) int8."""
    _require_known('grid.class_cost', settings.costs, occupancy)
    costs = np.where(_is_ground_label(occupancy, settings), FREE, OCCUPIED).astype(np.int8)
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
    ground = _is_ground_label(occupancy, settings)[occupancy.labels] & occupancy.observed
    obstacles = _obstacle_cells(occupancy, settings)
    ground_cost = np.where(ground, costs, UNKNOWN).max(axis=2)
    obstacle_cost = np.where(obstacles, costs, UNKNOWN).max(axis=2)
    band_is_seen = occupancy.observed[:, :, _band_layers(occupancy.grid, settings)].all(axis=2)
    return np.where(obstacle_cost != UNKNOWN, np.maximum(obstacle_cost, ground_cost),
                    np.where(band_is_seen, ground_cost, UNKNOWN)).astype(np.int8)


def _axis_aligned(costs: np.ndarray, grid: VoxelGrid, output_from_ego: np.ndarray
                  ) -> tuple[np.ndarray, np.ndarray]:
    """
    Resample the costs of columns into cells along the axes of the output frame.

    A cell takes the column below its centre, and the dearest obstacle whose own centre lies in
    it, so that none falls between the cells.

    :return: (X, Y) int8, and the lower corner in metres, (2,), a whole number of cells from the
        origin of the frame.
    """
    size_m, turn = grid.cell_size_m[0], output_from_ego[:2, :2]
    start = (turn @ grid.lower_m[:2] + output_from_ego[:2, 3]) / size_m  # all in cells from here
    corners = np.array([(x, y) for x in (0, grid.shape[0]) for y in (0, grid.shape[1])]) @ turn.T
    first = np.floor(start + corners.min(axis=0) + EDGE_TOLERANCE).astype(np.int64)
    end = np.ceil(start + corners.max(axis=0) - EDGE_TOLERANCE).astype(np.int64)
    centers = np.stack(np.indices(end - first), axis=-1) + first + 0.5
    columns = np.floor((centers - start) @ np.linalg.inv(turn).T).astype(np.int64)
    inside = ((columns >= 0) & (columns < costs.shape)).all(axis=-1)
    resampled = np.full(inside.shape, UNKNOWN, np.int8)
    resampled[inside] = costs[tuple(columns[inside].T)]
    obstacles = np.argwhere(costs > FREE)
    cells = np.floor((obstacles + 0.5) @ turn.T + start).astype(np.int64) - first
    np.maximum.at(resampled, tuple(cells.T), costs[tuple(obstacles.T)])
    return resampled, first * size_m


def occupancy_to_grid(occupancy: Occupancy, header: Header, settings: GridConfig,
                      output_from_ego: np.ndarray | None = None) -> OccupancyGrid:
    """
    Return the map on the ground plane, along the axes of the output frame.

    Its origin is never turned, since Nav2's static layer does not look at that.

    :return: Row-major with x fastest; -1 unknown, 0 free, 100 or the class's cost occupied.
    :raises InvalidConfigError: if the settings do not fit the network's classes and grid.
    :raises InvalidGridError: if cells are not square, which the message cannot say.
    """
    grid = occupancy.grid
    if grid.cell_size_m[0] != grid.cell_size_m[1]:
        raise InvalidGridError(
            f'an OccupancyGrid has square cells; got {grid.cell_size_m[:2]} m')
    costs, corner_m, height_m = column_costs(occupancy, settings), grid.lower_m[:2], 0.0
    if output_from_ego is not None:
        costs, corner_m = _axis_aligned(costs, grid, output_from_ego)
        height_m = output_from_ego[2, 3]
    info = MapMetaData(map_load_time=header.stamp, resolution=float(grid.cell_size_m[0]),
                       width=costs.shape[0], height=costs.shape[1],
                       origin=Pose(position=point_message((*corner_m, height_m))))
    return OccupancyGrid(header=header, info=info, data=array.array('b', costs.T.tobytes()))


def unknown_grid(header: Header, info: MapMetaData) -> OccupancyGrid:
    """Return a map of the same place of which nothing is known any more."""
    return OccupancyGrid(header=header, info=info,
                         data=array.array('b', [UNKNOWN]) * (info.width * info.height))


def color_message(color_rgb: np.ndarray, alpha: float) -> ColorRGBA:
    """Return a colour from 0 to 255 and an opacity from 0 to 1."""
    red, green, blue = (float(value) / 255.0 for value in color_rgb)
    return ColorRGBA(r=red, g=green, b=blue, a=alpha)


def occupancy_to_markers(occupancy: Occupancy, header: Header, max_markers: int = 0,
                         output_from_ego: np.ndarray | None = None) -> tuple[MarkerArray, int]:
    """
    Return all that is seen and not free as one CUBE_LIST per class.

    A DELETEALL comes first, since RViz keeps what a later message does not name; where none
    follows the cubes vanish.

    :param max_markers: Keep only so many cubes, the nearest ones; 0 sets no limit.
    :return: The markers, and how many cubes the limit cut off.
    """
    grid = occupancy.grid
    indices, num_dropped = nearest_cells(occupancy.occupied, grid, max_markers)
    centers_m = cell_centers_m(grid)[indices]
    labels = occupancy.labels.reshape(-1)[indices]
    colors_rgb = class_colors_rgb(occupancy.class_names)
    markers = [Marker(header=header, action=Marker.DELETEALL)]
    for label in np.unique(labels):
        x, y, z = map(float, grid.cell_size_m)
        markers.append(Marker(
            header=header, ns=occupancy.class_names[label], id=int(label),
            type=Marker.CUBE_LIST, action=Marker.ADD, pose=pose_message(output_from_ego),
            scale=Vector3(x=x, y=y, z=z), color=color_message(colors_rgb[label], 1.0),
            lifetime=LIFETIME,
            points=[point_message(center) for center in centers_m[labels == label]]))
    return MarkerArray(markers=markers), num_dropped
