# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A drive down the street: what the rig sees at every trigger, with the timing of nuScenes."""

from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np

from bdc_occ_ros.camera_rig import CameraRig
from bdc_occ_ros.datatypes import Boxes
from bdc_occ_ros.datatypes import Occupancy
from bdc_occ_ros.errors import UsageError
from bdc_occ_ros.scene.camera_renderer import CameraRenderer
from bdc_occ_ros.scene.camera_renderer import View
from bdc_occ_ros.scene.ground_truth import ground_truth
from bdc_occ_ros.scene.sky import sky_panorama
from bdc_occ_ros.scene.street import MAX_SECONDS
from bdc_occ_ros.scene.street import Street
from bdc_occ_ros.scene.street import world_from_ego
from bdc_occ_ros.synthetic_triggers import NUSCENES_OFFSETS_NS
from bdc_occ_ros.synthetic_triggers import nuscenes_triggers_ns
from bdc_occ_ros.synthetic_triggers import START_NS

JPEG_QUALITY = 90
TRIGGERS_NS = tuple(nuscenes_triggers_ns(MAX_SECONDS))


@dataclass(frozen=True)
class Exposure:
    """
    One image of one camera.

    :param trigger: Number of the trigger it belongs to.
    :param camera: Name of the camera.
    :param stamp_ns: When it was exposed.
    """

    trigger: int
    camera: str
    stamp_ns: int

    @property
    def time_s(self) -> float:
        """Seconds since the scene began."""
        return (self.stamp_ns - START_NS) / 1e9

    @property
    def world_from_ego(self) -> np.ndarray:
        """Pose of the rig, (4, 4)."""
        return world_from_ego(self.time_s)


def exposures(rig: CameraRig, trigger: int) -> Mapping[str, Exposure]:
    """
    Return when every camera fires for one trigger; a camera nuScenes does not have fires at once.

    :param rig: The cameras.
    :param trigger: Number of the trigger, from 0.
    """
    stamps_ns = {name: TRIGGERS_NS[trigger] + NUSCENES_OFFSETS_NS.get(name, 0)
                 for name in rig.names}
    return {name: Exposure(trigger, name, stamp_ns) for name, stamp_ns in stamps_ns.items()}


def num_triggers(seconds: float) -> int:
    """
    Return how many triggers fit into a drive.

    :param seconds: Length of the drive.
    :raises UsageError: if the street is not that long.
    """
    if not 0 < seconds <= MAX_SECONDS:
        raise UsageError(f'a drive lasts up to {MAX_SECONDS:.0f} s; got {seconds:g}')
    return len(nuscenes_triggers_ns(seconds))


class Drive:
    """
    Renders the triggers of a drive; equal seeds give equal images.

    :param rig: The cameras, with the image size to render.
    :param seed: Which street.
    """

    def __init__(self, rig: CameraRig, seed: int) -> None:
        self.rig = rig
        self._street = Street.from_seed(seed)
        panorama = sky_panorama(np.random.default_rng(seed))
        self._renderers = {camera.name: CameraRenderer(self._street, panorama, camera)
                           for camera in rig.cameras}

    def views(self, trigger: int) -> dict[str, View]:
        """
        Render what every camera sees.

        :param trigger: Number of the trigger.
        """
        return {name: self._renderers[name].render(exposure.world_from_ego, exposure.time_s)
                for name, exposure in exposures(self.rig, trigger).items()}

    def truth(self, trigger: int, views: Mapping[str, View]) -> tuple[Occupancy, Boxes]:
        """
        Return the right answer for a trigger.

        :param trigger: Number of the trigger.
        :param views: What was rendered for it.
        """
        fired = exposures(self.rig, trigger)
        key = fired[self.rig.key_camera]
        return ground_truth(
            self._street, self.rig, {name: e.world_from_ego for name, e in fired.items()},
            {name: view.inverse_depth for name, view in views.items()}, key.time_s, key.stamp_ns)


def encode_jpeg(image: np.ndarray) -> bytes:
    """
    Compress an image.

    :param image: RGB, (H, W, 3) uint8.
    """
    parameters = [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY]
    return cv2.imencode('.jpg', image[..., ::-1], parameters)[1].tobytes()
