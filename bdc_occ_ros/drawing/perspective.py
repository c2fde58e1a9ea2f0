# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Draw boxes and occupied cells as a camera sees them: over its image, or from above the vehicle.

Cells are painted by falling number of cells between them and the eye. A ray from the eye goes from
cell to cell, every step away from the eye along one axis, so that number grows along every ray and
the order is exact, whatever the view.
"""

from typing import NamedTuple

import cv2
import numpy as np

from bdc_occ_ros.classes import (
    DETECTION_CLASS_NAMES,
    DETECTION_COLORS_RGB,
    OCCUPANCY_COLORS_RGB,
)
from bdc_occ_ros.datatypes import Boxes, Frame, Occupancy
from bdc_occ_ros.geometry.voxel_grid import VoxelGrid

NEAR_M = 0.3
SUBPIXEL_BITS = 4
FARTHEST_PX = 1e5
FAR_BOX_M = 25.0
RIM_SHADE = 0.72
MIN_RIM_PX = 7.0
OPACITY = 0.5
EYE_M = np.array((-31.0, 7.0, 25.0))
TARGET_M = np.array((7.0, 0.0, -1.0))
FOCAL = 1.15
BACKGROUND_TOP_RGB = (24, 27, 34)
BACKGROUND_BOTTOM_RGB = (48, 53, 64)
EGO_RGB = (255, 255, 255)
EGO_LOWER_M = np.array((-1.0, -0.95, 0.2))
EGO_UPPER_M = np.array((3.7, 0.95, 1.7))
SUPERSAMPLING = 2
_NORMALS = np.array([(1, 0, 0), (-1, 0, 0), (0, 1, 0), (0, -1, 0), (0, 0, 1), (0, 0, -1)])
_SHADES = np.array((0.72, 0.8, 0.66, 0.88, 1.0, 0.5))
CORNERS = np.array([(x, y, z) for x in (1, -1) for y in (1, -1) for z in (-1, 1)]) / 2
_EDGES = [(a, b) for a in range(8) for b in range(a + 1, 8)
          if np.count_nonzero(CORNERS[a] != CORNERS[b]) == 1]
_FRONT_CROSS = [(0, 3), (1, 2)]


class _Faces(NamedTuple):
    """Hold squares (N, 4, 3) in an ego frame, RGB (N, 3), and the cells from each to the eye."""

    corners_m: np.ndarray
    colors: np.ndarray
    steps: np.ndarray


class ColoredPoints(NamedTuple):
    """Hold points in an ego frame, (N, 3), metres, and their RGB, (N, 3) uint8."""

    points_m: np.ndarray
    colors_rgb: np.ndarray


def camera_from_ego(frame: Frame, name: str, fixed_from_ego: np.ndarray | None = None
                    ) -> np.ndarray:
    """
    Return where an ego frame lies as seen by a camera at its own exposure, motion included.

    :param fixed_from_ego: Pose of the ego frame that points are given in, (4, 4), metres, in the
        fixed frame of the frame's own poses; that of the key camera's exposure if None.
    :return: (4, 4), metres.
    """
    result = np.linalg.inv(frame.rig[name].ego_from_camera)
    if frame.fixed_from_ego is None:
        return result
    if fixed_from_ego is None:
        fixed_from_ego = frame.fixed_from_ego[frame.rig.key_camera]
    return result @ np.linalg.inv(frame.fixed_from_ego[name]) @ fixed_from_ego


def box_color(boxes: Boxes, index: int) -> tuple[int, int, int]:
    """Return the display colour of a box."""
    name = boxes.class_names[boxes.labels[index]]
    if name not in DETECTION_CLASS_NAMES:
        return (255, 255, 255)
    return DETECTION_COLORS_RGB[DETECTION_CLASS_NAMES.index(name)]


def draw_boxes(image: np.ndarray, boxes: Boxes, intrinsics: np.ndarray,
               camera_from_ego: np.ndarray, thickness_px: int = 2) -> np.ndarray:
    """
    Draw boxes over an image, the front crossed out.

    :param image: RGB, (H, W, 3) uint8; left as it is.
    :param intrinsics: Camera matrix of the image, (3, 3), pixels.
    :param camera_from_ego: Pose of the ego frame in the camera, (4, 4).
    :param thickness_px: Width of the lines; half beyond 25 m.
    :return: A new picture of the same size.
    """
    picture = image.copy()
    corners = _moved(boxes.points_m(CORNERS), camera_from_ego)
    distances_m = np.linalg.norm(corners.mean(axis=1), axis=1)
    for index in np.argsort(-distances_m):
        width_px = thickness_px if distances_m[index] < FAR_BOX_M else max(1, thickness_px // 2)
        for ends in (*_EDGES, *_FRONT_CROSS):
            line = cut_at_camera(corners[index][list(ends)])[:2]
            if len(line):
                cv2.line(picture, *_fixed_point(_pixels_of(line, intrinsics)),
                         box_color(boxes, index), width_px, cv2.LINE_AA, SUBPIXEL_BITS)
    return picture


def draw_voxels(image: np.ndarray, occupancy: Occupancy, intrinsics: np.ndarray,
                camera_from_ego: np.ndarray, opacity: float = OPACITY) -> np.ndarray:
    """
    Draw the occupied cells that a camera observes over an image, half transparent.

    Nearer cells hide farther ones; what shines through is the image only.

    :param image: RGB, (H, W, 3) uint8; left as it is.
    :param intrinsics: Camera matrix of the image, (3, 3), pixels.
    :param camera_from_ego: Pose of the grid's ego frame in the camera, (4, 4).
    :param opacity: Share of the cells' colour, 0 to 1.
    :return: A new picture of the same size.
    """
    painted = image.copy()
    faces = _cube_faces(occupancy, np.linalg.inv(camera_from_ego)[:3, 3])
    _paint(painted, faces, intrinsics, camera_from_ego, MIN_RIM_PX)
    return cv2.addWeighted(painted, opacity, image, 1.0 - opacity, 0.0)


def draw_points(image: np.ndarray, points: ColoredPoints, intrinsics: np.ndarray,
                camera_from_ego: np.ndarray) -> np.ndarray:
    """
    Draw points over an image, two pixels wide; nearer ones lie on farther ones.

    The parameters are those of draw_boxes.
    """
    picture = image.copy()
    local_m = _moved(points.points_m, camera_from_ego)
    order = np.argsort(-local_m[:, 2])
    order = order[local_m[order, 2] >= NEAR_M]
    columns, rows = _pixels_of(local_m[order], intrinsics).astype(np.int64).T
    for shift in ((0, 0), (0, 1), (1, 0), (1, 1)):
        row, column = rows + shift[0], columns + shift[1]
        inside = (row >= 0) & (row < image.shape[0]) & (column >= 0) & (column < image.shape[1])
        picture[row[inside], column[inside]] = points.colors_rgb[order[inside]]
    return picture


def voxel_picture(occupancy: Occupancy, boxes: Boxes | None, width_px: int, height_px: int
                  ) -> np.ndarray:
    """
    Draw the grid and boxes as seen from above and behind the vehicle.

    :return: RGB, (H, W, 3) uint8.
    """
    width, height = SUPERSAMPLING * width_px, SUPERSAMPLING * height_px
    picture = np.linspace(BACKGROUND_TOP_RGB, BACKGROUND_BOTTOM_RGB, height)[:, None]
    picture = np.repeat(picture, width, axis=1).astype(np.uint8)
    focal = FOCAL * min(width, 1.4 * height)
    intrinsics = np.array([[focal, 0, width / 2], [0, focal, height / 2], [0, 0, 1]])
    forward = (TARGET_M - EYE_M) / np.linalg.norm(TARGET_M - EYE_M)
    right = np.cross(forward, (0, 0, 1))
    right /= np.linalg.norm(right)
    pose = np.eye(4)
    pose[:3, :3] = right, np.cross(forward, right), forward
    pose[:3, 3] = -pose[:3, :3] @ EYE_M
    half_m = (EGO_UPPER_M - EGO_LOWER_M) / 2
    corners = np.stack([EGO_LOWER_M + half_m + _square(normal) * half_m for normal in _NORMALS])
    vehicle = _Faces(corners, np.array(EGO_RGB) * _SHADES[:, None],
                     _steps_from(EYE_M, corners, occupancy.grid).min(axis=1))
    _paint(picture, _joined([_cube_faces(occupancy, EYE_M), vehicle]), intrinsics, pose)
    if boxes is not None:
        picture = draw_boxes(picture, boxes, intrinsics, pose, 4)
    return cv2.resize(picture, (width_px, height_px), interpolation=cv2.INTER_AREA)


def cut_at_camera(outline_m: np.ndarray) -> np.ndarray:
    """
    Cut off what lies nearer than NEAR_M or behind the camera.

    :param outline_m: Corners of a convex outline in the camera's frame, in order, (n, 3); two are
        a line.
    :return: Corners of the rest, (m, 3); none if nothing is left.
    """
    kept = []
    for start, stop in zip(outline_m, np.roll(outline_m, -1, axis=0)):
        if start[2] >= NEAR_M:
            kept.append(start)
        if (start[2] < NEAR_M) != (stop[2] < NEAR_M):
            kept.append(start + (NEAR_M - start[2]) / (stop[2] - start[2]) * (stop - start))
    return np.array(kept).reshape(-1, 3)


def _cube_faces(occupancy: Occupancy, eye_m: np.ndarray) -> _Faces:
    """Return the faces towards an eye between occupied cells and other cells."""
    occupied = np.pad(occupancy.occupied, 1)
    half_m = np.array(occupancy.grid.cell_size_m) / 2
    palette = np.array(OCCUPANCY_COLORS_RGB, np.float64)
    found = []
    for normal, shade in zip(_NORMALS, _SHADES):
        neighbour = np.roll(occupied, -normal, axis=(0, 1, 2))
        indices = np.argwhere((occupied & ~neighbour)[1:-1, 1:-1, 1:-1])
        centers = occupancy.grid.centers_m(indices).astype(np.float64)
        facing = (eye_m - centers - normal * half_m) @ normal > 0
        indices, centers = indices[facing], centers[facing]
        height = 0.88 + 0.16 * indices[:, 2:] / occupancy.grid.shape[2]
        colors = palette[occupancy.labels[tuple(indices.T)]] * shade * height
        found.append(_Faces(centers[:, None] + _square(normal) * half_m, np.clip(colors, 0, 255),
                            _steps_from(eye_m, centers, occupancy.grid)))
    return _joined(found)


def _square(normal: np.ndarray) -> np.ndarray:
    """Return the corners of a cube's face in units of half its edge, in order, (4, 3)."""
    first, second = np.roll(np.abs(normal), 1), np.roll(np.abs(normal), 2)
    return normal + np.array([first + second, first - second, -first - second, second - first])


def _steps_from(eye_m: np.ndarray, points_m: np.ndarray, grid: VoxelGrid) -> np.ndarray:
    """Return how many cells a ray passes from the eye to each of the points (..., 3)."""
    return np.abs(grid.indices_of(points_m)[0] - grid.indices_of(eye_m)[0]).sum(axis=-1)


def _joined(parts: list[_Faces]) -> _Faces:
    return _Faces(*(np.concatenate(arrays) for arrays in zip(*parts)))


def _paint(picture: np.ndarray, faces: _Faces, intrinsics: np.ndarray,
           camera_from_ego: np.ndarray, min_rim_px: float = 0.0) -> None:
    """Paint faces in their order, each with a darker rim unless it is small."""
    corners = _moved(faces.corners_m, camera_from_ego)
    is_ahead = (corners[..., 2] >= NEAR_M).all(axis=1)
    pixels = _pixels_of(np.where(is_ahead[:, None, None], corners, 1.0), intrinsics)
    lower, upper = pixels.min(axis=1), pixels.max(axis=1)
    inside = ((upper >= 0) & (lower <= (picture.shape[1], picture.shape[0]))).all(axis=1)
    chosen = np.where(is_ahead, inside, (corners[..., 2] >= NEAR_M).any(axis=1))
    has_rim = ((upper - lower).max(axis=1) >= min_rim_px) & is_ahead
    outlines = _fixed_point(pixels)
    fills, rims = faces.colors.tolist(), (RIM_SHADE * faces.colors).tolist()
    order = np.argsort(-faces.steps, kind='stable')
    for index in order[chosen[order]].tolist():
        outline = outlines[index]
        if not is_ahead[index]:
            outline = _fixed_point(_pixels_of(cut_at_camera(corners[index]), intrinsics))
        cv2.fillConvexPoly(picture, outline, fills[index], cv2.LINE_AA, SUBPIXEL_BITS)
        if has_rim[index]:
            cv2.polylines(picture, [outline], True, rims[index], 1, cv2.LINE_AA, SUBPIXEL_BITS)


def _moved(points_m: np.ndarray, pose: np.ndarray) -> np.ndarray:
    return points_m @ pose[:3, :3].T + pose[:3, 3]


def _pixels_of(points_m: np.ndarray, intrinsics: np.ndarray) -> np.ndarray:
    """Return column and row of points in front of a camera; pixel 0 0 covers 0 to 1."""
    pixels = points_m @ intrinsics.T
    return pixels[..., :2] / pixels[..., 2:]


def _fixed_point(pixels: np.ndarray) -> np.ndarray:
    """Return positions as OpenCV takes them: shifted, and the centre of pixel 0 0 at 0 0."""
    near = np.clip(pixels - 0.5, -FARTHEST_PX, FARTHEST_PX)
    return np.rint(near * 2**SUBPIXEL_BITS).astype(np.int32)
