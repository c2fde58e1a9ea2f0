# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Score predictions by what a LiDAR met, without labels: every return is a ray that ends somewhere.

Along the ray the first occupied voxel that a camera observes is what the prediction says is met.
Returns count that lie in the grid where a camera looks. Those of the ground and all others are
told apart: nearly everything a LiDAR meets is ground, and a flat world gets that right.
"""

from collections import Counter
from enum import IntEnum
from typing import Any, NamedTuple

import numpy as np
import torch

from bdc_occ_ros.datatypes import Boxes, LidarSweep, Occupancy
from bdc_occ_ros.evaluation.ray_iou import cast_rays, THRESHOLDS_M
from bdc_occ_ros.predictor import Prediction

FAR_M = max(THRESHOLDS_M)
GROUND_M = 0.3  # above and below z = 0
FLAT_NAMES = ('driveable_surface', 'other_flat', 'sidewalk', 'terrain')
ROAD_NAME = FLAT_NAMES[0]
FOUND_M = 2.0  # between the centres of a box and of its prediction, on the ground


class Outcome(IntEnum):
    """Enumerate how a ray of the prediction ends: within FAR_M of the return, or not."""

    RIGHT = 0
    EARLY = 1
    MISSED = 2


class ScoredReturns(NamedTuple):
    """
    Hold the returns that count.

    :param points_m: In the ego frame of the sweep, (R, 3).
    :param is_ground: (R,) bool.
    :param outcomes: One of Outcome, (R,).
    """

    points_m: np.ndarray
    is_ground: np.ndarray
    outcomes: np.ndarray


class LidarScore:
    """Count over sweeps how the rays of predictions end."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()

    def add(self, prediction: Prediction, sweep: LidarSweep, boxes: Boxes | None
            ) -> ScoredReturns:
        """
        Count one sweep.

        :param prediction: In the ego frame of the sweep, as the boxes, with a grid.
        :param boxes: What people marked, or None where nobody did.
        """
        occupancy = prediction.occupancy
        grid = occupancy.grid
        cells, is_inside = grid.indices_of(sweep.points_m)
        counts = is_inside & grid.indices_of(sweep.origins_m)[1]
        counts[counts] = occupancy.observed[tuple(cells[counts].T)]
        points_m, origins_m = sweep.points_m[counts], sweep.origins_m[counts]
        owners = owner_of(points_m, boxes)
        is_ground = (np.abs(points_m[:, 2]) < GROUND_M) & (owners < 0)
        voxels, errors_m = _followed(occupancy, origins_m, points_m)
        labels = np.where(voxels >= 0, occupancy.labels.reshape(-1)[voxels], occupancy.free_label)
        outcomes = np.select([errors_m < -FAR_M, errors_m >= FAR_M],
                             [Outcome.EARLY, Outcome.MISSED], Outcome.RIGHT)
        self._count_distances(errors_m, outcomes, is_ground)
        names = np.array(occupancy.class_names)[labels]
        self.counts['ground called flat'] += int(np.isin(names[is_ground], FLAT_NAMES).sum())
        self.counts['ground called road'] += int((names[is_ground] == ROAD_NAME).sum())
        if boxes is not None and len(boxes):
            self._count_boxes(prediction.boxes, boxes, owners, names)
        self.counts['sweeps'] += 1
        return ScoredReturns(points_m, is_ground, outcomes)

    def report(self) -> dict[str, Any]:
        """Return numbers of returns, and shares of them from 0 to 1; None of nothing."""
        counts, report = self.counts, {'sweeps': self.counts['sweeps']}
        for kind in ('ground', 'other'):
            total = counts[f'{kind} returns']
            within = [_share(counts[f'{kind} within {limit_m:g} m'], total)
                      for limit_m in THRESHOLDS_M]
            report[kind] = {
                'returns': total, 'score': None if None in within else float(np.mean(within)),
                'within_m': dict(zip(map(str, THRESHOLDS_M), within)),
                **{outcome.name.lower(): _share(counts[f'{kind} {outcome.name}'], total)
                   for outcome in (Outcome.EARLY, Outcome.MISSED)}}
        report['ground'] |= {f'called_{name}': _share(counts[f'ground called {name}'],
                                                      counts['ground returns'])
                             for name in ('flat', 'road')}
        report['boxes'] = {
            'returns': counts['box returns'], 'boxes': counts['boxes'],
            'called_by_class': _share(counts['box returns called'], counts['box returns']),
            'found': _share(counts['boxes found'], counts['boxes'])}
        return report

    def _count_distances(self, errors_m: np.ndarray, outcomes: np.ndarray, is_ground: np.ndarray
                         ) -> None:
        for kind, chosen in (('ground', is_ground), ('other', ~is_ground)):
            self.counts[f'{kind} returns'] += int(chosen.sum())
            for limit_m in THRESHOLDS_M:
                self.counts[f'{kind} within {limit_m:g} m'] += int(
                    (np.abs(errors_m[chosen]) < limit_m).sum())
            for outcome in (Outcome.EARLY, Outcome.MISSED):
                self.counts[f'{kind} {outcome.name}'] += int((outcomes[chosen] == outcome).sum())

    def _count_boxes(self, predicted: Boxes | None, boxes: Boxes, owners: np.ndarray,
                     names: np.ndarray) -> None:
        """Count the returns on boxes that are called by their class, and the boxes found."""
        box_names = np.array(boxes.class_names)[boxes.labels]
        self.counts['box returns'] += int((owners >= 0).sum())
        self.counts['box returns called'] += int(
            (names[owners >= 0] == box_names[owners[owners >= 0]]).sum())
        if predicted is None:
            return
        said = np.array(predicted.class_names)[predicted.labels]
        for box in np.unique(owners[owners >= 0]):
            away_m = np.linalg.norm((predicted.centers_m - boxes.centers_m[box])[:, :2], axis=1)
            self.counts['boxes'] += 1
            self.counts['boxes found'] += bool(
                ((said == box_names[box]) & (away_m < FOUND_M)).any())


def _followed(occupancy: Occupancy, origins_m: np.ndarray, points_m: np.ndarray
              ) -> tuple[np.ndarray, np.ndarray]:
    """Return the voxel that every ray meets, (R,), -1 for none, and how far behind the return."""
    ways_m = points_m - origins_m
    ranges_m = np.linalg.norm(ways_m, axis=1)
    voxels, distances_m = (part.numpy() for part in cast_rays(
        torch.from_numpy(occupancy.occupied), occupancy.grid, torch.from_numpy(origins_m),
        torch.from_numpy(ways_m / ranges_m[:, None])))
    return voxels, np.where(voxels >= 0, distances_m, np.inf) - ranges_m


def owner_of(points_m: np.ndarray, boxes: Boxes | None) -> np.ndarray:
    """Return the box that every point lies in, (N,) int64; -1 where it lies in none."""
    owners = np.full(len(points_m), -1)
    for index in range(0 if boxes is None else len(boxes)):
        away_m = points_m - boxes.centers_m[index]
        cos, sin = np.cos(boxes.yaws_rad[index]), np.sin(boxes.yaws_rad[index])
        own_m = np.column_stack([cos * away_m[:, 0] + sin * away_m[:, 1],
                                 cos * away_m[:, 1] - sin * away_m[:, 0], away_m[:, 2]])
        owners[(np.abs(own_m) <= boxes.sizes_m[index] / 2).all(axis=1)] = index
    return owners


def _share(part: int, total: int) -> float | None:
    return part / total if total else None
