# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The right answer for a set of views: labelled cells, which of them a camera sees, boxes."""

from collections.abc import Mapping

import numpy as np

from bdc_occ_ros.camera_rig import CameraRig
from bdc_occ_ros.classes import DETECTION_CLASS_NAMES
from bdc_occ_ros.classes import FREE_LABEL
from bdc_occ_ros.classes import OCCUPANCY_CLASS_NAMES
from bdc_occ_ros.datatypes import Boxes
from bdc_occ_ros.datatypes import Occupancy
from bdc_occ_ros.datatypes import VoxelGrid
from bdc_occ_ros.scene.ground import ground_labels
from bdc_occ_ros.scene.solids import Part
from bdc_occ_ros.scene.solids import SceneObject
from bdc_occ_ros.scene.street import Street

THINNEST_HALF_M = 0.21
SURFACE_TOLERANCE_M = 0.35
NEAR_M = 0.3


def ground_truth(street: Street, rig: CameraRig, world_from_ego: Mapping[str, np.ndarray],
                 inverse_depths: Mapping[str, np.ndarray], time_s: float, stamp_ns: int,
                 grid: VoxelGrid | None = None) -> tuple[Occupancy, Boxes]:
    """
    Label the grid around the rig and list the objects in it that a camera sees.

    :param street: The scene.
    :param rig: The cameras.
    :param world_from_ego: Ego pose at the exposure of every camera, (4, 4).
    :param inverse_depths: One over the depth in every camera's image, (H, W), 1/m, 0 in the sky.
    :param time_s: Time of the key camera's exposure since the scene began.
    :param stamp_ns: Its stamp.
    :param grid: Where the cells are; that of Occ3D if None.
    """
    grid = grid or VoxelGrid()
    world_from_key = world_from_ego[rig.key_camera]
    centers_m = grid.centers_m(np.stack(np.indices(grid.shape), axis=-1))
    labels = np.full(grid.shape, FREE_LABEL, np.uint8)
    _lay_ground(labels, grid, centers_m, world_from_key)
    cells = [_fill_object(labels, grid, item, world_from_key, time_s) for item in street.objects]
    observed = np.zeros(grid.shape, bool)
    for camera in rig.cameras:
        camera_from_key = np.linalg.inv(
            world_from_ego[camera.name] @ camera.ego_from_camera) @ world_from_key
        _see(observed, centers_m, camera.intrinsics, camera_from_key,
             inverse_depths[camera.name])
    seen = [item for item, inside in zip(street.objects, cells)
            if OCCUPANCY_CLASS_NAMES[item.label] in DETECTION_CLASS_NAMES
            and observed.reshape(-1)[inside].any()]
    occupancy = Occupancy(grid, labels, observed, OCCUPANCY_CLASS_NAMES, FREE_LABEL, stamp_ns)
    return occupancy, _boxes(seen, world_from_key, time_s, stamp_ns)


def _lay_ground(labels: np.ndarray, grid: VoxelGrid, centers_m: np.ndarray,
                world_from_key: np.ndarray) -> None:
    """Label the layer that holds the road surface."""
    layer = int(np.floor(-grid.lower_m[2] / grid.cell_size_m[2]))
    ground_m = centers_m[:, :, layer, :2] @ world_from_key[:2, :2].T + world_from_key[:2, 3]
    labels[:, :, layer] = ground_labels(ground_m[..., 0], ground_m[..., 1])


def _fill_object(labels: np.ndarray, grid: VoxelGrid, item: SceneObject,
                 world_from_key: np.ndarray, time_s: float) -> np.ndarray:
    """Label the cells of one object and return their flat indices."""
    key_from_object = np.linalg.inv(world_from_key) @ item.world_from_object(time_s)
    found = [np.empty(0, np.int64)]
    for part in item.parts:
        found.append(_cells_in(part, grid, key_from_object))
    inside = np.concatenate(found)
    labels.reshape(-1)[inside] = item.label
    return inside


def _cells_in(part: Part, grid: VoxelGrid, key_from_object: np.ndarray) -> np.ndarray:
    """Return the flat indices of the cells whose centre lies in a box, thin ones widened."""
    half_m = np.maximum(np.array(part.size_m) / 2, THINNEST_HALF_M)
    middle_m = key_from_object[:3, :3] @ part.center_m + key_from_object[:3, 3]
    reach_m = np.abs(key_from_object[:3, :3]) @ half_m
    first, _ = grid.indices_of(middle_m - reach_m)
    last, _ = grid.indices_of(middle_m + reach_m)
    first, last = np.maximum(first, 0), np.minimum(last, np.array(grid.shape) - 1)
    if (last < first).any():
        return np.empty(0, np.int64)
    indices = np.stack(np.meshgrid(*(np.arange(a, b + 1) for a, b in zip(first, last)),
                                   indexing='ij'), axis=-1).reshape(-1, 3)
    local_m = (grid.centers_m(indices) - middle_m) @ key_from_object[:3, :3]
    inside = (np.abs(local_m) <= half_m).all(axis=-1)
    return np.ravel_multi_index(tuple(indices[inside].T), grid.shape)


def _see(observed: np.ndarray, centers_m: np.ndarray, intrinsics: np.ndarray,
         camera_from_key: np.ndarray, inverse_depth: np.ndarray) -> None:
    """Mark the cells whose centre is in the image and not behind a surface."""
    hidden = np.flatnonzero(~observed)
    transform = camera_from_key.astype(np.float32)
    points_m = centers_m.reshape(-1, 3)[hidden] @ transform[:3, :3].T + transform[:3, 3]
    ahead = points_m[:, 2] > NEAR_M
    hidden, points_m = hidden[ahead], points_m[ahead]
    pixels = points_m @ intrinsics.astype(np.float32).T
    column, row = np.rint(pixels[:, :2] / pixels[:, 2:]).astype(np.int32).T
    height, width = inverse_depth.shape
    inside = (column >= 0) & (column < width) & (row >= 0) & (row < height)
    surface = inverse_depth[row[inside], column[inside]]
    in_front = (points_m[inside, 2] - SURFACE_TOLERANCE_M) * surface <= 1.0
    observed.reshape(-1)[hidden[inside][in_front]] = True


def _boxes(items: list[SceneObject], world_from_key: np.ndarray, time_s: float, stamp_ns: int
           ) -> Boxes:
    """Return the boxes of objects that overlap the key ego frame's grid."""
    key_from_world = np.linalg.inv(world_from_key)
    ego_yaw = np.arctan2(world_from_key[1, 0], world_from_key[0, 0])
    centers, sizes, velocities = np.zeros((3, len(items), 3))
    for row, item in enumerate(items):
        lower, upper = item.bounds_m
        world = item.world_from_object(time_s) @ np.append((lower + upper) / 2, 1.0)
        centers[row] = (key_from_world @ world)[:3]
        sizes[row] = upper - lower
        velocities[row, :2] = key_from_world[:2, :2] @ item.velocity_mps
    yaws = np.array([item.yaw_rad for item in items]) - ego_yaw
    names = [OCCUPANCY_CLASS_NAMES[item.label] for item in items]
    return Boxes(centers, sizes, np.arctan2(np.sin(yaws), np.cos(yaws)), velocities[:, :2],
                 np.ones(len(items)), np.array([DETECTION_CLASS_NAMES.index(n) for n in names],
                                               np.int64),
                 DETECTION_CLASS_NAMES, stamp_ns)
