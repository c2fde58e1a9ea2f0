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

from bdc_occ_ros.datatypes import Camera
from bdc_occ_ros.scene import ground
from bdc_occ_ros.scene.sky import HAZE_RGB
from bdc_occ_ros.scene.sky import SkyView
from bdc_occ_ros.scene.sky import SUN_DIRECTION
from bdc_occ_ros.scene.solids import face_frames
from bdc_occ_ros.scene.solids import FACES
from bdc_occ_ros.scene.solids import Part
from bdc_occ_ros.scene.solids import Texture
from bdc_occ_ros.scene.street import Street

NEAR_M = 0.3
FAR_M = 160.0
HAZE_LENGTH_M = 190.0
SHADOW_STRENGTH = 0.42
AMBIENT = 0.62
GROUND_LEVELS = ((1, 0.0, 14.0), (4, 14.0, 45.0), (16, 45.0, np.inf))


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


def clip_near(polygon_m: np.ndarray) -> np.ndarray:
    """
    Cut away what lies behind the near plane.

    :param polygon_m: Corners of a convex polygon in the camera frame, (N, 3).
    :return: Corners of the rest, (M, 3); none if all is behind.
    """
    if (polygon_m[:, 2] >= NEAR_M).all():
        return polygon_m
    kept = []
    for start, stop in zip(polygon_m, np.roll(polygon_m, -1, axis=0)):
        if start[2] >= NEAR_M:
            kept.append(start)
        if (start[2] >= NEAR_M) != (stop[2] >= NEAR_M):
            kept.append(start + (NEAR_M - start[2]) / (stop[2] - start[2]) * (stop - start))
    return np.array(kept).reshape(-1, 3)


class CameraRenderer:
    """
    Renders a street through one camera.

    :param street: The scene.
    :param panorama: The sky, see sky_panorama.
    :param camera: Size, intrinsics and mount; distortion is not drawn.
    """

    def __init__(self, street: Street, panorama: np.ndarray, camera: Camera) -> None:
        self._street = street
        self._camera = camera
        self._sky = SkyView(panorama, camera)
        self._pixel_rays = np.linalg.inv(camera.intrinsics)
        self._ground_levels = [
            cv2.resize(street.ground, None, fx=1 / step, fy=1 / step,
                       interpolation=cv2.INTER_AREA) for step, _, _ in GROUND_LEVELS]

    def render(self, world_from_ego: np.ndarray, time_s: float) -> View:
        """
        Draw the scene.

        :param world_from_ego: Pose of the rig at the exposure, (4, 4).
        :param time_s: Time of the exposure since the scene began.
        """
        world_from_camera = world_from_ego @ self._camera.ego_from_camera
        camera_from_world = np.linalg.inv(world_from_camera)
        yaw_rad = float(np.arctan2(world_from_ego[1, 0], world_from_ego[0, 0]))
        image = self._sky.image(yaw_rad)
        inverse_depth = np.zeros(image.shape[:2], np.float32)
        self._draw_ground(image, inverse_depth, camera_from_world, time_s)
        for solid in self._nearest_first(camera_from_world, time_s):
            self._draw_solid(image, inverse_depth, *solid, world_from_camera[:3, :3])
        return View(_add_haze(image, inverse_depth), inverse_depth)

    def _draw_ground(self, image: np.ndarray, inverse_depth: np.ndarray,
                     camera_from_world: np.ndarray, time_s: float) -> None:
        """Draw the plane z = 0 from the level of the texture that suits the distance."""
        plane = np.linalg.inv(self._camera.intrinsics @ camera_from_world[:3, [0, 1, 3]])
        depth = _linear(plane[2], 0, 0, *image.shape[:2])
        np.copyto(inverse_depth, depth, where=depth > 1 / 1000.0)
        texel_from_world = np.array([[1 / ground.TEXEL_M, 0, -ground.LOWER_M[0] / ground.TEXEL_M],
                                     [0, -1 / ground.TEXEL_M, ground.UPPER_M[1] / ground.TEXEL_M],
                                     [0, 0, 1]])
        for (step, start_m, stop_m), texture in zip(GROUND_LEVELS, self._ground_levels):
            chosen = (inverse_depth > 1 / stop_m) & (inverse_depth > 0)
            if start_m:
                chosen &= inverse_depth <= 1 / start_m
            rows = np.flatnonzero(chosen.any(axis=1))
            if not len(rows):
                continue
            top, bottom = rows[0], rows[-1] + 1
            shrink = np.diag((1 / step, 1 / step, 1.0))
            warp = shrink @ texel_from_world @ plane @ _shift(0, top)
            patch = cv2.warpPerspective(
                texture, warp, (image.shape[1], int(bottom - top)),
                flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, borderMode=cv2.BORDER_REPLICATE)
            np.copyto(image[top:bottom], patch, where=chosen[top:bottom, :, None])
        self._draw_shadows(image, camera_from_world, time_s)

    def _draw_shadows(self, image: np.ndarray, camera_from_world: np.ndarray, time_s: float
                      ) -> None:
        """Darken the ground where objects stand between it and the sun."""
        mask = np.zeros(image.shape[:2], np.uint8)
        for item in self._street.objects:
            lower, upper = item.bounds_m
            world_from_object = item.world_from_object(time_s)
            if np.linalg.norm((camera_from_world @ world_from_object)[:3, 3]) > 70.0:
                continue
            corners = np.array([(x, y, z, 1.0) for x in (lower[0], upper[0])
                                for y in (lower[1], upper[1]) for z in (0.0, upper[2])])
            world = corners @ world_from_object.T
            world[:, :2] -= world[:, 2:3] * SUN_DIRECTION[:2] / SUN_DIRECTION[2]
            outline = cv2.convexHull(world[:, :2].astype(np.float32))[:, 0]
            polygon = clip_near(outline @ camera_from_world[:3, :2].T + camera_from_world[:3, 3])
            if len(polygon) >= 3:
                _fill_polygon(mask, self._project(polygon), 0, 0)
        mask = cv2.GaussianBlur(mask, (5, 5), 0)
        light = cv2.cvtColor(255 - cv2.convertScaleAbs(mask, alpha=SHADOW_STRENGTH),
                             cv2.COLOR_GRAY2RGB)
        cv2.multiply(image, light, dst=image, scale=1 / 255)

    def _nearest_first(self, camera_from_world: np.ndarray, time_s: float) -> list[tuple]:
        """Return pose, part and size of the parts that may be seen, nearest first."""
        found = []
        for item in self._street.objects:
            camera_from_object = camera_from_world @ item.world_from_object(time_s)
            lower, upper = item.bounds_m
            middle = camera_from_object[:3, :3] @ ((lower + upper) / 2) + camera_from_object[:3, 3]
            reach = float(np.linalg.norm(upper - lower)) / 2
            if middle[2] + reach < NEAR_M or middle[2] - reach > FAR_M:
                continue
            edges = self._camera.intrinsics[0, 0] / (self._camera.width_px / 2)
            if abs(middle[0]) * edges > middle[2] + 2.6 * reach + 1.0:
                continue
            for part in item.parts:
                pose = camera_from_object.copy()
                pose[:3, 3] += pose[:3, :3] @ part.center_m
                found.append((float(np.linalg.norm(pose[:3, 3])), len(found), pose, part))
        return [(pose, part) for _, _, pose, part in sorted(found, key=lambda entry: entry[:2])]

    def _draw_solid(self, image: np.ndarray, inverse_depth: np.ndarray, pose: np.ndarray,
                    part: Part, world_from_camera: np.ndarray) -> None:
        """Draw the faces of a box that look at the camera."""
        frames, normals = face_frames(part.size_m)
        normals = normals @ pose[:3, :3].T
        for name, frame, normal in zip(FACES, frames, normals):
            plane = pose[:3, :3] @ frame
            plane[:, 0] += pose[:3, 3]
            if normal @ plane[:, 0] >= 0:
                continue
            shade = AMBIENT + 0.5 * max(0.0, float(world_from_camera @ normal @ SUN_DIRECTION))
            self._draw_face(image, inverse_depth, plane, part.skin[name], shade)

    def _draw_face(self, image: np.ndarray, inverse_depth: np.ndarray, plane: np.ndarray,
                   skin: Texture, shade: float) -> None:
        """Draw one face where nothing nearer has been drawn."""
        corner, right, down = plane.T
        polygon = clip_near(np.stack((corner, corner + right, corner + right + down,
                                      corner + down)))
        if len(polygon) < 3:
            return
        outline = self._project(polygon)
        height, width = inverse_depth.shape
        left, top = np.clip(np.floor(outline.min(axis=0)), 0, (width, height)).astype(int)
        end, bottom = np.clip(np.ceil(outline.max(axis=0)) + 1, 0, (width, height)).astype(int)
        if end <= left or bottom <= top:
            return
        mask = np.zeros((bottom - top, end - left), np.uint8)
        _fill_polygon(mask, outline, left, top)
        face_from_pixel = np.linalg.inv(plane[:, [1, 2, 0]]) @ self._pixel_rays
        depth = _linear(face_from_pixel[2], left, top, *mask.shape)
        shown = (mask > 0) & (depth > inverse_depth[top:bottom, left:end])
        if not shown.any():
            return
        texture = skin.for_size(max(np.ptp(outline, axis=0)))
        texture = cv2.convertScaleAbs(texture, alpha=shade)
        scale = np.diag((texture.shape[1], texture.shape[0], 1.0))
        warp = _shift(-0.5, -0.5) @ scale @ face_from_pixel @ _shift(left, top)
        patch = cv2.warpPerspective(
            texture, warp, mask.shape[::-1], flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REPLICATE)
        np.copyto(image[top:bottom, left:end], patch, where=shown[..., None])
        np.copyto(inverse_depth[top:bottom, left:end], depth, where=shown)

    def _project(self, points_m: np.ndarray) -> np.ndarray:
        """Return pixels of points in front of the camera, (N, 2)."""
        pixels = points_m @ self._camera.intrinsics.T
        return pixels[:, :2] / pixels[:, 2:]


def _shift(x: float, y: float) -> np.ndarray:
    """Return the homography that adds an offset."""
    return np.array([[1.0, 0, x], [0, 1.0, y], [0, 0, 1.0]])


def _linear(row: np.ndarray, left: int, top: int, height: int, width: int) -> np.ndarray:
    """Return row @ (u, v, 1) over a window of pixels, (H, W) float32."""
    u = (row[0] * np.arange(left, left + width)).astype(np.float32)
    v = (row[1] * np.arange(top, top + height) + row[2]).astype(np.float32)
    return v[:, None] + u[None]


def _fill_polygon(mask: np.ndarray, outline_px: np.ndarray, left: int, top: int) -> None:
    """Set the pixels of a convex polygon to 255, with a sixteenth of a pixel of precision."""
    points = np.clip((outline_px - (left, top)) * 16, -1e6, 1e6).round().astype(np.int32)
    cv2.fillConvexPoly(mask, points, 255, shift=4)


def _add_haze(image: np.ndarray, inverse_depth: np.ndarray) -> np.ndarray:
    """Fade what is far into the haze at the horizon; the sky has its own."""
    seen = inverse_depth > 0
    clear = np.exp(-1 / (HAZE_LENGTH_M * np.maximum(inverse_depth, 1e-4)))
    clear = np.where(seen, clear, 1.0).astype(np.float32)
    haze = np.empty_like(image)
    haze[:] = HAZE_RGB
    return cv2.blendLinear(image, haze, clear, 1 - clear)
