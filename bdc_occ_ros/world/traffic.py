# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Draw the drive of the ego vehicle and the traffic around it."""

from collections.abc import Callable
from typing import NamedTuple

from bdc_occ_ros.world.ground_map import APRON_M
from bdc_occ_ros.world.primitives import Model
from bdc_occ_ros.world.road_network import ALONG_U, ALONG_V, Road, RoadNetwork
from bdc_occ_ros.world.road_users import bicycle, motorcycle
from bdc_occ_ros.world.scene_builder import Actor, DURATION_S, SIGHT_M
from bdc_occ_ros.world.scene_rng import SceneRng
from bdc_occ_ros.world.vehicles import bus, car, construction_vehicle, tractor, trailer, truck

_EGO_FRONT_M, _EGO_REAR_M = 6.5, 4.5
_QUEUE_GAP_M = 2.5
_HITCH_M = 0.4


class EgoDrive(NamedTuple):
    """
    Describe the drive of the ego vehicle along a lane of the main road at a steady speed.

    :param lane: Number of its lane from the centre.
    :param red: The cross road whose traffic it waits for, or None.
    :param closed_lane: The lane of its direction that works block, or None.
    """

    u_m: float
    lane: int
    speed_mps: float
    red: Road | None
    closed_lane: int | None

    @property
    def end_u_m(self) -> float:
        """Return u at the end of the drive, about."""
        return self.u_m + self.speed_mps * DURATION_S


def ego_drive(rng: SceneRng, network: RoadNetwork) -> EgoDrive:
    """Draw the drive of the ego vehicle."""
    lanes = network.main.lanes
    lane = rng.integers(0, lanes)
    closed = lanes - 1 if lanes > 1 and rng.random() < 0.35 else None
    if closed is not None:
        lane = min(lane, closed - 1)
    if rng.random() < 0.2:
        ahead = [road for road in network.along(ALONG_V) if -10 < road.centre_m < 250]
        red = rng.choice(ahead)
        stop_m = red.centre_m - red.half_roadway_m - APRON_M
        return EgoDrive(stop_m - rng.choice((4.0, 11.0, 18.0)), lane, 0.0, red, closed)
    speed_mps = rng.uniform(0.5, 5) if rng.random() < 0.3 else rng.uniform(5, 15)
    return EgoDrive(0.0, lane, speed_mps, None, closed)


def traffic(rng: SceneRng, network: RoadNetwork, ego: EgoDrive) -> list[Actor]:
    """Draw all vehicles that drive or wait in a lane; the ego vehicle is left room."""
    main = _waiting_main if ego.red else _flowing_main
    actors = main(rng, network.main, ego)
    for road in network.along(ALONG_V):
        if ego.u_m - SIGHT_M < road.centre_m < ego.end_u_m + SIGHT_M:
            actors += _cross(rng, road, network.main, road is ego.red)
    return actors + _cyclists(rng, network.main, ego)


def _vehicles(rng: SceneRng) -> list[Model]:
    """Draw one vehicle, or a tractor and its trailer, front first."""
    kind = rng.weighted((car, truck, bus, tractor, motorcycle, construction_vehicle),
                        (0.73, 0.11, 0.055, 0.05, 0.04, 0.015))
    if kind is tractor:
        return [tractor(rng), trailer(rng)]
    return [motorcycle(rng, True) if kind is motorcycle else kind(rng)]


def _lane(rng: SceneRng, axis: int, lateral_m: float, head_m: float, tail_m: float,
          speed_mps: float, gap_m: float,
          draw: Callable[[SceneRng], list[Model]] = _vehicles) -> list[Actor]:
    """
    Fill a lane from its head back to its tail; the vehicles keep their distances.

    :param head_m: Coordinate along the axis of the first bumper.
    :param tail_m: Coordinate of the last bumper at the furthest.
    :param gap_m: Mean gap; every gap is at least 40 % of it.
    """
    direction = 1 if head_m > tail_m else -1
    actors, behind_m = [], 0.0
    while True:
        vehicles = draw(rng)
        if behind_m + sum(model.size_m[0] + _HITCH_M for model in vehicles) > abs(head_m - tail_m):
            return actors
        for model in vehicles:
            along_m = head_m - direction * (behind_m + model.size_m[0] / 2)
            actors.append(Actor.on_line(model, axis, along_m, lateral_m, direction, speed_mps))
            behind_m += model.size_m[0] + _HITCH_M
        behind_m += gap_m * 0.4 + rng.exponential(gap_m * 0.6)


def _flowing_main(rng: SceneRng, road: Road, ego: EgoDrive) -> list[Actor]:
    """Draw traffic on the main road while the ego vehicle drives."""
    gap_m = rng.choice((6, 18, 40)) + ego.speed_mps
    oncoming_mps = ego.speed_mps * rng.uniform(0.6, 1.2)
    actors = []
    for number in range(road.lanes):
        head_m = ego.end_u_m + SIGHT_M + oncoming_mps * DURATION_S - rng.uniform(0, gap_m)
        actors += _lane(rng, ALONG_U, road.lane(-1, number), ego.u_m - SIGHT_M, head_m,
                        oncoming_mps, gap_m)
        if number == ego.closed_lane:
            continue
        speed_mps = ego.speed_mps * (1 if number == ego.lane else rng.uniform(0.7, 1.3))
        drift_m = (ego.speed_mps - speed_mps) * DURATION_S
        head_m = ego.u_m + SIGHT_M + max(0.0, drift_m) - rng.uniform(0, gap_m)
        tail_m = ego.u_m - SIGHT_M + min(0.0, drift_m)
        spans = [(head_m, tail_m)]
        if number == ego.lane:
            spans = [(head_m, ego.u_m + _EGO_FRONT_M),
                     (ego.u_m - _EGO_REAR_M - rng.uniform(0, gap_m), tail_m)]
        for span in spans:
            actors += _lane(rng, ALONG_U, road.lane(1, number), *span, speed_mps, gap_m)
    return actors


def _waiting_main(rng: SceneRng, road: Road, ego: EgoDrive) -> list[Actor]:
    """Draw the queues of the main road on either side of the junction, and what left it."""
    actors = []
    edge_m = ego.red.half_roadway_m + APRON_M
    for direction in (-1, 1):
        stop_m = ego.red.centre_m - direction * (edge_m + 0.3)
        leave_m = ego.red.centre_m + direction * edge_m
        speed_mps = rng.uniform(4, 9)
        for number in range(road.lanes):
            if direction > 0 and number == ego.closed_lane:
                continue
            lateral_m, head_m = road.lane(direction, number), stop_m
            if direction > 0 and number == ego.lane:
                head_m = ego.u_m - _QUEUE_GAP_M
                if stop_m - ego.u_m > _EGO_FRONT_M + 2:
                    actors += _lane(rng, ALONG_U, lateral_m, stop_m, ego.u_m + 4.2, 0.0,
                                    _QUEUE_GAP_M)
            tail_m = head_m - direction * rng.uniform(10, 60)
            actors += _lane(rng, ALONG_U, lateral_m, head_m, tail_m, 0.0, _QUEUE_GAP_M)
            actors += _lane(rng, ALONG_U, lateral_m, leave_m + direction * SIGHT_M, leave_m,
                            speed_mps, 30.0)
    return actors


def _cross(rng: SceneRng, road: Road, main: Road, is_flowing: bool) -> list[Actor]:
    """Draw traffic across the main road, or its queues before that road and what left it."""
    actors = []
    edge_m = main.half_roadway_m + APRON_M
    for direction in (-1, 1):
        speed_mps = rng.uniform(4, 9)
        for number in range(road.lanes):
            lateral_m = road.lane(direction, number)
            if is_flowing:
                tail_m = -direction * (SIGHT_M + speed_mps * DURATION_S)
                actors += _lane(rng, ALONG_V, lateral_m, direction * 60, tail_m, speed_mps,
                                rng.uniform(15, 30))
                continue
            queue_m = max(0.0, rng.uniform(-8, 35))
            actors += _lane(rng, ALONG_V, lateral_m, -direction * (edge_m + 0.3),
                            -direction * (edge_m + queue_m), 0.0, _QUEUE_GAP_M)
            actors += _lane(rng, ALONG_V, lateral_m, direction * (edge_m + 50),
                            direction * edge_m, speed_mps, 30.0)
    return actors


def _cyclists(rng: SceneRng, road: Road, ego: EgoDrive) -> list[Actor]:
    """Draw riders in the cycle lanes of the main road, who all keep one speed."""
    if not road.cycling_m:
        return []
    actors = []
    for direction in (-1, 1):
        if direction > 0 and ego.closed_lane is not None:
            continue
        lateral_m = road.side(direction, road.half_lanes_m + road.cycling_m / 2)
        speed_mps, tail_m, head_m = 0.0, ego.u_m - SIGHT_M, ego.end_u_m + SIGHT_M
        if ego.red:
            stop_m = ego.red.centre_m - direction * (ego.red.half_roadway_m + APRON_M + 0.3)
            tail_m, head_m = sorted((stop_m, stop_m - direction * 8))
        else:
            speed_mps = rng.uniform(3, 6)
        if direction < 0:
            tail_m, head_m = head_m, tail_m
        actors += _lane(rng, ALONG_U, lateral_m, head_m, tail_m, speed_mps,
                        2.0 if ego.red else 80.0, lambda rng: [bicycle(rng, True)])
    return actors
