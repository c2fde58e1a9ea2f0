# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Keyframes in batches: images, labels, and objects with how much of them is seen.

Labels come from depth images of their own at one low resolution, so that they do not depend on
the size of the images.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from bdc_occ_ros.classes import DETECTION_CLASS_NAMES
from bdc_occ_ros.world.moments import Moment
from bdc_occ_ros.world.occupancy_truth import observed_voxels
from bdc_occ_ros.world.rendering import cast_depth, render, Rendering, View
from bdc_occ_ros.world.snapshot import Snapshot
from bdc_occ_ros.world.solid_voxels import voxel_classes

DEPTH_SIZE_PX = (113, 200)
LATTICE = (5, 4, 4)
WITHIN_BOX = 0.9
VISIBILITY_STEPS = (0.4, 0.6, 0.8)


@dataclass(frozen=True, eq=False)
class Objects:
    """
    What has a box, of one keyframe; K objects.

    :param instance: Number of the object within its scene, (K,) int64.
    :param label: Index into the detection classes, (K,) int64.
    :param world_from_box: Poses of the centres, x ahead, (K, 4, 4) float64, metres.
    :param size_m: Length, width, height, (K, 3) float64.
    :param velocity_mps: Over ground in the world, (K, 2) float64.
    """

    instance: np.ndarray
    label: np.ndarray
    world_from_box: np.ndarray
    size_m: np.ndarray
    velocity_mps: np.ndarray

    def __len__(self) -> int:
        return len(self.instance)


class Truth(NamedTuple):
    """
    The right answers for B keyframes with N cameras.

    :param classes: Class per voxel, (B, X, Y, Z) uint8.
    :param observed: Voxels that a camera observes, the same shape, bool.
    :param objects: What has a box, one entry per keyframe.
    :param seen: Per keyframe the share of every object that no other thing hides, of what the
        cameras could see of it, (K,) float64; 0 also where no camera looks.
    """

    classes: Tensor
    observed: Tensor
    objects: Sequence[Objects]
    seen: Sequence[np.ndarray]


def snapshots_of(moments: Sequence[Moment], device: torch.device) -> list[Snapshot]:
    """
    Return the world at the end of every sweep.

    :param moments: Keyframes.
    """
    return [moment.scene.snapshot(moment.lidar_time_s).to(device) for moment in moments]


def images_of(moments: Sequence[Moment], snapshots: Sequence[Snapshot], intrinsics: np.ndarray,
              size_px: tuple[int, int], noise_seeds: Sequence[int], device: torch.device
              ) -> Rendering:
    """
    Render what all cameras see.

    :param moments: B keyframes with N cameras.
    :param snapshots: The world at each, on the device.
    :param intrinsics: Camera matrices of the images, (B, N, 3, 3).
    :param size_px: Height and width of the images.
    :param noise_seeds: One per keyframe and camera, B * N.
    :return: B * N images, keyframe by keyframe.
    """
    return render(_views(moments, snapshots, intrinsics, size_px), device, noise_seeds)


def truth_of(moments: Sequence[Moment], snapshots: Sequence[Snapshot],
             world_from_label: np.ndarray, device: torch.device) -> Truth:
    """
    Label keyframes.

    :param moments: B keyframes.
    :param snapshots: The world at each, on the device.
    :param world_from_label: Pose of the vehicle in whose frame each label is wanted, (B, 4, 4).
    """
    height, width = DEPTH_SIZE_PX
    intrinsics = np.stack([[camera.resized(width, height).intrinsics
                            for camera in moment.rig.cameras] for moment in moments])
    cast = cast_depth(_views(moments, snapshots, intrinsics, DEPTH_SIZE_PX), device)
    inverse_depth, solid = (part.view(len(moments), -1, height, width)
                            for part in (cast.inverse_depth_per_m, cast.solid))
    label_from_world = np.linalg.inv(world_from_label)
    poses = label_from_world[:, None] @ np.stack([m.world_from_cameras for m in moments])
    classes = voxel_classes(snapshots, torch.from_numpy(label_from_world))
    observed = observed_voxels(classes, inverse_depth, torch.from_numpy(intrinsics),
                               torch.from_numpy(poses))
    objects = [objects_of(moment) for moment in moments]
    seen = _seen_shares(moments, snapshots, objects, intrinsics, inverse_depth, solid)
    return Truth(classes, observed, objects, seen)


def objects_of(moment: Moment) -> Objects:
    """
    Return what has a box at the end of the sweep.

    :param moment: Which keyframe.
    """
    found = moment.scene.objects_at(moment.lidar_time_s)
    return Objects(
        np.array([item.instance for item in found], np.int64),
        np.array([DETECTION_CLASS_NAMES.index(item.class_name) for item in found], np.int64),
        np.array([item.world_from_box for item in found], np.float64).reshape(-1, 4, 4),
        np.array([item.size_m for item in found], np.float64).reshape(-1, 3),
        np.array([item.velocity_mps for item in found], np.float64).reshape(-1, 2))


def visibility_grade(seen: float) -> int:
    """
    Return the grade of nuScenes, 1 (up to 40 %) to 4 (more than 80 %).

    :param seen: Share that is not hidden.
    """
    return 1 + sum(seen > step for step in VISIBILITY_STEPS)


def _views(moments: Sequence[Moment], snapshots: Sequence[Snapshot], intrinsics: np.ndarray,
           size_px: tuple[int, int]) -> list[View]:
    """Return the views of all cameras, keyframe by keyframe."""
    height, width = size_px
    return [View(snapshot, torch.from_numpy(matrix), torch.from_numpy(pose), height, width)
            for moment, snapshot, matrices in zip(moments, snapshots, intrinsics)
            for matrix, pose in zip(matrices, moment.world_from_cameras)]


def _seen_shares(moments: Sequence[Moment], snapshots: Sequence[Snapshot],
                 objects: Sequence[Objects], intrinsics: np.ndarray, inverse_depth: Tensor,
                 solid: Tensor) -> list[np.ndarray]:
    """
    Return how much of every object is seen.

    A lattice of points in its box is looked up in the depth images. Rays that meet the object
    count as seen, rays that meet another thing before the point as hidden, the others not: they
    pass it.
    """
    device = solid.device
    num_objects = [len(item) for item in objects]
    sample = torch.arange(len(objects)).repeat_interleave(torch.tensor(num_objects)).to(device)

    def joined(name: str) -> Tensor:
        return torch.from_numpy(np.concatenate([getattr(item, name) for item in objects])
                                ).to(device)
    lattice = torch.cartesian_prod(*(
        torch.linspace(-WITHIN_BOX / 2, WITHIN_BOX / 2, count, dtype=torch.float64)
        for count in LATTICE)).to(device)
    pose = joined('world_from_box')
    points_m = (lattice * joined('size_m')[:, None]) @ pose[:, :3, :3].mT + pose[:, None, :3, 3]
    world_from_cameras = np.stack([moment.world_from_cameras for moment in moments])
    projections = torch.from_numpy(intrinsics @ np.linalg.inv(world_from_cameras)[..., :3, :]
                                   ).to(device)[sample]
    projected = points_m[:, None] @ projections[..., :3].mT + projections[:, :, None, :, 3]
    counts = _counts(projected, sample, joined('instance'), inverse_depth, solid, snapshots)
    share = (counts[:, 0] / counts.sum(dim=1).clamp(min=1)).double().cpu().numpy()
    return np.split(share, np.cumsum(num_objects)[:-1])


def _counts(projected: Tensor, sample: Tensor, instance: Tensor, inverse_depth: Tensor,
            solid: Tensor, snapshots: Sequence[Snapshot]) -> Tensor:
    """Return how many points of every object are seen and how many are hidden, (K, 2)."""
    _, num_cameras, height, width = solid.shape
    depth_m = projected[..., 2].clamp(min=1e-3)
    column, row = (projected[..., axis] / depth_m for axis in (0, 1))
    in_image = ((projected[..., 2] > 1e-3) & (column >= 0) & (column < width) & (row >= 0)
                & (row < height))
    view = sample[:, None] * num_cameras + torch.arange(num_cameras, device=sample.device)
    pixel = (view[..., None] * height + row.clamp(0, height - 1).long()) * width + (
        column.clamp(0, width - 1).long())
    met = solid.reshape(-1)[pixel].long()
    starts = torch.tensor([0] + [len(snapshot.solids) for snapshot in snapshots]).cumsum(0)
    instances = torch.cat([snapshot.solids.instance for snapshot in snapshots])
    first = starts.to(sample.device)[sample][:, None, None]
    is_own = (met >= 0) & (instances[met.clamp(min=0) + first] == instance[:, None, None])
    is_hidden = ~is_own & (inverse_depth.reshape(-1)[pixel] * depth_m > 1)
    return torch.stack([(is_own & in_image).sum(dim=(1, 2)),
                        (is_hidden & in_image).sum(dim=(1, 2))], dim=1)
