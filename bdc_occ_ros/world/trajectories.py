# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Move actors along the lines of the road network."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from bdc_occ_ros.world.primitives import Model
from bdc_occ_ros.world.road_network import ALONG_U, ALONG_V, RoadNetwork


class Actor(NamedTuple):
    """
    What stands, or moves at a steady speed along a line of equal u or v.

    :param axis: ALONG_U or ALONG_V: which way the line runs.
    :param u_m: u at time 0.
    :param v_m: v at time 0.
    :param speed_mps: Speed along the line, negative against the axis.
    :param turn_rad: Heading, from the direction of the axis.
    """

    model: Model
    axis: int
    u_m: float
    v_m: float
    speed_mps: float
    turn_rad: float

    @staticmethod
    def on_line(model: Model, axis: int, along_m: float, across_m: float, direction: int,
                speed_mps: float = 0.0) -> 'Actor':
        """
        Return what looks one way along a line.

        :param along_m: Place along the axis at time 0.
        :param across_m: Place across the axis.
        :param direction: +1 for along the axis, -1 for against it.
        """
        place = (along_m, across_m) if axis == ALONG_U else (across_m, along_m)
        return Actor(model, axis, *place, direction * speed_mps, 0.0 if direction > 0 else np.pi)


@dataclass(frozen=True, eq=False)
class Trajectories:
    """The trajectories of actors, which are numbered by their order."""

    network: RoadNetwork
    actors: Sequence[Actor]

    def poses(self, time_s: float) -> np.ndarray:
        """Return x, y and yaw of every actor at a time since the scene began, (N, 3)."""
        lateral_m, travelled_m, speed_mps, turn_rad = self._columns
        distance_m = travelled_m + speed_mps * time_s
        poses = np.empty((len(self.actors), 3))
        for axis, mine in enumerate(self._by_axis):
            along_m = self.network.after(axis, distance_m[mine])
            poses[mine, axis] = along_m
            poses[mine, 1 - axis] = lateral_m[mine] + self.network.shift(axis, along_m)
            poses[mine, 2] = self.network.heading(axis, along_m) + turn_rad[mine]
        return poses

    def velocities(self, poses: np.ndarray) -> np.ndarray:
        """
        Return the velocity of every actor over ground, (N, 2).

        :param poses: As of poses() at that instant, (N, 3).
        """
        _, _, speed_mps, turn_rad = self._columns
        heading_rad = poses[:, 2] - turn_rad
        return speed_mps[:, None] * np.stack([np.cos(heading_rad), np.sin(heading_rad)], 1)

    @cached_property
    def _by_axis(self) -> list[np.ndarray]:
        axes = np.array([actor.axis for actor in self.actors], int)
        return [np.flatnonzero(axes == axis) for axis in (ALONG_U, ALONG_V)]

    @cached_property
    def _columns(self) -> tuple[np.ndarray, ...]:
        """Return lateral place and travelled distance at time 0, speed and turn, (N,) each."""
        rows = np.array([actor[2:] for actor in self.actors], float).reshape(-1, 4)
        u_m, v_m, speed_mps, turn_rad = rows.T
        lateral_m, travelled_m = np.empty(len(rows)), np.empty(len(rows))
        places_m = self.network.points(u_m, v_m)
        for axis, mine in enumerate(self._by_axis):
            lateral_m[mine] = (v_m, u_m)[axis][mine]
            travelled_m[mine] = self.network.travelled(axis, places_m[axis][mine])
        return lateral_m, travelled_m, speed_mps, turn_rad
