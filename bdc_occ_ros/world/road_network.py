# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Draw the road network: a grid of streets with lanes, bent by smooth curves."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from bdc_occ_ros.world.scene_rng import SceneRng

ALONG_U, ALONG_V = 0, 1
MAP_U_M = (-100.0, 412.0)
MAP_V_M = (-96.0, 96.0)
# By curve and term: steepest slope, shortest and longest wave in m.
_CURVES = (((0.16, 260, 500), (0.07, 150, 240)), ((0.09, 300, 600), (0.05, 200, 300)))
_TABLE_STEP_M = 1.0
_TABLE_M = (-500.0, 1000.0)


@dataclass(frozen=True)
class Road:
    """
    Describe the cross section of one road; all widths are whole cells of the map.

    :param axis: ALONG_U or ALONG_V.
    :param centre_m: Its v, or its u.
    :param lanes: Lanes per direction.
    :param median_m: Width of the median, 0 for a line.
    :param parking_m: Width of the parking strip on either side, or 0; likewise the cycle lane,
        the verge of grass and the sidewalk.
    """

    axis: int
    centre_m: float
    lanes: int
    lane_m: float
    median_m: float
    parking_m: float
    cycling_m: float
    verge_m: float
    sidewalk_m: float

    @property
    def half_lanes_m(self) -> float:
        """Return the distance from the centre to the end of the outermost lane."""
        return self.median_m / 2 + self.lanes * self.lane_m

    @property
    def half_roadway_m(self) -> float:
        """Return the distance from the centre to the curb."""
        return self.half_lanes_m + self.parking_m + self.cycling_m

    @property
    def half_m(self) -> float:
        """Return the distance from the centre to the blocks."""
        return self.half_roadway_m + self.verge_m + self.sidewalk_m

    def side(self, direction: int, distance_m: float) -> float:
        """
        Return the coordinate at a distance to the right of the centre.

        :param direction: +1 for what moves along the axis, -1 for oncoming.
        """
        return self.centre_m - (1 - 2 * self.axis) * direction * distance_m

    def lane(self, direction: int, number: int) -> float:
        """
        Return the coordinate of the middle of a lane; traffic keeps to the right.

        :param direction: +1 for the lanes along the axis, -1 for the oncoming ones.
        :param number: Lanes from the centre outwards.
        """
        return self.side(direction, self.median_m / 2 + (number + 0.5) * self.lane_m)


@dataclass(frozen=True, eq=False)
class RoadNetwork:
    """
    Hold the roads along u and along v in the bent coordinates of the ground.

    :param bend: Terms of f and of g as in GroundPlan, (2, K, 3).
    :param roads: All roads; the first runs along u and is the one that the ego vehicle drives.
    """

    bend: np.ndarray
    roads: Sequence[Road]

    @property
    def main(self) -> Road:
        """Return the road that the ego vehicle drives."""
        return self.roads[0]

    def along(self, axis: int) -> list[Road]:
        """Return the roads along an axis, by coordinate."""
        return sorted((road for road in self.roads if road.axis == axis),
                      key=lambda road: road.centre_m)

    def shift(self, axis: int, along_m: np.ndarray) -> np.ndarray:
        """Return f of x for ALONG_U, g of y for ALONG_V."""
        amplitude, wave, phase = self.bend[axis].T
        return (amplitude * np.sin(np.asarray(along_m)[..., None] * wave + phase)).sum(-1)

    def slope(self, axis: int, along_m: np.ndarray) -> np.ndarray:
        """Return the derivative of f for ALONG_U, of g for ALONG_V."""
        amplitude, wave, phase = self.bend[axis].T
        return (amplitude * wave * np.cos(np.asarray(along_m)[..., None] * wave + phase)).sum(-1)

    def points(self, u_m: np.ndarray, v_m: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return x and y of points."""
        x_m, y_m = u_m, v_m
        for _ in range(8):
            x_m, y_m = u_m + self.shift(ALONG_V, y_m), v_m + self.shift(ALONG_U, x_m)
        return x_m, y_m

    def poses(self, axis: np.ndarray, u_m: np.ndarray, v_m: np.ndarray, turn_rad: np.ndarray
              ) -> np.ndarray:
        """Return x, y and yaw of what stands at points, turned from axes, (N, 3)."""
        x_m, y_m = self.points(u_m, v_m)
        yaw_rad = np.where(axis == ALONG_U, self.heading(ALONG_U, x_m),
                           self.heading(ALONG_V, y_m))
        return np.stack([x_m, y_m, yaw_rad + turn_rad], 1)

    def heading(self, axis: int, along_m: np.ndarray) -> np.ndarray:
        """Return the direction of a line along an axis."""
        angle_rad = np.arctan(self.slope(axis, along_m))
        return angle_rad if axis == ALONG_U else np.pi / 2 - angle_rad

    def travelled(self, axis: int, along_m: np.ndarray) -> np.ndarray:
        """Return the distance along a line of an axis up to points."""
        return np.interp(along_m, *self._distance[axis])

    def after(self, axis: int, distance_m: np.ndarray) -> np.ndarray:
        """Return x, or y, after a distance along a line: the inverse of travelled()."""
        along_m, table_m = self._distance[axis]
        return np.interp(distance_m, table_m, along_m)

    @cached_property
    def _distance(self) -> list[tuple[np.ndarray, np.ndarray]]:
        along_m = np.arange(*_TABLE_M, _TABLE_STEP_M)
        lengths = [np.sqrt(1 + self.slope(axis, along_m) ** 2) for axis in (ALONG_U, ALONG_V)]
        return [(along_m, np.concatenate([[0.0], np.cumsum((step[1:] + step[:-1]) / 2)])
                 * _TABLE_STEP_M) for step in lengths]


def _wave(rng: SceneRng, slope: float, shortest_m: float, longest_m: float) -> list[float]:
    """Draw one term of a curve that is nowhere steeper than a slope."""
    wave = 2 * np.pi / rng.uniform(shortest_m, longest_m)
    return [slope * rng.random() / wave, wave, rng.uniform(0, 2 * np.pi)]


def road_network(rng: SceneRng) -> RoadNetwork:
    """Draw the roads of a scene."""
    bend = np.array([[_wave(rng, *limits) for limits in terms] for terms in _CURVES])
    roads = [_road(rng, ALONG_U, 0.0, rng.weighted((1, 2, 3), (0.4, 0.42, 0.18)))]
    for sign in (-1, 1):
        if rng.random() < 0.5:
            centre_m = sign * float(rng.integers(60, 84))
            roads.append(_road(rng, ALONG_U, centre_m, 1))
    u_m = float(rng.integers(-80, 30))
    while u_m < MAP_U_M[1] - 30:
        roads.append(_road(rng, ALONG_V, u_m, rng.weighted((1, 2), (0.65, 0.35))))
        u_m += float(rng.integers(75, 170))
    return RoadNetwork(bend, roads)


def _road(rng: SceneRng, axis: int, centre_m: float, lanes: int) -> Road:
    lane_m = rng.choice({1: (3.0, 3.5, 4.0), 2: (3.0, 3.25, 3.5), 3: (3.0, 3.5)}[lanes])
    median_m = rng.choice((1.0, 2.0, 3.0, 4.0)) if lanes > 1 and rng.random() < 0.5 else 0.0
    parking_m, cycling_m = rng.weighted(((0.0, 0.0), (2.5, 0.0), (0.0, 1.5)), (0.3, 0.4, 0.3))
    return Road(axis, centre_m, lanes, lane_m, median_m, parking_m, cycling_m,
                rng.choice((0.0, 0.0, 0.0, 1.5, 2.0, 3.0)), rng.choice((2.0, 2.0, 2.5, 3.0, 4.0)))
