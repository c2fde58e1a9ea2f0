# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Check that boxes, voxels and LiDAR points are in one place.

A mirrored or turned label looks right on its own. Where boxes do not hold voxels of their class,
the label is tried in other arrangements, so that the issue can say what went wrong.
"""

from collections.abc import Iterator

import numpy as np

from bdc_occ_ros.classes import DETECTION_CLASS_NAMES, FREE_LABEL, OCCUPANCY_CLASS_NAMES
from bdc_occ_ros.dataset.check.issues import DatasetIssue
from bdc_occ_ros.dataset.nuscenes_dataset import NuscenesDataset, SampleKey
from bdc_occ_ros.dataset.nuscenes_tables import pose_of
from bdc_occ_ros.dataset.occ3d_label import Occ3dLabel
from bdc_occ_ros.dataset.taxonomy import LIDAR
from bdc_occ_ros.geometry.voxel_grid import VoxelGrid

ARRANGEMENTS = {
    'as they are': lambda voxels: voxels,
    'with left and right exchanged': lambda voxels: voxels[:, ::-1],
    'with front and rear exchanged': lambda voxels: voxels[::-1],
    'turned by half a turn': lambda voxels: voxels[::-1, ::-1],
    'with x and y exchanged': lambda voxels: voxels.swapaxes(0, 1),
}
LEAST_OF_CLASS = 0.5
LEAST_ON_SURFACES = 0.5
LEAST_COUNTED = 0.8
ENOUGH_VOXELS = 50
ENOUGH_POINTS = 5
MARGIN_M = 0.1  # points on the faces of a box fall to either side
OWN_VEHICLE_M = 3.0
OCCUPANCY_LABELS = [OCCUPANCY_CLASS_NAMES.index(name) for name in DETECTION_CLASS_NAMES]


class LabelAgreement:
    """Count over samples how well boxes, voxels and points agree."""

    def __init__(self, dataset: NuscenesDataset) -> None:
        self._dataset = dataset
        self._in_boxes = 0
        self._of_class = dict.fromkeys(ARRANGEMENTS, 0)
        self._occupied = dict.fromkeys(ARRANGEMENTS, 0)
        self._points = self._points_on_surfaces = 0
        self._boxes = self._boxes_counted_alike = 0

    def add(self, key: SampleKey, label: Occ3dLabel | None, points_m: np.ndarray | None) -> None:
        """
        Count one sample.

        :param points_m: Its LiDAR points in the ego frame of the LiDAR, (N, 3), if it has any.
        """
        if label is not None:
            self._add_boxes_and_voxels(key, label)
        if points_m is not None:
            self._add_boxes_and_points(key, points_m)
        if label is not None and points_m is not None:
            self._add_points_and_voxels(label, points_m)

    def figures(self) -> dict[str, float | None]:
        """Return shares from 0 to 1; None where nothing was there to be counted."""
        return {
            'occupied_voxels_in_boxes_of_their_class': self._share('as they are'),
            'lidar_points_on_occupied_voxels': _ratio(self._points_on_surfaces, self._points),
            'boxes_with_the_noted_number_of_lidar_points': _ratio(self._boxes_counted_alike,
                                                                  self._boxes)}

    def issues(self) -> Iterator[DatasetIssue]:
        """Yield an issue per share that is too low."""
        dataroot, figures = self._dataset.dataroot, self.figures()
        share = self._share('as they are')
        if self._in_boxes >= ENOUGH_VOXELS and (share or 0) < LEAST_OF_CLASS:
            best = max(ARRANGEMENTS, key=lambda name: self._share(name) or 0)
            found = f'{share:.0%}' if share is not None else 'none'
            yield DatasetIssue(
                'agreement', f'boxes and labels of {dataroot}', f'{found} of the occupied voxels '
                f'in boxes have the class of the box; {best} it is {self._share(best) or 0:.0%}',
                'see whether labels are indexed x y z, from the rear and the right, and belong to '
                'the samples of their folders; whether boxes are in the world frame, w x y z, '
                'width before length')
        on_surfaces = figures['lidar_points_on_occupied_voxels']
        if on_surfaces is not None and on_surfaces < LEAST_ON_SURFACES:
            yield DatasetIssue(
                'agreement', f'LiDAR and labels of {dataroot}',
                f'{on_surfaces:.0%} of the points lie on or beside occupied voxels',
                'see whether points are in the LiDAR frame, and mount and ego pose are those of '
                'the LiDAR; labels are in its ego frame')
        counted = figures['boxes_with_the_noted_number_of_lidar_points']
        if counted is not None and counted < LEAST_COUNTED:
            yield DatasetIssue(
                'agreement', f'sample_annotation.json of {dataroot}', f'{counted:.0%} of the '
                'boxes hold as many LiDAR points as num_lidar_pts says',
                'see whether boxes and points belong to one time and frame')

    def _share(self, arrangement: str) -> float | None:
        """Return the share of the occupied voxels in boxes that have the box's class."""
        return _ratio(self._of_class[arrangement], self._occupied[arrangement])

    def _add_boxes_and_voxels(self, key: SampleKey, label: Occ3dLabel) -> None:
        """Count voxels in boxes, in every arrangement."""
        boxes, grid = self._dataset.boxes(key, LIDAR, measured_only=True), VoxelGrid()
        arranged = {name: arrange(label.semantics) for name, arrange in ARRANGEMENTS.items()}
        for center_m, size_m, yaw_rad, class_label in zip(boxes.centers_m, boxes.sizes_m,
                                                          boxes.yaws_rad, boxes.labels):
            voxels = voxels_inside(grid, center_m, size_m, float(yaw_rad))
            self._in_boxes += len(voxels)
            for name, semantics in arranged.items():
                labels = semantics[tuple(voxels.T)]
                self._occupied[name] += int((labels != FREE_LABEL).sum())
                self._of_class[name] += int((labels == OCCUPANCY_LABELS[class_label]).sum())

    def _add_boxes_and_points(self, key: SampleKey, points_m: np.ndarray) -> None:
        """Count boxes that hold as many points as num_lidar_pts says."""
        rows = self._dataset.rows
        ego_from_world = np.linalg.inv(self._dataset.world_from_ego(key, LIDAR))
        for token in rows.row('sample', key.token)['anns']:
            row = rows.row('sample_annotation', token)
            box_from_ego = np.linalg.inv(ego_from_world @ pose_of(row))
            width_m, length_m, height_m = row['size']
            offsets_m = np.abs(points_m @ box_from_ego[:3, :3].T + box_from_ego[:3, 3])
            beyond_m = (offsets_m - np.array((length_m, width_m, height_m)) / 2).max(axis=1)
            fewest, most = ((beyond_m <= margin_m).sum() for margin_m in (-MARGIN_M, MARGIN_M))
            noted = row['num_lidar_pts']
            if max(most, noted) >= ENOUGH_POINTS:
                slack = max(3, 0.1 * noted)
                self._boxes += 1
                self._boxes_counted_alike += int(fewest - slack <= noted <= most + slack)

    def _add_points_and_voxels(self, label: Occ3dLabel, points_m: np.ndarray) -> None:
        """Count points that lie on or beside occupied voxels."""
        voxels, inside = VoxelGrid().indices_of(points_m)
        inside &= np.hypot(points_m[:, 0], points_m[:, 1]) > OWN_VEHICLE_M
        occupied = np.pad(label.semantics != FREE_LABEL, 1)
        near = np.lib.stride_tricks.sliding_window_view(occupied, (3, 3, 3)).any(axis=(3, 4, 5))
        self._points += int(inside.sum())
        self._points_on_surfaces += int(near[tuple(voxels[inside].T)].sum())


def voxels_inside(grid: VoxelGrid, center_m: np.ndarray, size_m: np.ndarray, yaw_rad: float
                  ) -> np.ndarray:
    """
    Return the voxels whose centres lie in a box.

    :param center_m: Centre of the box, (3,).
    :param size_m: Length, width and height, (3,).
    :return: Indices, (n, 3) int64; none for a box outside the grid.
    """
    reach_m = np.array([np.hypot(*size_m[:2]) / 2] * 2 + [size_m[2] / 2])
    first, last = (grid.indices_of(center_m + sign * reach_m)[0] for sign in (-1, 1))
    first, last = np.maximum(first, 0), np.minimum(last, np.array(grid.shape) - 1)
    axes = [np.arange(start, stop + 1) for start, stop in zip(first, last)]
    voxels = np.stack(np.meshgrid(*axes, indexing='ij'), axis=-1).reshape(-1, 3)
    offsets_m = grid.centers_m(voxels) - center_m
    cos, sin = np.cos(yaw_rad), np.sin(yaw_rad)
    local_m = np.column_stack([cos * offsets_m[:, 0] + sin * offsets_m[:, 1],
                               cos * offsets_m[:, 1] - sin * offsets_m[:, 0], offsets_m[:, 2]])
    return voxels[(2 * np.abs(local_m) <= size_m).all(axis=1)]


def _ratio(part: int, whole: int) -> float | None:
    return part / whole if whole else None
