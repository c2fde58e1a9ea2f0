# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Work out what each camera of a rig contributes to the grid, and what is odd about a rig."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations, groupby
from typing import NamedTuple

import numpy as np

from bdc_occ_ros.geometry.rig_geometry import CameraGeometry
from bdc_occ_ros.geometry.visibility import free_columns
from bdc_occ_ros.geometry.voxel_grid import VoxelGrid

LOWEST_M, HIGHEST_M = 0.2, 4.0  # above the base frame; a camera elsewhere is seldom meant
STEEPEST_DEG = 45.0
LARGEST_OVERLAP = 0.8
SECTOR_DEG = 10


class CameraCoverage(NamedTuple):
    """
    Hold what one camera shows to the network.

    :param numbers: Rows, field of view, mount and free cells, by name and unit; yaw is positive
        to the left, pitch upward, roll where the right of the image is lower.
    :param is_given: Which pixels of its straight image the network is given, (H, W) bool.
    :param observed: Cells in view, (X, Y, Z) bool.
    :param free: Columns that can be found free by this camera alone, (X, Y) bool.
    """

    name: str
    numbers: Mapping[str, float]
    is_given: np.ndarray
    observed: np.ndarray
    free: np.ndarray


def camera_coverage(geometry: CameraGeometry, grid: VoxelGrid, height_m: float) -> CameraCoverage:
    """
    Return what a camera shows to a network.

    :param height_m: Up to where a column must be seen to be found free.
    """
    camera, preprocessor = geometry.camera, geometry.preprocessor
    is_given = np.ones((camera.height_px, camera.width_px), bool)
    if preprocessor.undistortion.is_filled is not None:
        is_given &= preprocessor.undistortion.is_filled
    is_given[:int(np.ceil(preprocessor.first_row_px))] = False
    rows, columns = np.nonzero(is_given)
    (fx, _, cx), (_, fy, cy), _ = camera.intrinsics
    across, down, ahead = camera.ego_from_camera[:3, :3].T
    yaw, pitch, roll = np.arctan2((ahead[1], ahead[2], -across[2]),
                                  (ahead[0], np.hypot(*ahead[:2]), -down[2]))
    angles = {'horizontal': np.ptp(np.arctan((columns - cx) / fx)),
              'vertical': np.ptp(np.arctan((rows - cy) / fy)),
              'yaw': yaw, 'pitch': pitch, 'roll': roll}
    observed = geometry.field_of_view.cells(grid)
    free = free_columns(observed, grid, height_m)
    return CameraCoverage(camera.name, {
        'first_row': int(rows.min()), 'rows': camera.height_px,
        'height_m': round(float(camera.ego_from_camera[2, 3]), 2),
        **{f'{name}_deg': round(float(np.degrees(angle)), 1) for name, angle in angles.items()},
        'free_cells': int(free.sum())}, is_given, observed, free)


def oddities(coverages: Sequence[CameraCoverage], grid: VoxelGrid, free: np.ndarray
             ) -> Iterator[str]:
    """
    Say what is probably wrong with a rig, and where it sees nothing.

    :param free: Columns that can be found free by all cameras together, (X, Y) bool.
    """
    for name, numbers, *_ in coverages:
        if not LOWEST_M <= numbers['height_m'] <= HIGHEST_M:
            yield (f'{name} is {numbers["height_m"]} m above the base frame, which must lie on '
                   'the ground, as base_footprint does')
        if max(abs(numbers['pitch_deg']), abs(numbers['roll_deg'])) > STEEPEST_DEG:
            yield (f'{name} has pitch {numbers["pitch_deg"]:.0f} and roll '
                   f'{numbers["roll_deg"]:.0f} degrees; is its frame an optical one? See '
                   'camera_frame_convention')
        if not numbers['free_cells']:
            yield f'{name} alone finds no cell free: it never sees the ground and all above'
    for one, other in combinations(coverages, 2):
        if (one.observed & other.observed).sum() > LARGEST_OVERLAP * (
                one.observed | other.observed).sum():
            yield f'{one.name} and {other.name} see the same; are both mounts right?'
    x_m, y_m = (low + size * (np.arange(count) + 0.5) for low, size, count
                in zip(grid.lower_m[:2], grid.cell_size_m, grid.shape))
    sectors = np.floor(np.degrees(np.arctan2(y_m, x_m[:, None])) / SECTOR_DEG)
    for is_blind, gap in groupby(range(-180 // SECTOR_DEG, 180 // SECTOR_DEG),
                                 lambda sector: not free[sectors == sector].any()):
        if is_blind:
            first, *_, end = (edge for sector in gap for edge in (sector, sector + 1))
            yield (f'nothing can be found free from {first * SECTOR_DEG} to {end * SECTOR_DEG} '
                   'degrees, where 0 is ahead and 90 left')
