# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Who drives: the ego vehicle, the lanes beside and against it, and queues at cross roads."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from bdc_occ_ros.world.actors import Actor
from bdc_occ_ros.world.parts import Model
from bdc_occ_ros.world.road_network import ALONG_U
from bdc_occ_ros.world.road_network import RoadNetwork
from bdc_occ_ros.world.vehicles import bus
from bdc_occ_ros.world.vehicles import car
from bdc_occ_ros.world.vehicles import tractor
from bdc_occ_ros.world.vehicles import trailer
from bdc_occ_ros.world.vehicles import truck

SIGHT_M = 90.0
DURATION_S = 20.0
_EGO_FRONT_M, _EGO_REAR_M = 6.0, 4.5


class EgoDrive(NamedTuple):
    """
    How the ego vehicle drives: along a lane of the main road, at a steady speed.

    :param lateral_m: v of its lane.
    :param lane: Number of the lane from the centre.
    :param travelled_m: Distance along the road at time 0.
    :param speed_mps: Its speed, maybe 0.
    """

    lateral_m: float
    lane: int
    travelled_m: float
    speed_mps: float


def ego_drive(rng: np.random.Generator, network: RoadNetwork) -> EgoDrive:
    """
    Draw how the ego vehicle drives.

    :param rng: Source of chance.
    :param network: The roads.
    """
    lane = int(rng.integers(network.main.lanes))
    speed_mps = float(rng.choice([0.0, rng.uniform(1, 5), rng.uniform(5, 15)],
                                 p=[0.15, 0.2, 0.65]))
    lateral_m = network.main.lane(1, lane)
    return EgoDrive(lateral_m, lane, network.travelled(ALONG_U, 0.0, lateral_m), speed_mps)


def vehicle_train(rng: np.random.Generator) -> list[Model]:
    """
    Draw what drives in a lane: one vehicle, or a tractor with its trailer, front first.

    :param rng: Source of chance.
    """
    kinds: tuple[Callable, ...] = (car, truck, bus, tractor)
    kind = kinds[rng.choice(4, p=[0.76, 0.12, 0.06, 0.06])]
    return [tractor(rng), trailer(rng)] if kind is tractor else [kind(rng)]


def lane_traffic(rng: np.random.Generator, axis: int, lateral_m: float, direction: int,
                 span_m: tuple[float, float], speed_mps: float, gap_m: float) -> list[Actor]:
    """
    Fill a stretch of a lane with vehicles that keep their distances.

    :param rng: Source of chance.
    :param axis: ALONG_U or ALONG_V.
    :param lateral_m: Coordinate of the lane.
    :param direction: Along the axis or against it.
    :param span_m: From which to which distance along the lane at time 0.
    :param speed_mps: Speed of all.
    :param gap_m: Mean of the gaps, which are at least a third of it.
    """
    actors = []
    turn_rad = 0.0 if direction > 0 else np.pi
    head_m = span_m[1] if direction > 0 else span_m[0]
    room_m = span_m[1] - span_m[0]
    room_m -= rng.uniform(0, gap_m)
    while True:
        for model in vehicle_train(rng):
            if room_m < model.size_m[0]:
                return actors
            behind_m = span_m[1] - span_m[0] - room_m + model.size_m[0] / 2
            actors.append(Actor(model, axis, lateral_m, head_m - direction * behind_m,
                                direction * speed_mps, turn_rad))
            room_m -= model.size_m[0] + 0.4
        room_m -= gap_m / 3 + rng.exponential(gap_m * 2 / 3)


def main_traffic(rng: np.random.Generator, network: RoadNetwork, ego: EgoDrive) -> list[Actor]:
    """
    Fill the lanes of the main road.

    :param rng: Source of chance.
    :param network: The roads.
    :param ego: The ego vehicle, which is left room in its lane.
    """
    road = network.main
    start_m, end_m = ego.travelled_m, ego.travelled_m + ego.speed_mps * DURATION_S
    gap_m = float(rng.choice([8, 20, 45])) + 1.2 * ego.speed_mps
    actors = []
    for lane in range(road.lanes):
        speed_mps = ego.speed_mps * (1 if lane == ego.lane else rng.uniform(0.75, 1.3))
        drift_m = (ego.speed_mps - speed_mps) * DURATION_S
        low_m, high_m = start_m - SIGHT_M + min(0, drift_m), start_m + SIGHT_M + max(0, drift_m)
        spans = [(low_m, high_m)]
        if lane == ego.lane:
            spans = [(low_m, start_m - _EGO_REAR_M), (start_m + _EGO_FRONT_M, high_m)]
        for span in spans:
            actors += lane_traffic(rng, ALONG_U, road.lane(1, lane), 1, span, speed_mps, gap_m)
        oncoming_mps = max(0.0, rng.uniform(0.7, 1.2) * ego.speed_mps)
        span = start_m - SIGHT_M, end_m + SIGHT_M + oncoming_mps * DURATION_S
        actors += lane_traffic(rng, ALONG_U, road.lane(-1, lane), -1, span, oncoming_mps, gap_m)
    return actors
