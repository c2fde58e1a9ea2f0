# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Compute RayIoU: what a LiDAR would meet in prediction and truth (arXiv:2312.17118, Sec. 4).

Rays start where the LiDAR was in the course of the scene. The first occupied voxel of each counts
as right if its class is right and its distance is off by less than a threshold. A ray that meets
nothing in the truth is left out, so that thick walls in the prediction gain nothing.
"""

import math
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from bdc_occ_ros.errors import InvalidGridError
from bdc_occ_ros.geometry.voxel_grid import VoxelGrid

THRESHOLDS_M = (1.0, 2.0, 4.0)
NUM_AZIMUTHS = 360
NUM_DOWNWARD_PITCHES = 10
HIGHEST_PITCH_RAD = 0.21
MAX_ORIGINS = 8
MAX_ORIGIN_M = 39.0


class RayHits(NamedTuple):
    """
    Hold where rays end.

    :param voxels: Flat index into the grid of the voxel hit, (R,) int64; -1 without a hit.
    :param distances_m: To where the ray enters that voxel, or leaves the grid, (R,) float64.
    """

    voxels: Tensor
    distances_m: Tensor


def cast_rays(occupied: Tensor, grid: VoxelGrid, origins_m: Tensor, directions: Tensor
              ) -> RayHits:
    """
    Follow rays through a grid until the first occupied voxel (Amanatides and Woo, 1987).

    The voxel an origin lies in counts as well, at distance 0.

    :param occupied: (X, Y, Z) bool.
    :param origins_m: (R, 3) metres, inside the grid.
    :param directions: (R, 3) unit vectors.
    :raises InvalidGridError: if an origin lies outside the grid.
    """
    device = occupied.device
    lower, size = (torch.tensor(v, dtype=torch.float64, device=device)
                   for v in (grid.lower_m, grid.cell_size_m))
    shape = torch.tensor(grid.shape, device=device)
    position = (origins_m.to(device, torch.float64) - lower) / size
    direction = directions.to(device, torch.float64) / size  # voxels per metre
    voxel = position.floor().long()
    if ((voxel < 0) | (voxel >= shape)).any():
        raise InvalidGridError('rays begin inside the grid; an origin lies outside')
    step = direction.sign().long()
    per_voxel_m = direction.abs().reciprocal()
    to_face = torch.where(step > 0, voxel + 1 - position, position - voxel)
    next_m = torch.where(step == 0, torch.inf, to_face * per_voxel_m)
    per_voxel_m = torch.where(step == 0, 0.0, per_voxel_m)
    strides = torch.tensor((grid.shape[1] * grid.shape[2], grid.shape[2], 1), device=device)
    hits = torch.full((len(position),), -1, dtype=torch.long, device=device)
    distances_m = torch.zeros(len(position), dtype=torch.float64, device=device)
    flat, alive = occupied.reshape(-1), torch.arange(len(position), device=device)
    while len(alive):
        index = (voxel * strides).sum(dim=1)
        is_hit = flat[index]
        hits[alive[is_hit]] = index[is_hit]
        axis = next_m.argmin(dim=1, keepdim=True)
        entered_m = next_m.gather(1, axis)
        voxel = voxel.scatter_add(1, axis, step.gather(1, axis))
        next_m = next_m.scatter_add(1, axis, per_voxel_m.gather(1, axis))
        distances_m[alive[~is_hit]] = entered_m[~is_hit, 0]
        goes_on = ~is_hit & ((voxel >= 0) & (voxel < shape)).all(dim=1)
        alive, voxel, next_m, step, per_voxel_m = (
            t[goes_on] for t in (alive, voxel, next_m, step, per_voxel_m))
    return RayHits(hits, distances_m)


def lidar_directions() -> Tensor:
    """
    Return the rays of the made-up LiDAR, (R, 3) float64 unit vectors.

    They are 360 azimuths by pitches that meet flat ground at equal steps of distance, and go on
    upward at the last step to 0.21 rad.
    """
    pitches = [-(math.pi / 2 - math.atan(k + 1)) for k in range(NUM_DOWNWARD_PITCHES)]
    while pitches[-1] < HIGHEST_PITCH_RAD:
        pitches.append(2 * pitches[-1] - pitches[-2])
    pitch = torch.tensor(pitches, dtype=torch.float64).unsqueeze(1)
    azimuth = torch.arange(NUM_AZIMUTHS, dtype=torch.float64).deg2rad()
    return torch.stack(torch.broadcast_tensors(
        pitch.cos() * azimuth.cos(), pitch.cos() * azimuth.sin(), pitch.sin()),
        dim=-1).flatten(0, 1)


def choose_origins(lidar_positions_m: np.ndarray) -> np.ndarray:
    """
    Choose where rays start: up to eight of a scene's LiDAR positions that the grid holds.

    :param lidar_positions_m: In the ego frame of the frame that is scored, in order of time,
        (N, 3), metres.
    :return: Those less than 39 m away in x and in y, evenly thinned out to eight, (M, 3).
    """
    near = lidar_positions_m[(np.abs(lidar_positions_m[:, :2]) < MAX_ORIGIN_M).all(axis=1)]
    if len(near) <= MAX_ORIGINS:
        return near
    return near[np.round(np.linspace(0, len(near) - 1, MAX_ORIGINS)).astype(int)]


class RayIou:
    """Count hits over all frames; the number of classes includes the free one."""

    def __init__(self, num_classes: int, free_label: int, grid: VoxelGrid) -> None:
        self.free_label = free_label
        self.grid = grid
        self.num_right = np.zeros((len(THRESHOLDS_M), num_classes), dtype=np.int64)
        self.num_true = np.zeros(num_classes, dtype=np.int64)
        self.num_predicted = np.zeros(num_classes, dtype=np.int64)
        self._directions = lidar_directions()

    def add(self, predicted: np.ndarray, truth: np.ndarray, origins_m: np.ndarray) -> None:
        """
        Count one frame.

        :param predicted: Labels (X, Y, Z) integer.
        :param truth: Labels of the same shape.
        :param origins_m: Where rays start, (M, 3), ego frame, see choose_origins.
        :raises InvalidGridError: if a shape is not the grid's or an origin lies outside.
        """
        if not predicted.shape == truth.shape == self.grid.shape:
            raise InvalidGridError(f'prediction and truth must be {self.grid.shape}; got '
                                   f'{predicted.shape} and {truth.shape}')
        origins = torch.as_tensor(origins_m, dtype=torch.float64)
        rays = (origins.repeat_interleave(len(self._directions), dim=0),
                self._directions.repeat(len(origins), 1))
        (said, said_m), (true, true_m) = (self._seen(labels, *rays)
                                          for labels in (predicted, truth))
        counts = true != self.free_label
        said, true, error_m = said[counts], true[counts], np.abs(said_m - true_m)[counts]
        size = len(self.num_true)
        self.num_true += np.bincount(true, minlength=size)
        self.num_predicted += np.bincount(said, minlength=size)
        for row, threshold_m in enumerate(THRESHOLDS_M):
            is_right = (said == true) & (error_m < threshold_m)
            self.num_right[row] += np.bincount(true[is_right], minlength=size)

    def merge(self, other: 'RayIou') -> None:
        """Add the counts of another part of the data."""
        self.num_right += other.num_right
        self.num_true += other.num_true
        self.num_predicted += other.num_predicted

    def iou(self) -> np.ndarray:
        """Return the scores, (thresholds, classes), 0 to 1; nan where a class does not occur."""
        either = self.num_true + self.num_predicted - self.num_right
        return np.divide(self.num_right, either, out=np.full(either.shape, np.nan),
                         where=either > 0)

    def mean_iou(self) -> float:
        """Return the mean over the classes that occur, but free, and over the thresholds."""
        scores = np.delete(self.iou(), self.free_label, axis=1)
        if np.isnan(scores).all():
            return float('nan')
        return float(np.nanmean(scores, axis=1).mean())

    def _seen(self, labels: np.ndarray, origins_m: Tensor, directions: Tensor
              ) -> tuple[np.ndarray, np.ndarray]:
        """Return the label that every ray meets and at what distance."""
        flat = torch.as_tensor(labels.astype(np.int64)).reshape(-1)
        hits = cast_rays((flat != self.free_label).view(self.grid.shape), self.grid, origins_m,
                         directions)
        met = torch.where(hits.voxels >= 0, flat[hits.voxels], self.free_label)
        return met.numpy(), hits.distances_m.numpy()
