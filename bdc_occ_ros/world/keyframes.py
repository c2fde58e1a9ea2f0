# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Render and label batches of keyframes, and find out how much of every object is seen.

Labels come from depth images of their own at one low resolution, so that they do not depend on
the size of the images.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from bdc_occ_ros.classes import DETECTION_CLASS_NAMES
from bdc_occ_ros.world.rendering import cast_depth, render, Rendering, View
from bdc_occ_ros.world.scene_state import SceneState
from bdc_occ_ros.world.sensor_timing import SensorTiming
from bdc_occ_ros.world.visibility_mask import observed_voxels
from bdc_occ_ros.world.voxelization import voxelize

DEPTH_SIZE_PX = (113, 200)
LATTICE = (5, 4, 4)
WITHIN_BOX = 0.9
VISIBILITY_STEPS = (0.4, 0.6, 0.8)


@dataclass(frozen=True, eq=False)
class Objects:
    """
    Hold the K objects of one keyframe.

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


class KeyframeTruth(NamedTuple):
    """
    Hold the ground truth of B keyframes with N cameras.

    :param classes: Class per voxel, (B, X, Y, Z) uint8.
    :param observed: Voxels that a camera observes, the same shape, bool.
    :param objects: One entry per keyframe.
    :param seen: Per keyframe the share of every object that no other thing hides, of what the
        cameras could see of it, (K,) float64; 0 also where no camera looks.
    """

    classes: Tensor
    observed: Tensor
    objects: Sequence[Objects]
    seen: Sequence[np.ndarray]


@dataclass(frozen=True, eq=False)
class KeyframeBatch:
    """
    Render and label B keyframes with N cameras, with the world as of the end of each sweep.

    :param states: On one device, where the work is done.
    """

    timings: Sequence[SensorTiming]
    states: Sequence[SceneState]

    @staticmethod
    def of(timings: Sequence[SensorTiming], device: torch.device) -> 'KeyframeBatch':
        """Take the states of the worlds, on a device."""
        return KeyframeBatch(timings, [timing.scene.state_at(timing.lidar_time_s).to(device)
                                       for timing in timings])

    @cached_property
    def world_from_cameras(self) -> np.ndarray:
        """Return the poses of all cameras at their exposures, (B, N, 4, 4), metres."""
        return np.stack([timing.world_from_cameras for timing in self.timings])

    @property
    def device(self) -> torch.device:
        """Return the device of the states."""
        return self.states[0].solids.center_m.device

    def images(self, intrinsics: np.ndarray, size_px: tuple[int, int], noise_seeds: Sequence[int]
               ) -> Rendering:
        """
        Render the images of all cameras.

        :param intrinsics: Camera matrices of the images, (B, N, 3, 3).
        :param size_px: Height and width of the images.
        :param noise_seeds: One per keyframe and camera, B * N.
        :return: B * N images, keyframe by keyframe.
        """
        return render(self._views(intrinsics, size_px), self.device, noise_seeds)

    def truth(self, world_from_label: np.ndarray) -> KeyframeTruth:
        """Label the keyframes in the frames of the vehicle at given poses, (B, 4, 4)."""
        height, width = DEPTH_SIZE_PX
        intrinsics = np.stack([[camera.resized(width, height).intrinsics
                                for camera in timing.rig.cameras] for timing in self.timings])
        cast = cast_depth(self._views(intrinsics, DEPTH_SIZE_PX), self.device)
        inverse_depth, solid = (part.view(len(self.timings), -1, height, width)
                                for part in (cast.inverse_depth_per_m, cast.solid))
        label_from_world = np.linalg.inv(world_from_label)
        label_from_cameras = label_from_world[:, None] @ self.world_from_cameras
        classes = voxelize(self.states, torch.from_numpy(label_from_world))
        observed = observed_voxels(classes, inverse_depth, torch.from_numpy(intrinsics),
                                   torch.from_numpy(label_from_cameras))
        objects = [_objects_of(timing) for timing in self.timings]
        seen = self._seen_shares(objects, intrinsics, inverse_depth, solid)
        return KeyframeTruth(classes, observed, objects, seen)

    def _views(self, intrinsics: np.ndarray, size_px: tuple[int, int]) -> list[View]:
        """Return the views of all cameras, keyframe by keyframe."""
        return [View(state, matrix, pose, *size_px)
                for state, matrices, poses in zip(self.states, intrinsics, self.world_from_cameras)
                for matrix, pose in zip(matrices, poses)]

    def _seen_shares(self, objects: Sequence[Objects], intrinsics: np.ndarray,
                     inverse_depth: Tensor, solid: Tensor) -> list[np.ndarray]:
        """
        Return how much of every object is seen.

        A lattice of points in its box is looked up in the depth images. Rays that meet the object
        count as seen, rays that meet another thing before the point as hidden, the others not:
        they pass it.
        """
        num_objects = [len(item) for item in objects]
        sample = torch.arange(len(objects)).repeat_interleave(torch.tensor(num_objects)
                                                              ).to(self.device)

        def joined(name: str) -> Tensor:
            return torch.from_numpy(np.concatenate([getattr(item, name) for item in objects])
                                    ).to(self.device)
        lattice = torch.cartesian_prod(*(
            torch.linspace(-WITHIN_BOX / 2, WITHIN_BOX / 2, count, dtype=torch.float64)
            for count in LATTICE)).to(self.device)
        pose = joined('world_from_box')
        points_m = (lattice * joined('size_m')[:, None]) @ pose[:, :3, :3].mT + (
            pose[:, None, :3, 3])
        projections = intrinsics @ np.linalg.inv(self.world_from_cameras)[..., :3, :]
        projections = torch.from_numpy(projections).to(self.device)[sample]
        projected = points_m[:, None] @ projections[..., :3].mT + projections[:, :, None, :, 3]
        counts = _counts(projected, sample, joined('instance'), inverse_depth, solid, self.states)
        share = (counts[:, 0] / counts.sum(dim=1).clamp(min=1)).double().cpu().numpy()
        return np.split(share, np.cumsum(num_objects)[:-1])


def visibility_grade(seen: float) -> int:
    """Return the visibility of nuScenes, 1 (up to 40 % is seen) to 4 (more than 80 %)."""
    return 1 + sum(seen > step for step in VISIBILITY_STEPS)


def _objects_of(timing: SensorTiming) -> Objects:
    """Return what has a box at the end of the sweep."""
    found = timing.scene.objects_at(timing.lidar_time_s)
    return Objects(
        np.array([item.instance for item in found], np.int64),
        np.array([DETECTION_CLASS_NAMES.index(item.class_name) for item in found], np.int64),
        np.array([item.world_from_box for item in found], np.float64).reshape(-1, 4, 4),
        np.array([item.size_m for item in found], np.float64).reshape(-1, 3),
        np.array([item.velocity_mps for item in found], np.float64).reshape(-1, 2))


def _counts(projected: Tensor, sample: Tensor, instance: Tensor, inverse_depth: Tensor,
            solid: Tensor, states: Sequence[SceneState]) -> Tensor:
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
    starts = torch.tensor([0] + [len(state.solids) for state in states]).cumsum(0)
    instances = torch.cat([state.solids.instance for state in states])
    first = starts.to(sample.device)[sample][:, None, None]
    is_own = (met >= 0) & (instances[met.clamp(min=0) + first] == instance[:, None, None])
    is_hidden = ~is_own & (inverse_depth.reshape(-1)[pixel] * depth_m > 1)
    return torch.stack([(is_own & in_image).sum(dim=(1, 2)),
                        (is_hidden & in_image).sum(dim=(1, 2))], dim=1)
