# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What a scene is built onto: a ground, things that stand for good, and things with boxes."""

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from bdc_occ_ros.classes import OCCUPANCY_CLASS_NAMES
from bdc_occ_ros.world.actors import Actor
from bdc_occ_ros.world.ground import Surface
from bdc_occ_ros.world.ground_drawing import GroundMap
from bdc_occ_ros.world.parts import Model, Parts, Span
from bdc_occ_ros.world.road_network import ALONG_U, RoadNetwork

OTHERS, TERRAIN, MANMADE, VEGETATION = (
    OCCUPANCY_CLASS_NAMES.index(name) for name in ('others', 'terrain', 'manmade', 'vegetation'))
DURATION_S = 20.0
SIGHT_M = 90.0
SIGHT_ACROSS_M = 72.0


class Placed(NamedTuple):
    """
    A thing that never moves and has no box.

    :param parts: Its solids in its own frame.
    :param axis: ALONG_U or ALONG_V: the direction that the turn starts from.
    :param u_m: u of the place.
    :param v_m: v of the place.
    :param turn_rad: Where it looks, from the direction of the axis.
    """

    parts: Parts
    label: int
    axis: int
    u_m: float
    v_m: float
    turn_rad: float


@dataclass(frozen=True, eq=False)
class Stage:
    """
    What a scene is built onto.

    :param ground: The map of surfaces, which is drawn onto.
    :param sight_u_m: Between which u anything can be seen during the drive.
    :param placed: Things without boxes so far.
    :param actors: Things with boxes so far.
    """

    network: RoadNetwork
    ground: GroundMap
    sight_u_m: Span
    placed: list[Placed] = field(default_factory=list)
    actors: list[Actor] = field(default_factory=list)

    def sees(self, u_m: float, v_m: float) -> bool:
        """
        Return whether a place comes near enough to matter.

        :param u_m: u of the place.
        :param v_m: v of the place.
        """
        return self.sight_u_m[0] < u_m < self.sight_u_m[1] and abs(v_m) < SIGHT_ACROSS_M


@dataclass(frozen=True, eq=False)
class Site:
    """
    A rectangle beside a street: a runs along the street, b away from it.

    :param stage: What is built onto.
    :param axis: ALONG_U or ALONG_V, as the street runs.
    :param along_m: From where to where it reaches along the street.
    :param edge_m: Coordinate across the street where b is 0.
    :param away: +1 if b runs with that coordinate, else -1.
    :param depth_m: How far it reaches away from the street.
    """

    stage: Stage
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
        """
        Return u and v of a place.

        :param a_m: Along the street from the beginning.
        :param b_m: Away from the street.
        """
        along_m, across_m = self.along_m[0] + a_m, self.edge_m + self.away * b_m
        return (along_m, across_m) if self.axis == ALONG_U else (across_m, along_m)

    def put(self, a_m: float, b_m: float, parts: Parts, label: int, turn_rad: float = 0.0) -> None:
        """
        Place a thing without a box; unturned it has the street at its lowest y.

        :param a_m: Along the street from the beginning.
        :param b_m: Away from the street.
        :param turn_rad: Turn about the vertical.
        """
        place = self.at(a_m, b_m)
        if self.stage.sees(*place):
            self.stage.placed.append(Placed(parts, label, self.axis, *place,
                                            self._turn_rad + turn_rad))

    def stand(self, a_m: float, b_m: float, model: Model, turn_rad: float = 0.0,
              speed_mps: float = 0.0) -> None:
        """
        Place a thing with a box; unturned it has the street at its lowest y.

        :param a_m: Along the street from the beginning.
        :param b_m: Away from the street.
        :param model: What it looks like.
        :param turn_rad: Turn about the vertical.
        :param speed_mps: Speed along the street, positive with a.
        """
        self.stage.actors.append(Actor(model, self.axis, *self.at(a_m, b_m), speed_mps,
                                       self._turn_rad + turn_rad))

    def walk(self, a_m: float, b_m: float, model: Model, speed_mps: float) -> None:
        """
        Place a thing with a box that moves along the street and never leaves the site.

        :param a_m: Along the street from the beginning.
        :param b_m: Away from the street.
        :param model: What it looks like.
        :param speed_mps: Speed, positive with a; less if the site is too short for the drive.
        """
        limit_mps = self.width_m / DURATION_S
        speed_mps = min(max(speed_mps, -limit_mps), limit_mps)
        way_m = speed_mps * DURATION_S
        a_m = min(max(a_m, -way_m, 0.0), self.width_m - max(way_m, 0.0))
        self.stage.actors.append(Actor(model, self.axis, *self.at(a_m, b_m), speed_mps,
                                       0.0 if speed_mps >= 0 else np.pi))

    def fill(self, a_m: Span, b_m: Span, surface: Surface) -> None:
        """
        Draw a rectangle of ground.

        :param a_m: Span along the street.
        :param b_m: Span away from it.
        """
        low, high = self.at(a_m[0], b_m[0]), self.at(a_m[1], b_m[1])
        self.stage.ground.fill((low[0], high[0]), (low[1], high[1]), surface)

    def fill_all(self, surface: Surface) -> None:
        """Draw all of it."""
        self.fill((0, self.width_m), (0, self.depth_m), surface)

    @property
    def _turn_rad(self) -> float:
        """Return the turn from the axis at which the street is at the lowest y."""
        return 0.0 if (self.away > 0) == (self.axis == ALONG_U) else np.pi
