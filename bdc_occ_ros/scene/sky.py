# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The sky around the scene: a gradient, a sun, clouds and a hazy line of hills."""

import cv2
import numpy as np

from bdc_occ_ros.camera_rig import Camera
from bdc_occ_ros.scene.skins import speckle

SUN_AZIMUTH_RAD = 0.7
SUN_ELEVATION_RAD = 0.62
HAZE_RGB = (206, 216, 226)
ZENITH_RGB = (84, 138, 206)
HILL_RGB = (150, 170, 186)
TEXELS_PER_RAD = 360
TOP_RAD = 1.3

SUN_DIRECTION = np.array([np.cos(SUN_ELEVATION_RAD) * np.cos(SUN_AZIMUTH_RAD),
                          np.cos(SUN_ELEVATION_RAD) * np.sin(SUN_AZIMUTH_RAD),
                          np.sin(SUN_ELEVATION_RAD)])


def sky_panorama(random: np.random.Generator) -> np.ndarray:
    """
    Paint the sky over azimuth (columns, from -pi to pi) and elevation (rows, from TOP_RAD to 0).

    :param random: Source of randomness.
    :return: RGB, (H, W, 3) uint8.
    """
    width, height = round(2 * np.pi * TEXELS_PER_RAD), round(TOP_RAD * TEXELS_PER_RAD)
    azimuth = (np.arange(width) / TEXELS_PER_RAD - np.pi)[None]
    elevation = (TOP_RAD - np.arange(height) / TEXELS_PER_RAD)[:, None]
    blend = np.clip(elevation / 0.9, 0, 1)[..., None] ** 0.6
    image = (1 - blend) * np.array(HAZE_RGB) + blend * np.array(ZENITH_RGB)
    image = np.repeat(image, width, axis=1)
    clouds = sum(speckle(height, width, cell, random) * weight
                 for cell, weight in ((160, 0.5), (60, 0.3), (22, 0.2)))
    seam = np.clip((np.pi - np.abs(azimuth)) / 0.3, 0, 1)
    cover = np.clip(2.6 * clouds * seam - 0.1, 0, 0.85) * np.clip(elevation / 0.25, 0, 1)
    image += cover[..., None] * (np.array((250, 250, 252)) - image)
    cosine = (np.sin(elevation) * np.sin(SUN_ELEVATION_RAD) + np.cos(elevation)
              * np.cos(SUN_ELEVATION_RAD) * np.cos(azimuth - SUN_AZIMUTH_RAD))
    glow = 0.5 * np.clip(cosine, 0, 1) ** 24 + (cosine > 0.9992)
    image += np.clip(glow, 0, 1)[..., None] * (np.array((255, 250, 228)) - image)
    ridge = 0.035 + 0.018 * np.sin(3 * azimuth) + 0.01 * np.sin(7 * azimuth + 1)
    image[elevation < ridge] = HILL_RGB
    return np.clip(image, 0, 255).astype(np.uint8)


class SkyView:
    """
    The sky through one camera of a rig that stays level.

    :param panorama: See sky_panorama.
    :param camera: The camera.
    """

    def __init__(self, panorama: np.ndarray, camera: Camera) -> None:
        self._panorama = panorama
        column, row = np.meshgrid(np.arange(camera.width_px), np.arange(camera.height_px))
        pixels = np.stack((column, row, np.ones_like(row)), axis=-1)
        rays = pixels @ np.linalg.inv(camera.intrinsics).T @ camera.ego_from_camera[:3, :3].T
        elevation = np.arctan2(rays[..., 2], np.hypot(rays[..., 0], rays[..., 1]))
        azimuth = np.arctan2(rays[..., 1], rays[..., 0])
        self._rows = ((TOP_RAD - elevation) * TEXELS_PER_RAD).clip(0, len(panorama) - 1)
        self._rows = self._rows.astype(np.float32)
        self._columns = ((azimuth + np.pi) * TEXELS_PER_RAD).astype(np.float32)

    def image(self, yaw_rad: float) -> np.ndarray:
        """
        Return the sky in every pixel.

        :param yaw_rad: Heading of the rig.
        :return: RGB, (H, W, 3) uint8.
        """
        columns = self._columns + np.float32(yaw_rad * TEXELS_PER_RAD)
        return cv2.remap(self._panorama, columns, self._rows, cv2.INTER_LINEAR,
                         borderMode=cv2.BORDER_WRAP)
