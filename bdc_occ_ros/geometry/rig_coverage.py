# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Work out what each camera of a rig contributes to the grid, and what is odd about a rig."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations, groupby
from typing import NamedTuple

import numpy as np

from bdc_occ_ros.geometry.visibility import FieldOfView
from bdc_occ_ros.geometry.voxel_grid import VoxelGrid

LOWEST_M, HIGHEST_M = 0.2, 4.0  # above the base frame; a camera elsewhere is seldom meant
STEEPEST_DEG = 45.0
LARGEST_OVERLAP = 0.8
SECTOR_DEG = 10


class CameraCoverage(NamedTuple):
    """
    Hold what one camera shows to the network.

    :param numbers: By name and unit; yaw is positive to the left, pitch upward, roll where the
        right of the image is lower.
    :param is_given: Which pixels of its straight image the network is given, (H, W) bool.
    :param free: Columns that can be found free by this camera alone, (X, Y) bool.
    """

    name: str
    numbers: Mapping[str, float]
    is_given: np.ndarray
    observed: np.ndarray
    free: np.ndarray


def camera_coverage(view: FieldOfView, grid: VoxelGrid, height_m: float) -> CameraCoverage:
    """Return what a camera shows; free is what is seen from level ground up to a height."""
    camera, is_filled = view.camera, view.preprocessor.undistortion.is_filled
    is_given = (np.ones((camera.height_px, camera.width_px), bool) if is_filled is None
                else is_filled.copy())
    is_given[:int(np.ceil(view.preprocessor.first_row_px))] = False
    rows, columns = np.nonzero(is_given)
    (fx, _, cx), (_, fy, cy), _ = camera.intrinsics
    across, down, ahead = camera.ego_from_camera[:3, :3].T
    angles = {'horizontal': np.ptp(np.arctan((columns - cx) / fx)),
              'vertical': np.ptp(np.arctan((rows - cy) / fy)),
              'yaw': np.arctan2(ahead[1], ahead[0]), 'pitch': np.arcsin(ahead[2]),
              'roll': np.arctan2(-across[2], -down[2])}
    observed = view.cells(grid)
    free = grid.free_columns(observed, height_m)
    return CameraCoverage(camera.name, {
        'first_row': int(rows.min()), 'rows': camera.height_px,
        'height_m': round(float(camera.ego_from_camera[2, 3]), 2),
        **{f'{name}_deg': round(float(np.degrees(angle)), 1) for name, angle in angles.items()},
        'free_cells': int(free.sum())}, is_given, observed, free)


def oddities(coverages: Sequence[CameraCoverage], grid: VoxelGrid, free: np.ndarray
             ) -> Iterator[str]:
    """Say what is probably wrong with a rig, and where all cameras together find nothing free."""
    for name, numbers, *_ in coverages:
        height_m, pitch, roll = (numbers[key] for key in ('height_m', 'pitch_deg', 'roll_deg'))
        if not LOWEST_M <= height_m <= HIGHEST_M:
            yield (f'{name} is {height_m} m above the base frame, which must lie on the ground as '
                   'base_footprint does')
        if max(abs(pitch), abs(roll)) > STEEPEST_DEG:
            yield (f'{name} has pitch {pitch} and roll {roll} degrees; is its frame an optical '
                   'one? See camera_frame_convention')
        if not numbers['free_cells']:
            yield f'{name} alone finds no cell free: it never sees the ground and all above'
    for one, other in combinations(coverages, 2):
        common, either = one.observed & other.observed, one.observed | other.observed
        if common.sum() > LARGEST_OVERLAP * either.sum():
            yield f'{one.name} and {other.name} see the same; are both mounts right?'
    y_m, x_m = (grid.lower_m[axis] + grid.cell_size_m[axis] * (np.arange(grid.shape[axis]) + 0.5)
                for axis in (1, 0))
    sectors = np.floor(np.degrees(np.arctan2(y_m, x_m[:, None])) / SECTOR_DEG)
    for is_blind, gap in groupby(range(-180 // SECTOR_DEG, 180 // SECTOR_DEG),
                                 lambda sector: not free[sectors == sector].any()):
        if is_blind:
            first, *_, end = (edge * SECTOR_DEG for sector in gap for edge in (sector, sector + 1))
            yield f'nothing can be found free from {first} to {end} degrees (0 ahead, 90 left)'
