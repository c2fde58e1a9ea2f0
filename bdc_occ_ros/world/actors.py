# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Things that have boxes, and where each is at any time: along a line of the road network."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from bdc_occ_ros.world.parts import Model
from bdc_occ_ros.world.road_network import ALONG_U, ALONG_V, RoadNetwork


class Actor(NamedTuple):
    """
    A thing that stands, or moves at a steady speed along a line of equal u or v.

    :param model: What it looks like.
    :param axis: ALONG_U or ALONG_V: which way the line runs.
    :param u_m: u of the place at time 0.
    :param v_m: v of the place at time 0.
    :param speed_mps: Speed along the line, negative for who moves against the axis.
    :param turn_rad: Where it looks, from the direction of the axis.
    """

    model: Model
    axis: int
    u_m: float
    v_m: float
    speed_mps: float
    turn_rad: float


@dataclass(frozen=True, eq=False)
class Cast:
    """
    Things that follow the lines of a road network.

    :param actors: The things; their order numbers them.
    """

    network: RoadNetwork
    actors: Sequence[Actor]

    def poses(self, time_s: float) -> np.ndarray:
        """
        Return x, y and yaw of every thing, (N, 3).

        :param time_s: Time since the scene began.
        """
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
        Return the velocity of every thing, (N, 2).

        :param poses: Its pose at that instant, (N, 3).
        """
        _, _, speed_mps, turn_rad = self._columns
        heading_rad = poses[:, 2] - turn_rad
        return speed_mps[:, None] * np.stack([np.cos(heading_rad), np.sin(heading_rad)], 1)

    @cached_property
    def _by_axis(self) -> list[np.ndarray]:
        """Return the numbers of the things on lines along u, and along v."""
        axes = np.array([actor.axis for actor in self.actors], int)
        return [np.flatnonzero(axes == axis) for axis in (ALONG_U, ALONG_V)]

    @cached_property
    def _columns(self) -> tuple[np.ndarray, ...]:
        """Return lateral and travelled distance at time 0, speed and turn of all."""
        rows = np.array([actor[2:] for actor in self.actors], float).reshape(-1, 4)
        u_m, v_m, speed_mps, turn_rad = rows.T
        lateral_m, travelled_m = np.empty(len(rows)), np.empty(len(rows))
        places_m = self.network.points(u_m, v_m)
        for axis, mine in enumerate(self._by_axis):
            lateral_m[mine] = (v_m, u_m)[axis][mine]
            travelled_m[mine] = self.network.travelled(axis, places_m[axis][mine])
        return lateral_m, travelled_m, speed_mps, turn_rad
