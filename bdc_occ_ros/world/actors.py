# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Things that have boxes, and where each is at any time: along a line of the road network."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from bdc_occ_ros.world.parts import Model
from bdc_occ_ros.world.road_network import ALONG_U
from bdc_occ_ros.world.road_network import ALONG_V
from bdc_occ_ros.world.road_network import RoadNetwork


class Actor(NamedTuple):
    """
    A thing that stands, or moves at a steady speed along a line of equal u or v.

    :param model: What it looks like.
    :param axis: ALONG_U or ALONG_V: which way the line runs.
    :param lateral_m: v of the line, or its u.
    :param travelled_m: Distance along the line at time 0, as of RoadNetwork.travelled().
    :param speed_mps: Speed along the line, negative for who moves against the axis.
    :param turn_rad: Where it looks, from the direction of the axis.
    """

    model: Model
    axis: int
    lateral_m: float
    travelled_m: float
    speed_mps: float
    turn_rad: float


def standing(network: RoadNetwork, model: Model, axis: int, u_m: float, v_m: float,
             turn_rad: float = 0.0) -> Actor:
    """
    Return a thing that stays where it is.

    :param network: The roads.
    :param model: What it looks like.
    :param axis: ALONG_U or ALONG_V: the direction that the turn starts from.
    :param u_m: u of the place.
    :param v_m: v of the place.
    :param turn_rad: Where it looks, from the direction of the axis.
    """
    return Actor(model, axis, (v_m, u_m)[axis], network.travelled(axis, u_m, v_m), 0.0, turn_rad)


@dataclass(frozen=True, eq=False)
class Cast:
    """
    All things that have boxes.

    :param network: The roads.
    :param actors: The things; their order numbers them.
    """

    network: RoadNetwork
    actors: Sequence[Actor]

    @cached_property
    def _columns(self) -> tuple[np.ndarray, ...]:
        """Return axis, lateral, travelled, speed and turn of all."""
        rows = np.array([actor[1:] for actor in self.actors], float).reshape(-1, 5)
        return tuple(rows.T)

    @property
    def speeds_mps(self) -> np.ndarray:
        """Return the speed of every thing along its line, (N,)."""
        return self._columns[3]

    def poses(self, time_s: float) -> np.ndarray:
        """
        Return x, y and yaw of every thing, (N, 3).

        :param time_s: Time since the scene began.
        """
        axes, lateral_m, travelled_m, speed_mps, turn_rad = self._columns
        distance_m = travelled_m + speed_mps * time_s
        poses = np.empty((len(axes), 3))
        for axis in (ALONG_U, ALONG_V):
            mine = axes == axis
            along_m = self.network.after(axis, distance_m[mine])
            poses[mine, axis] = along_m
            poses[mine, 1 - axis] = lateral_m[mine] + self.network.shift(axis, along_m)
            poses[mine, 2] = self.network.heading(axis, along_m) + turn_rad[mine]
        return poses
