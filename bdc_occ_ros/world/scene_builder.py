# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Collect what a scene is built of: the map of its ground, and everything that stands or moves."""

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from bdc_occ_ros.world.ground import Surface
from bdc_occ_ros.world.ground_map import GroundMap
from bdc_occ_ros.world.primitives import Model, Span
from bdc_occ_ros.world.road_network import ALONG_U, RoadNetwork

DURATION_S = 20.0
SIGHT_M = 90.0
SIGHT_ACROSS_M = 72.0
ACROSS_RAD = np.pi / 2


class Actor(NamedTuple):
    """
    Describe what stands, or moves at a steady speed along a line of equal u or v.

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
        """Return an actor that faces along the axis (direction +1) or against it (-1)."""
        place = (along_m, across_m) if axis == ALONG_U else (across_m, along_m)
        return Actor(model, axis, *place, direction * speed_mps, 0.0 if direction > 0 else np.pi)


@dataclass(frozen=True, eq=False)
class SceneBuilder:
    """
    Collect the ground and the actors of a scene.

    :param ground: The map of surfaces, which is drawn onto.
    :param sight_u_m: Between which u anything can be seen during the drive.
    :param actors: What stands or moves so far.
    """

    network: RoadNetwork
    ground: GroundMap
    sight_u_m: Span
    actors: list[Actor] = field(default_factory=list)

    def sees(self, u_m: float, v_m: float) -> bool:
        """Return whether a point comes into sight during the drive."""
        return self.sight_u_m[0] < u_m < self.sight_u_m[1] and abs(v_m) < SIGHT_ACROSS_M


@dataclass(frozen=True, eq=False)
class Site:
    """
    Fill a rectangle beside a street in its own coordinates: a along the street, b away from it.

    :param axis: ALONG_U or ALONG_V, as the street runs.
    :param along_m: From where to where it reaches along the street.
    :param edge_m: Coordinate across the street where b is 0.
    :param away: +1 if b runs with that coordinate, else -1.
    :param depth_m: How far it reaches away from the street.
    """

    builder: SceneBuilder
    axis: int
    along_m: Span
    edge_m: float
    away: int
    depth_m: float

    @property
    def width_m(self) -> float:
        """Return its length along the street."""
        return self.along_m[1] - self.along_m[0]

    def at(self, a_m: float, b_m: float) -> tuple[float, float]:
        """Return u and v of a point of the site."""
        along_m, across_m = self.along_m[0] + a_m, self.edge_m + self.away * b_m
        return (along_m, across_m) if self.axis == ALONG_U else (across_m, along_m)

    def put(self, a_m: float, b_m: float, model: Model, turn_rad: float = 0.0) -> None:
        """
        Place something that stands, unless it never comes into sight.

        :param turn_rad: Turn about the vertical; unturned it has the street at its lowest y.
        """
        place = self.at(a_m, b_m)
        if self.builder.sees(*place):
            base_rad = 0.0 if (self.away > 0) == (self.axis == ALONG_U) else np.pi
            self.builder.actors.append(Actor(model, self.axis, *place, 0.0, base_rad + turn_rad))

    def walk(self, a_m: float, b_m: float, model: Model, speed_mps: float) -> None:
        """
        Place something that moves along the street and never leaves the site.

        :param speed_mps: Speed, positive with a; less if the site is too short for the drive.
        """
        limit_mps = self.width_m / DURATION_S
        speed_mps = min(max(speed_mps, -limit_mps), limit_mps)
        way_m = speed_mps * DURATION_S
        a_m = min(max(a_m, -way_m, 0.0), self.width_m - max(way_m, 0.0))
        self.builder.actors.append(Actor(model, self.axis, *self.at(a_m, b_m), speed_mps,
                                         0.0 if speed_mps >= 0 else np.pi))

    def fill(self, a_m: Span, b_m: Span, surface: Surface) -> None:
        """Draw a rectangle of ground."""
        low, high = self.at(a_m[0], b_m[0]), self.at(a_m[1], b_m[1])
        self.builder.ground.fill((low[0], high[0]), (low[1], high[1]), surface)

    def fill_all(self, surface: Surface) -> None:
        """Draw the ground of the whole site."""
        self.fill((0, self.width_m), (0, self.depth_m), surface)
