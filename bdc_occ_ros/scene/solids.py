# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What a scene is made of: textured boxes, grouped into objects that may drive."""

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np

FACES = ('front', 'back', 'left', 'right', 'top')
MIN_TEXTURE_PX = 4

# Outward normal, and the directions right and down for someone who looks at the face.
_NORMAL = np.array([[1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0], [0, 0, 1]], np.float64)
_RIGHT = np.array([[0, 1, 0], [0, -1, 0], [-1, 0, 0], [1, 0, 0], [0, -1, 0]], np.float64)
_DOWN = np.array([[0, 0, -1]] * 4 + [[-1, 0, 0]], np.float64)


class Texture:
    """
    A picture for a face, kept in halving sizes so that far faces do not flicker.

    :param image: RGB, (H, W, 3) uint8.
    """

    def __init__(self, image: np.ndarray) -> None:
        self._levels = [np.ascontiguousarray(image)]
        while min(self._levels[-1].shape[:2]) >= 2 * MIN_TEXTURE_PX:
            self._levels.append(cv2.resize(self._levels[-1], None, fx=0.5, fy=0.5,
                                           interpolation=cv2.INTER_AREA))

    def level(self, number: int) -> np.ndarray:
        """
        Return the picture, halved a number of times.

        :param number: How often.
        """
        return self._levels[number]

    def for_size(self, size_px: float) -> np.ndarray:
        """
        Return the smallest level that still has a texel per pixel.

        :param size_px: Larger side of the face in the image, pixels.
        """
        larger = max(self._levels[0].shape[:2])
        level = int(np.clip(np.floor(np.log2(larger / max(size_px, 1.0))), 0, None))
        return self._levels[min(level, len(self._levels) - 1)]


@dataclass(frozen=True, eq=False)
class Part:
    """
    One box of an object.

    :param center_m: Centre in the object's frame (x forward, origin on the ground below the
        object), (3,).
    :param size_m: Length, width, height, (3,).
    :param skin: Texture of every face that can be seen, by the names of FACES.
    """

    center_m: tuple[float, float, float]
    size_m: tuple[float, float, float]
    skin: dict[str, Texture]


@dataclass(frozen=True, eq=False)
class SceneObject:
    """
    Boxes that move together along their heading at constant speed.

    :param label: Occupancy class of its cells.
    :param parts: The boxes.
    :param position_m: Where it stands at time 0, world x y.
    :param yaw_rad: Heading, 0 along +x.
    :param speed_mps: Speed along the heading.
    """

    label: int
    parts: tuple[Part, ...]
    position_m: tuple[float, float]
    yaw_rad: float = 0.0
    speed_mps: float = 0.0

    @cached_property
    def bounds_m(self) -> tuple[np.ndarray, np.ndarray]:
        """Lower and upper corner around all parts in the object's frame, (3,) each."""
        centers = np.array([part.center_m for part in self.parts])
        halves = np.array([part.size_m for part in self.parts]) / 2
        return (centers - halves).min(axis=0), (centers + halves).max(axis=0)

    @property
    def velocity_mps(self) -> np.ndarray:
        """World velocity, x y."""
        return self.speed_mps * np.array([np.cos(self.yaw_rad), np.sin(self.yaw_rad)])

    def world_from_object(self, time_s: float) -> np.ndarray:
        """
        Return the pose at a time.

        :param time_s: Seconds since the scene began.
        :return: Homogeneous transform, (4, 4).
        """
        cos, sin = np.cos(self.yaw_rad), np.sin(self.yaw_rad)
        x, y = np.asarray(self.position_m) + self.velocity_mps * time_s
        return np.array([[cos, -sin, 0, x], [sin, cos, 0, y], [0, 0, 1, 0], [0, 0, 0, 1]])


def face_frames(size_m: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """
    Return the faces of a box around the origin.

    :param size_m: Length, width, height, (3,).
    :return: Upper left corner, right edge and down edge of every face of FACES, as columns,
        (5, 3, 3), metres, and the outward normals, (5, 3).
    """
    half = np.asarray(size_m) / 2
    corners = (_NORMAL - _RIGHT - _DOWN) * half
    return np.stack((corners, 2 * _RIGHT * half, 2 * _DOWN * half), axis=-1), _NORMAL
