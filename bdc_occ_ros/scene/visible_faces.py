# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Which faces of a street a camera may see, worked out for all of them at once."""

from collections.abc import Iterator
from typing import NamedTuple

import cv2
import numpy as np

from bdc_occ_ros.camera_rig import Camera
from bdc_occ_ros.scene.sky import SUN_DIRECTION
from bdc_occ_ros.scene.solids import face_frames
from bdc_occ_ros.scene.solids import FACES
from bdc_occ_ros.scene.solids import SceneObject
from bdc_occ_ros.scene.solids import Texture

NEAR_M = 0.3
FAR_M = 150.0
SHADOW_REACH_M = 70.0
SMALLEST_PX = 0.7
EDGE_ON = 0.004
AMBIENT = 0.62
SUNLIGHT = 0.5


class Face(NamedTuple):
    """
    A face that may be in the picture.

    :param outline_px: Corners in the image, (N, 2).
    :param face_from_pixel: Maps (u, v, 1) to (s, t, 1) / depth, where s and t run from 0 to 1
        to the right and down the face, (3, 3).
    :param texture: What is painted on it.
    :param shade: Brightness from sun and sky.
    """

    outline_px: np.ndarray
    face_from_pixel: np.ndarray
    texture: Texture
    shade: float


def clip_near(polygon_m: np.ndarray) -> np.ndarray:
    """
    Cut away what lies behind the near plane.

    :param polygon_m: Corners of a convex polygon in the camera frame, (N, 3).
    :return: Corners of the rest, (M, 3); none if all is behind.
    """
    kept = []
    for start, stop in zip(polygon_m, np.roll(polygon_m, -1, axis=0)):
        if start[2] >= NEAR_M:
            kept.append(start)
        if (start[2] >= NEAR_M) != (stop[2] >= NEAR_M):
            kept.append(start + (NEAR_M - start[2]) / (stop[2] - start[2]) * (stop - start))
    return np.array(kept).reshape(-1, 3)


def project(points_m: np.ndarray, intrinsics: np.ndarray) -> np.ndarray:
    """
    Return the pixels of points in front of a camera.

    :param points_m: In the camera frame, (..., 3).
    :param intrinsics: Camera matrix, (3, 3).
    :return: Pixels, (..., 2).
    """
    pixels = points_m @ intrinsics.T
    return pixels[..., :2] / pixels[..., 2:]


class FaceTable:
    """
    All faces of a list of objects as arrays.

    :param objects: What stands in the street.
    """

    def __init__(self, objects: tuple[SceneObject, ...]) -> None:
        self._positions_m = np.array([item.position_m for item in objects])
        self._velocities_mps = np.array([item.velocity_mps for item in objects])
        yaws = np.array([item.yaw_rad for item in objects])
        self._rotations = np.zeros((len(objects), 3, 3))
        self._rotations[:, 0, 0] = self._rotations[:, 1, 1] = np.cos(yaws)
        self._rotations[:, 1, 0], self._rotations[:, 0, 1] = np.sin(yaws), -np.sin(yaws)
        self._rotations[:, 2, 2] = 1.0
        self._bounds_m = np.array([_ground_corners(item) for item in objects])
        parts = [(number, part) for number, item in enumerate(objects) for part in item.parts]
        self._textures = [part.skin[name] for _, part in parts for name in FACES]
        self._owners = np.repeat([number for number, _ in parts], len(FACES))
        planes, normals = zip(*(face_frames(part.size_m) for _, part in parts))
        self._planes_m, self._normals = np.concatenate(planes), np.concatenate(normals)
        centers = np.repeat([part.center_m for _, part in parts], len(FACES), axis=0)
        self._planes_m[:, :, 0] += centers

    def _origins_m(self, time_s: float) -> np.ndarray:
        """Return where every object stands, world, (O, 3)."""
        return np.pad(self._positions_m + time_s * self._velocities_mps, ((0, 0), (0, 1)))

    def visible(self, camera: Camera, camera_from_world: np.ndarray, time_s: float
                ) -> Iterator[Face]:
        """
        Yield the faces that look at a camera and lie in its image, nearest first.

        :param camera: Intrinsics and size.
        :param camera_from_world: Its pose, (4, 4).
        :param time_s: Seconds since the scene began.
        """
        rotation, offset = camera_from_world[:3, :3], camera_from_world[:3, 3]
        planes = rotation @ (self._rotations[self._owners] @ self._planes_m)
        planes[:, :, 0] += (self._origins_m(time_s) @ rotation.T + offset)[self._owners]
        normals = np.einsum('fij,fj->fi', self._rotations[self._owners], self._normals)
        corner = planes[:, :, 0]
        facing = -((normals @ rotation.T) * corner).sum(axis=1)
        chosen = np.flatnonzero((facing > EDGE_ON * np.linalg.norm(corner, axis=1))
                                & (corner[:, 2] < FAR_M))
        planes, corner = planes[chosen], corner[chosen]
        right, down = planes[:, :, 1], planes[:, :, 2]
        polygons = np.stack((corner, corner + right, corner + right + down, corner + down), 1)
        inside, outlines = _in_image(polygons, camera)
        pixels_to_faces = np.zeros_like(planes)
        pixels_to_faces[inside] = (np.linalg.inv(planes[inside][:, :, [1, 2, 0]])
                                   @ np.linalg.inv(camera.intrinsics))
        shades = AMBIENT + SUNLIGHT * np.maximum(normals[chosen] @ SUN_DIRECTION, 0.0)
        distances = np.linalg.norm(polygons.mean(axis=1), axis=1)
        for row in sorted(np.flatnonzero(inside), key=distances.__getitem__):
            outline = outlines[row]
            if not np.isfinite(outline).all():
                outline = project(clip_near(polygons[row]), camera.intrinsics)
            yield Face(outline, pixels_to_faces[row], self._textures[chosen[row]],
                       float(shades[row]))

    def shadows(self, camera: Camera, camera_from_world: np.ndarray, time_s: float
                ) -> Iterator[np.ndarray]:
        """
        Yield the outlines of the shadows on the ground, (N, 2) pixels.

        :param camera: Intrinsics and size.
        :param camera_from_world: Its pose, (4, 4).
        :param time_s: Seconds since the scene began.
        """
        corners = np.einsum('oij,ocj->oci', self._rotations, self._bounds_m)
        corners += self._origins_m(time_s)[:, None]
        flat = corners[..., :2] - corners[..., 2:] * (SUN_DIRECTION[:2] / SUN_DIRECTION[2])
        cast = flat @ camera_from_world[:3, :2].T + camera_from_world[:3, 3]
        near = (cast[..., 2].max(axis=1) > NEAR_M) & (cast[..., 2].min(axis=1) < SHADOW_REACH_M)
        for row in np.flatnonzero(near):
            hull = cv2.convexHull(flat[row].astype(np.float32), returnPoints=False)[:, 0]
            polygon = clip_near(cast[row, hull])
            yield project(polygon, camera.intrinsics)


def _ground_corners(item: SceneObject) -> np.ndarray:
    """Return the corners around an object, down to the ground, in its own frame, (8, 3)."""
    lower, upper = item.bounds_m
    return np.array([(x, y, z) for x in (lower[0], upper[0]) for y in (lower[1], upper[1])
                     for z in (0.0, upper[2])])


def _in_image(polygons_m: np.ndarray, camera: Camera) -> tuple[np.ndarray, np.ndarray]:
    """Return which polygons may be in the image, (F,), and outlines, nan where cut, (F, 4, 2)."""
    depth = polygons_m[..., 2]
    with np.errstate(divide='ignore', invalid='ignore'):
        outlines = project(polygons_m, camera.intrinsics)
    whole = (depth >= NEAR_M).all(axis=1)
    outlines[~whole] = np.nan
    lower, upper = outlines.min(axis=1), outlines.max(axis=1)
    size = (camera.width_px, camera.height_px)
    shown = ((upper >= 0) & (lower < size)).all(axis=1)
    shown &= (upper - lower).max(axis=1) >= SMALLEST_PX
    return shown | (~whole & (depth >= NEAR_M).any(axis=1)), outlines
