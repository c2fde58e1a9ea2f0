# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Draws what one camera sees, with the depth of every pixel.

Every surface is flat, so its texture coordinates and its inverse depth are linear over the image
once divided by depth: for a plane with corner o and edges a, b in the camera frame,
(s, t, 1) / depth = inverse([a b o]) inverse(K) (u, v, 1). That gives exact hits per pixel, as ray
casting would, at the price of one matrix and one texture warp per face.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from bdc_occ_ros.camera_rig import Camera
from bdc_occ_ros.scene import ground
from bdc_occ_ros.scene.sky import HAZE_RGB
from bdc_occ_ros.scene.sky import SkyView
from bdc_occ_ros.scene.street import Street
from bdc_occ_ros.scene.visible_faces import Face
from bdc_occ_ros.scene.visible_faces import FaceTable

HORIZON_M = 1000.0
HAZE_LENGTH_M = 190.0
SHADOW_STRENGTH = 0.42
GROUND_LEVELS = ((0, 0.0, 14.0), (2, 14.0, 45.0), (4, 45.0, HORIZON_M))
SUBPIXEL_BITS = 4


@dataclass(frozen=True, eq=False)
class View:
    """
    What a camera saw.

    :param image: RGB, (H, W, 3) uint8.
    :param inverse_depth: One over the depth along the optical axis, (H, W) float32, 1/m; 0 in
        the sky.
    """

    image: np.ndarray
    inverse_depth: np.ndarray


class CameraRenderer:
    """
    Renders a street through one camera.

    :param street: The scene.
    :param panorama: The sky, see sky_panorama.
    :param camera: Size, intrinsics and mount; distortion is not drawn.
    """

    def __init__(self, street: Street, panorama: np.ndarray, camera: Camera) -> None:
        self._camera = camera
        self._sky = SkyView(panorama, camera)
        self._faces = FaceTable(street.objects)
        self._ground = street.ground
        self._haze = np.full((camera.height_px, camera.width_px, 3), HAZE_RGB, np.uint8)

    def render(self, world_from_ego: np.ndarray, time_s: float) -> View:
        """
        Draw the scene.

        :param world_from_ego: Pose of the rig at the exposure, (4, 4).
        :param time_s: Time of the exposure since the scene began.
        """
        camera_from_world = np.linalg.inv(world_from_ego @ self._camera.ego_from_camera)
        image = self._sky.image(float(np.arctan2(world_from_ego[1, 0], world_from_ego[0, 0])))
        inverse_depth = self._draw_ground(image, camera_from_world)
        self._draw_shadows(image, camera_from_world, time_s)
        for face in self._faces.visible(self._camera, camera_from_world, time_s):
            _draw_face(image, inverse_depth, face)
        return View(self._add_haze(image, inverse_depth), inverse_depth)

    def _draw_ground(self, image: np.ndarray, camera_from_world: np.ndarray) -> np.ndarray:
        """Draw the plane z = 0, the coarser the farther, and return its inverse depth."""
        world_from_pixel = np.linalg.inv(
            self._camera.intrinsics @ camera_from_world[:3, [0, 1, 3]])
        inverse_depth = _linear(world_from_pixel[2], 0, 0, *image.shape[:2])
        inverse_depth[inverse_depth < 1 / HORIZON_M] = 0
        texel_from_world = np.array([[1 / ground.TEXEL_M, 0, -ground.LOWER_M[0] / ground.TEXEL_M],
                                     [0, -1 / ground.TEXEL_M, ground.UPPER_M[1] / ground.TEXEL_M],
                                     [0, 0, 1]])
        for level, start_m, stop_m in GROUND_LEVELS:
            chosen = inverse_depth >= 1 / stop_m
            if start_m:
                chosen &= inverse_depth < 1 / start_m
            rows = np.flatnonzero(chosen.any(axis=1))
            if not len(rows):
                continue
            top, bottom = int(rows[0]), int(rows[-1]) + 1
            shrink = np.diag((0.5**level, 0.5**level, 1.0))
            warp = shrink @ texel_from_world @ world_from_pixel @ _shift(0, top)
            patch = _warp(self._ground.level(level), warp, image.shape[1], bottom - top)
            np.copyto(image[top:bottom], patch, where=chosen[top:bottom, :, None])
        return inverse_depth

    def _draw_shadows(self, image: np.ndarray, camera_from_world: np.ndarray, time_s: float
                      ) -> None:
        """Darken the ground where objects stand between it and the sun."""
        light = np.full(image.shape[:2], 255, np.uint8)
        shadowed = round(255 * (1 - SHADOW_STRENGTH))
        for outline in self._faces.shadows(self._camera, camera_from_world, time_s):
            _fill_polygon(light, outline, 0, 0, shadowed)
        light = cv2.GaussianBlur(light, (5, 5), 0)
        cv2.multiply(image, cv2.cvtColor(light, cv2.COLOR_GRAY2RGB), dst=image, scale=1 / 255)

    def _add_haze(self, image: np.ndarray, inverse_depth: np.ndarray) -> np.ndarray:
        """Fade what is far into the haze at the horizon; the sky has its own."""
        clear = cv2.exp(-1 / (HAZE_LENGTH_M * np.maximum(inverse_depth, 1e-4)))
        clear[inverse_depth == 0] = 1
        return cv2.blendLinear(image, self._haze, clear, 1 - clear)


def _draw_face(image: np.ndarray, inverse_depth: np.ndarray, face: Face) -> None:
    """Draw one face where nothing nearer has been drawn."""
    height, width = inverse_depth.shape
    (left, top), (right, bottom) = face.outline_px.min(axis=0), face.outline_px.max(axis=0)
    left, top = max(0, int(left)), max(0, int(top))
    right, bottom = min(width, int(right) + 2), min(height, int(bottom) + 2)
    if right <= left or bottom <= top:
        return
    depth = _linear(face.face_from_pixel[2], left, top, bottom - top, right - left)
    mask = np.zeros(depth.shape, np.uint8)
    _fill_polygon(mask, face.outline_px, left, top, 1)
    window = inverse_depth[top:bottom, left:right]
    shown = mask.view(bool) & (depth > window)
    if not shown.any():
        return
    texture = cv2.convertScaleAbs(face.texture.for_size(max(depth.shape)), alpha=face.shade)
    scale = np.diag((texture.shape[1], texture.shape[0], 1.0))
    warp = _shift(-0.5, -0.5) @ scale @ face.face_from_pixel @ _shift(left, top)
    patch = _warp(texture, warp, right - left, bottom - top)
    np.copyto(image[top:bottom, left:right], patch, where=shown[..., None])
    np.copyto(window, depth, where=shown)


def _warp(texture: np.ndarray, texture_from_pixel: np.ndarray, width_px: int, height_px: int
          ) -> np.ndarray:
    """Return the texture as it appears in a window of the image."""
    return cv2.warpPerspective(
        texture, texture_from_pixel, (width_px, height_px),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, borderMode=cv2.BORDER_REPLICATE)


def _shift(x: float, y: float) -> np.ndarray:
    """Return the homography that adds an offset."""
    return np.array([[1.0, 0, x], [0, 1.0, y], [0, 0, 1.0]])


def _linear(row: np.ndarray, left: int, top: int, height: int, width: int) -> np.ndarray:
    """Return row @ (u, v, 1) over a window of pixels, (H, W) float32."""
    u = (row[0] * np.arange(left, left + width)).astype(np.float32)
    v = (row[1] * np.arange(top, top + height) + row[2]).astype(np.float32)
    return v[:, None] + u[None]


def _fill_polygon(mask: np.ndarray, outline_px: np.ndarray, left: int, top: int, value: int
                  ) -> None:
    """Fill a convex polygon, with a sixteenth of a pixel of precision."""
    points = (outline_px - (left, top)) * 2**SUBPIXEL_BITS
    cv2.fillConvexPoly(mask, np.clip(points, -1e6, 1e6).round().astype(np.int32), value,
                       shift=SUBPIXEL_BITS)
