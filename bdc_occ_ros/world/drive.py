# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Render and label drives at the full rate of the cameras, with the timing of nuScenes."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import torch

from bdc_occ_ros.classes import DETECTION_CLASS_NAMES, FREE_LABEL, OCCUPANCY_CLASS_NAMES
from bdc_occ_ros.datatypes import Boxes, Occupancy
from bdc_occ_ros.errors import UsageError
from bdc_occ_ros.geometry.camera_rig import CameraRig
from bdc_occ_ros.sync.synthetic_triggers import NUSCENES_OFFSETS_NS, nuscenes_triggers_ns, START_NS
from bdc_occ_ros.world.keyframes import KeyframeBatch
from bdc_occ_ros.world.scene import Scene
from bdc_occ_ros.world.sensor_timing import SensorTiming
from bdc_occ_ros.world.traffic import DURATION_S
from bdc_occ_ros.world.voxelization import GRID
from bdc_occ_ros.world.world_source import boxes_in_grid

TRIGGERS_NS = tuple(nuscenes_triggers_ns(DURATION_S))
_CPU = torch.device('cpu')


class Exposure(NamedTuple):
    """Hold one exposure of a camera, with the pose of the vehicle then, (4, 4), metres."""

    camera: str
    stamp_ns: int
    world_from_ego: np.ndarray


def num_triggers(seconds: float) -> int:
    """
    Return how many triggers fit into a drive.

    :param seconds: Length of the drive.
    :raises UsageError: if no drive is that long.
    """
    if not 0 < seconds <= DURATION_S:
        raise UsageError(f'a drive lasts up to {DURATION_S:.0f} s; got {seconds:g}')
    return len(nuscenes_triggers_ns(seconds))


class Drive:
    """
    Render the triggers of a drive; equal seeds give equal images.

    :param rig: The cameras, with the image size to render.
    """

    def __init__(self, rig: CameraRig, seed: int) -> None:
        self.rig = rig
        self._scene = Scene.from_seed(seed)

    def exposures(self, trigger: int) -> Mapping[str, Exposure]:
        """
        Return when and where every camera fires for one trigger, counted from 0.

        A camera that nuScenes does not have fires at once.
        """
        timing = self._timing(trigger)
        return {name: Exposure(name, TRIGGERS_NS[trigger] + NUSCENES_OFFSETS_NS.get(name, 0),
                               timing.world_from_ego(name)) for name in self.rig.names}

    def images(self, trigger: int) -> Mapping[str, np.ndarray]:
        """Render what every camera sees at a trigger: RGB by name, (H, W, 3) uint8."""
        names = self.rig.names
        intrinsics = np.stack([camera.intrinsics for camera in self.rig.cameras])[None]
        size_px = self.rig.cameras[0].height_px, self.rig.cameras[0].width_px
        seeds = [trigger * len(names) + place for place in range(len(names))]
        rendering = KeyframeBatch.of([self._timing(trigger)], _CPU).images(
            intrinsics, size_px, seeds)
        return dict(zip(names, rendering.images.numpy()))

    def truth(self, trigger: int) -> tuple[Occupancy, Boxes]:
        """Return the ground truth of a trigger, in the ego frame of the key camera's exposure."""
        timing = self._timing(trigger)
        world_from_key, stamp_ns = timing.world_from_key_ego, TRIGGERS_NS[trigger]
        truth = KeyframeBatch.of([timing], _CPU).truth(world_from_key[None])
        occupancy = Occupancy(GRID, truth.classes[0].numpy(), truth.observed[0].numpy(),
                              OCCUPANCY_CLASS_NAMES, FREE_LABEL, stamp_ns)
        values, labels = (part.numpy() for part in boxes_in_grid(
            truth.objects[0], truth.seen[0], np.linalg.inv(world_from_key), _CPU))
        return occupancy, Boxes(values[:, :3], values[:, 3:6], values[:, 6], values[:, 7:],
                                np.ones(len(labels)), labels, DETECTION_CLASS_NAMES, stamp_ns)

    def _timing(self, trigger: int) -> SensorTiming:
        return SensorTiming(self._scene, self.rig, (TRIGGERS_NS[trigger] - START_NS) / 1e9)
