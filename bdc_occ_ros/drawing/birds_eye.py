# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Draw the grid and the boxes from above: forward is up, left is left."""

import cv2
import numpy as np

from bdc_occ_ros.classes import GROUND_LABELS, OCCUPANCY_COLORS_RGB
from bdc_occ_ros.datatypes import Boxes, Occupancy
from bdc_occ_ros.drawing.perspective import box_color, CORNERS, SUBPIXEL_BITS
from bdc_occ_ros.geometry.voxel_grid import VoxelGrid

UNSEEN_RGB = (30, 33, 40)
FREE_RGB = (58, 62, 72)
EGO_RGB = (255, 255, 255)
EGO_CORNERS_M = ((3.7, 0.95), (3.7, -0.95), (-1.0, -0.95), (-1.0, 0.95))
RING_STEP_M = 10
ARROW_S = 1.0


def birds_eye(grid: VoxelGrid, occupancy: Occupancy | None, boxes: Boxes | None, size_px: int
              ) -> np.ndarray:
    """
    Draw a square picture from above.

    Every column shows the highest thing in it that stands on the ground, else the ground, else
    whether a camera sees any of it.

    :param grid: Extent of the picture.
    :param size_px: Side of the picture.
    :return: RGB, (S, S, 3) uint8.
    """
    cells = (np.full((*grid.shape[:2], 3), UNSEEN_RGB, np.uint8) if occupancy is None
             else _columns(occupancy))
    picture = cv2.resize(cells[::-1, ::-1], (size_px, size_px), interpolation=cv2.INTER_NEAREST)
    scale = np.array((size_px, size_px)) / (np.array(grid.upper_m) - grid.lower_m)[:2]

    def pixels(points_m: np.ndarray) -> np.ndarray:
        """Return fixed-point pixels (column, row) of ego points x y."""
        row_column = (np.array(grid.upper_m[:2]) - points_m[..., :2]) * scale
        return np.rint(row_column[..., ::-1] * 2**SUBPIXEL_BITS).astype(np.int32)

    for radius_m in range(RING_STEP_M, int(max(grid.upper_m[:2])), RING_STEP_M):
        cv2.circle(picture, tuple(pixels(np.zeros(2)).tolist()),
                   round(radius_m * scale[0] * 2**SUBPIXEL_BITS), (100, 104, 114), 1, cv2.LINE_AA,
                   SUBPIXEL_BITS)
    cv2.fillConvexPoly(picture, pixels(np.array(EGO_CORNERS_M)), EGO_RGB, cv2.LINE_AA,
                       SUBPIXEL_BITS)
    if boxes is not None:
        _draw_outlines(picture, boxes, pixels)
    return picture


def _columns(occupancy: Occupancy) -> np.ndarray:
    palette = np.array(OCCUPANCY_COLORS_RGB, np.uint8)
    occupied = occupancy.occupied
    ground = occupied & np.isin(occupancy.labels, GROUND_LABELS)
    cells = np.where(occupancy.observed.any(axis=2)[..., None], FREE_RGB, UNSEEN_RGB)
    for layer in (ground, occupied & ~ground):
        top = layer.shape[2] - 1 - layer[:, :, ::-1].argmax(axis=2)
        labels = np.take_along_axis(occupancy.labels, top[..., None], axis=2)[..., 0]
        cells = np.where(layer.any(axis=2)[..., None], palette[labels], cells)
    return cells.astype(np.uint8)


def _draw_outlines(picture: np.ndarray, boxes: Boxes, pixels: object) -> None:
    """Draw footprints, a line to the front, and where each object will be in a second."""
    corners = boxes.points_m(CORNERS)
    for index, center in enumerate(boxes.centers_m):
        color = box_color(boxes, index)
        outline = pixels(corners[index][[1, 3, 7, 5]])
        cv2.polylines(picture, [outline], True, (10, 12, 16), 4, cv2.LINE_AA, SUBPIXEL_BITS)
        cv2.polylines(picture, [outline], True, color, 2, cv2.LINE_AA, SUBPIXEL_BITS)
        front = pixels(corners[index][[1, 3]].mean(axis=0))
        cv2.line(picture, tuple(pixels(center).tolist()), tuple(front.tolist()), color, 2,
                 cv2.LINE_AA, SUBPIXEL_BITS)
        velocity = boxes.velocities_mps[index]
        if np.isfinite(velocity).all() and np.linalg.norm(velocity) > 0.5:
            tip = pixels(center[:2] + ARROW_S * velocity)
            cv2.line(picture, tuple(front.tolist()), tuple(tip.tolist()), (255, 255, 255), 1,
                     cv2.LINE_AA, SUBPIXEL_BITS)
