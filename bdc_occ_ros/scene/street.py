# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A street from a seed: what stands where, what drives where, and the path of the rig."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from bdc_occ_ros.scene import objects
from bdc_occ_ros.scene.ground import CROSSING_M
from bdc_occ_ros.scene.ground import FORECOURT_M
from bdc_occ_ros.scene.ground import ground_texture
from bdc_occ_ros.scene.ground import LOWER_M
from bdc_occ_ros.scene.ground import UPPER_M
from bdc_occ_ros.scene.solids import SceneObject
from bdc_occ_ros.scene.solids import Texture

EGO_START_M = 30.0
EGO_SPEED_MPS = 9.0
EGO_LANE_M = -1.75
SWAY_M = 0.3
SWAY_PERIOD_S = 7.0
MAX_SECONDS = 20.0


@dataclass(frozen=True, eq=False)
class Street:
    """
    A scene.

    :param objects: Everything that stands on the ground.
    :param ground: Picture of the ground from above, see ground_texture.
    :param seed: Where the scene came from.
    """

    objects: tuple[SceneObject, ...]
    ground: Texture
    seed: int

    @classmethod
    def from_seed(cls, seed: int) -> 'Street':
        """
        Lay out a street; equal seeds give equal streets.

        :param seed: Any non-negative integer.
        """
        random = np.random.default_rng(seed)
        stands = (*_traffic(random), *_people(random), *_greenery(random), *_houses(random),
                  *_roadworks(), *_parked(random))
        return cls(stands, Texture(ground_texture(random)), seed)


def world_from_ego(time_s: float) -> np.ndarray:
    """
    Return the pose of the rig: down its lane with a slight sway.

    :param time_s: Seconds since the scene began.
    :return: Homogeneous transform, (4, 4).
    """
    phase = 2 * np.pi * time_s / SWAY_PERIOD_S
    x_m, y_m = EGO_START_M + EGO_SPEED_MPS * time_s, EGO_LANE_M + SWAY_M * np.sin(phase)
    slope = SWAY_M * 2 * np.pi / SWAY_PERIOD_S * np.cos(phase) / EGO_SPEED_MPS
    cos, sin = np.cos(np.arctan(slope)), np.sin(np.arctan(slope))
    return np.array([[cos, -sin, 0, x_m], [sin, cos, 0, y_m], [0, 0, 1, 0], [0, 0, 0, 1]])


def _traffic(random: np.random.Generator) -> Iterator[SceneObject]:
    """Yield vehicles; all of a lane drive at one speed, so that none runs into another."""
    yield objects.car((EGO_START_M + 17.0, -1.75), 0.0, EGO_SPEED_MPS + 0.4, random)
    yield objects.car((EGO_START_M - 15.0, -1.75), 0.0, EGO_SPEED_MPS - 0.2, random)
    yield objects.truck((EGO_START_M + 44.0, -1.75), 0.0, EGO_SPEED_MPS + 0.4, random)
    for lane, speed, yaw in ((-5.25, 6.5, 0.0), (1.75, 9.5, np.pi), (5.25, 7.5, np.pi)):
        x = -40.0 + random.uniform(0, 10)
        while x < UPPER_M[0]:
            draw = random.uniform()
            if draw < 0.12:
                yield objects.two_wheeler('motorcycle', (x, lane), yaw, speed, random)
            elif draw < 0.3 and lane > 5:
                yield objects.bus((x, lane), yaw, speed)
            elif draw < 0.45 and lane > 5:
                yield objects.truck((x, lane), yaw, speed, random)
            else:
                yield objects.car((x, lane), yaw, speed, random)
            x += random.uniform(15, 27)
    for x in np.arange(20.0, 240.0, 38.0):
        yield objects.two_wheeler('bicycle', (x, 6.5), np.pi, 4.0, random)


def _people(random: np.random.Generator) -> Iterator[SceneObject]:
    """Yield people on the sidewalks and at the crossing."""
    for side in (-1, 1):
        for x in np.arange(-10.0, 240.0, 9.0):
            if random.uniform() < 0.75:
                yaw = np.pi * random.integers(2)
                place = (x + random.uniform(-4, 4), side * random.uniform(7.6, 8.6))
                yield objects.pedestrian(place, yaw, random.uniform(0.8, 1.6), random)
    for _ in range(5):
        place = (CROSSING_M + random.uniform(-11, -8.5), random.uniform(7.4, 9.0))
        yield objects.pedestrian(place, np.pi, 0.2, random)


def _greenery(random: np.random.Generator) -> Iterator[SceneObject]:
    """Yield trees along both sidewalks, lamps between them, hedges behind."""
    for side in (-1, 1):
        for x in np.arange(LOWER_M[0] + 5, UPPER_M[0], 11.0):
            if abs(x - CROSSING_M) > 10.0:
                yield objects.tree((x + random.uniform(-1.5, 1.5), side * 9.8), random)
            if int(x) % 2 and abs(x + 5 - CROSSING_M) > 8.0:
                yield objects.lamp_post((x + 5.5, side * 7.5), -side * np.pi / 2)
            if abs(x - CROSSING_M) > 13.0 and not _is_forecourt(x, side):
                yield objects.hedge((x, side * 12.4), random.uniform(4.0, 9.0), random)


def _is_forecourt(x_m: float, side: int) -> bool:
    """Return whether a place beside the road is paved."""
    return any(start - 6 <= x_m < stop + 6 and side == at for start, stop, at in FORECOURT_M)


def _houses(random: np.random.Generator) -> Iterator[SceneObject]:
    """Yield two rows of houses with gaps, set back behind the forecourts."""
    for side in (-1, 1):
        x = LOWER_M[0]
        while x < UPPER_M[0]:
            length = random.uniform(12, 22)
            size = (length, random.uniform(10, 14), random.uniform(6.5, 19))
            if abs(x + length / 2 - CROSSING_M) > length / 2 + 9.0:
                middle = side * (15.6 + size[1] / 2 + random.uniform(0, 1.5))
                yield objects.house((x + length / 2, middle), size, random)
            x += length + random.uniform(0.5, 7)


def _roadworks() -> Iterator[SceneObject]:
    """Yield a fenced digger on the right and a row of cones."""
    yield objects.excavator((76.0, -12.6), 2.4)
    for index in range(4):
        yield objects.barrier((70.0 + 3.0 * index, -10.2), np.pi / 2)
    for index in range(6):
        yield objects.cone((67.0 + 3.0 * index, -7.4))
    for index in range(3):
        yield objects.barrier((143.0, 9.2 + 2.4 * index), 0.0)
        yield objects.cone((139.0 + index, 7.6))


def _parked(random: np.random.Generator) -> Iterator[SceneObject]:
    """Yield vehicles on the forecourts and on the side street."""
    for start, stop, side in FORECOURT_M:
        for x in np.arange(start + 3, stop - 3, 5.2):
            if random.uniform() < 0.6 and not 66 < x < 86:
                yield objects.car((x, side * 13.0), side * np.pi / 2, 0.0, random)
    yield objects.trailer((132.0, 13.4), 0.1)
    for y in (-24.0, -17.0, 16.0, 23.0, 33.0):
        yield objects.car((CROSSING_M + 3.2 * np.sign(y), y), np.sign(y) * np.pi / 2, 0.0, random)
