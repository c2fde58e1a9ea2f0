# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Check that cameras can observe what a label says they observe."""

from collections.abc import Iterator

import numpy as np

from bdc_occ_ros.classes import FREE_LABEL
from bdc_occ_ros.dataset.check.issues import DatasetIssue
from bdc_occ_ros.dataset.nuscenes_dataset import NuscenesDataset, SampleKey
from bdc_occ_ros.dataset.occ3d_label import Occ3dLabel
from bdc_occ_ros.dataset.taxonomy import LIDAR
from bdc_occ_ros.datatypes import Frame
from bdc_occ_ros.geometry.voxel_grid import VoxelGrid

OBSERVED_SHARES = (0.002, 0.6)
LEAST_IN_VIEW = 0.9  # 0.98 on a real label
MAKE_AGAIN = 'write the labels again; arrays are indexed x y z, from the rear, the right and below'


def check_label(dataset: NuscenesDataset, key: SampleKey, frame: Frame, label: Occ3dLabel
                ) -> Iterator[DatasetIssue]:
    """Check what is occupied and observed, from where the cameras of the frame are."""
    where = str(dataset.label_path(key))
    observed = label.mask_camera
    if not (label.semantics[observed] != FREE_LABEL).any():
        yield DatasetIssue('labels', where, 'no observed voxel is occupied', MAKE_AGAIN)
    if not OBSERVED_SHARES[0] < observed.mean() < OBSERVED_SHARES[1]:
        yield DatasetIssue(
            'labels', where, f'mask_camera observes {observed.mean():.1%} of the voxels; in Occ3D '
            'it is about 7 %', 'a voxel is observed if a ray from a camera passes it or ends in '
            'it, and the ray ends in an occupied voxel')
    elif (share := _share_in_view(dataset, key, frame, observed)) < LEAST_IN_VIEW:
        yield DatasetIssue(
            'labels', where, f'only {share:.0%} of the voxels that mask_camera observes are in '
            'the view of a camera', 'see whether the mask is of another sample or rig, or its '
            'heights are off; ' + MAKE_AGAIN)


def _share_in_view(dataset: NuscenesDataset, key: SampleKey, frame: Frame, observed: np.ndarray
                   ) -> float:
    """Return how much of the observed voxels some camera has in its image."""
    grid = VoxelGrid()
    centers_m = grid.centers_m(np.argwhere(observed)).astype(np.float64)
    reach_m = max(grid.cell_size_m) / 2  # towards the corners of a voxel
    seen = np.zeros(len(centers_m), bool)
    world_from_label = dataset.world_from_ego(key, LIDAR)
    for camera in frame.rig.cameras:
        world_from_camera = frame.fixed_from_ego[camera.name] @ camera.ego_from_camera
        camera_from_label = np.linalg.inv(world_from_camera) @ world_from_label
        x, y, z = (centers_m @ camera_from_label[:3, :3].T + camera_from_label[:3, 3]).T
        (fx, _, cx), (_, fy, cy), _ = camera.intrinsics
        seen |= ((z > 0) & (np.abs(fx * x + (cx - camera.width_px / 2) * z)
                            < camera.width_px / 2 * z + fx * reach_m)
                 & (np.abs(fy * y + (cy - camera.height_px / 2) * z)
                    < camera.height_px / 2 * z + fy * reach_m))
    return float(seen.mean())
