# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Vary worlds beyond what streets look like, so that photographs are one more variation."""

from dataclasses import dataclass

import numpy as np

from bdc_occ_ros.geometry.camera_rig import Camera, CameraRig, MAX_CAMERAS
from bdc_occ_ros.geometry.frustum import ImageConfig
from bdc_occ_ros.world.scene_rng import SceneRng

ASPECTS = (16 / 9, 1.6, 1.5, 4 / 3, 1.0, 3 / 4)
ASPECT_SHARES = (0.35, 0.2, 0.1, 0.2, 0.1, 0.05)
NOMINAL_WIDTH_PX = 1600
ROWS_STEP_PX = 16
MOST_ROWS_PX = 256
MOST_PIXEL_ROWS = 1050  # of all cameras together, so that samples cost about the same


@dataclass(frozen=True)
class Variety:
    """
    Choose what is varied from scene to scene (domain randomization, arXiv:1703.06907).

    :param rigs: Cameras: how many, where, how high, how pitched, their lenses and pictures; one
        scene in four keeps a rig that is given.
    :param colors: Colours of every material and of the ground.
    :param markings: Streets without paint, and without kerbs.
    """

    rigs: bool = False
    colors: bool = False
    markings: bool = False


PLAIN = Variety()


def varied_rig(seed: int, image: ImageConfig) -> tuple[CameraRig, ImageConfig]:
    """
    Draw the cameras of a vehicle, and the part of their pictures that a network is given.

    :param image: The network's images, whose width is kept.
    :return: The rig, whose cameras have pictures of one shape, and images of as many rows as
        that shape has, or fewer.
    """
    rng = SceneRng.of_part(seed, 'rig')
    aspect = rng.weighted(ASPECTS, ASPECT_SHARES)
    rows_px = min(MOST_ROWS_PX, image.width_px / aspect * rng.uniform(0.62, 1))
    rows_px = ROWS_STEP_PX * round(rows_px / ROWS_STEP_PX)
    most = min(MAX_CAMERAS, MOST_PIXEL_ROWS // rows_px)
    count = max(rng.integers(3, most + 1), rng.integers(3, most + 1))
    is_all_round = count >= 6 or rng.random() < 0.5
    turn_rad = 2 * np.pi / count if is_all_round else np.radians(rng.uniform(35, 65))
    height_m = rng.uniform(0.5, 2.5)
    pitch_rad = np.radians(rng.uniform(-2, 4 + 4 * height_m))
    view_rad = np.radians(rng.uniform(40, 120))
    reach_m = rng.uniform(0.1, 1.6)
    cameras = []
    for place in range(count):
        side = (place + 1) // 2 * (1 if place % 2 else -1)  # ahead, then left and right in turn
        yaw_rad = side * turn_rad + np.radians(rng.uniform(-6, 6))
        own_rad = min(view_rad * rng.uniform(0.85, 1.15), np.radians(125))
        focal_px = NOMINAL_WIDTH_PX / 2 / np.tan(own_rad / 2)
        height_px = round(NOMINAL_WIDTH_PX / aspect)
        middle_px = np.array((NOMINAL_WIDTH_PX, height_px)) * rng.spread((0.47,) * 2, (0.53,) * 2)
        mount = np.eye(4)
        mount[:3, :3] = _rotation(yaw_rad, pitch_rad + np.radians(rng.uniform(-2, 2)),
                                  np.radians(rng.uniform(-1.5, 1.5)))
        mount[:3, 3] = (0.8 + reach_m * np.cos(yaw_rad), 0.5 * reach_m * np.sin(yaw_rad),
                        height_m + rng.uniform(-0.1, 0.1))
        cameras.append(Camera(
            f'camera_{place}', NOMINAL_WIDTH_PX, height_px,
            np.array(((focal_px, 0, middle_px[0]), (0, focal_px, middle_px[1]), (0, 0, 1))),
            mount))
    return CameraRig(tuple(cameras), cameras[0].name), image.with_rows(rows_px)


def _rotation(yaw_rad: float, pitch_rad: float, roll_rad: float) -> np.ndarray:
    """Return the pose of a camera by how its axis is turned left, pitched down and rolled."""
    ahead = np.array((np.cos(yaw_rad) * np.cos(pitch_rad), np.sin(yaw_rad) * np.cos(pitch_rad),
                      -np.sin(pitch_rad)))
    level = np.array((np.sin(yaw_rad), -np.cos(yaw_rad), 0.0))
    below = np.cross(ahead, level)
    cos, sin = np.cos(roll_rad), np.sin(roll_rad)
    return np.stack((cos * level + sin * below, cos * below - sin * level, ahead), axis=1)
