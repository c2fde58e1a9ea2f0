# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""At junctions: traffic lights, and people who wait and cross while traffic stands."""

import numpy as np

from bdc_occ_ros.world.actors import Actor
from bdc_occ_ros.world.chance import Chance
from bdc_occ_ros.world.ground_drawing import crossings, CROSSWALK_GAP_M, CROSSWALK_M
from bdc_occ_ros.world.people import pedestrian
from bdc_occ_ros.world.road_network import ALONG_U, ALONG_V, Road
from bdc_occ_ros.world.stage import MANMADE, Placed, Stage
from bdc_occ_ros.world.street_furniture import traffic_light

_GREEN, _RED = 2, 0


def equip_junctions(stage: Stage, rng: Chance, red: Road | None,
                    pedestrians_per_m: float) -> None:
    """
    Set up traffic lights and let people cross the roads that have red.

    :param stage: What is built onto.
    :param red: The cross road at which the main road has red, or None.
    :param pedestrians_per_m: How many people are about.
    """
    for first, second in crossings(stage.network):
        if not stage.sees(second.centre_m, first.centre_m) or first is not stage.network.main:
            continue
        main_light = _RED if second is red else _GREEN
        if second is red or rng.random() < 0.7:
            _lights(stage, first, second, main_light)
            _lights(stage, second, first, _GREEN - main_light)
        waiting, other = (first, second) if second is red else (second, first)
        for end in (-1, 1):
            _cross(stage, rng, waiting, other, end, pedestrians_per_m)


def _lights(stage: Stage, road: Road, other: Road, lit: int) -> None:
    """Set up the lights for the traffic of a road, beyond the junction."""
    for direction in (-1, 1):
        along_m = other.centre_m + direction * (other.half_roadway_m + 0.6)
        across_m = road.side(direction, road.half_roadway_m + 0.6)
        arm_m = min(road.half_roadway_m * 0.5, 5.0)
        place = (along_m, across_m) if road.axis == ALONG_U else (across_m, along_m)
        stage.placed.append(Placed(traffic_light(arm_m, lit), MANMADE, road.axis, *place,
                                   0.0 if direction > 0 else np.pi))


def _cross(stage: Stage, rng: Chance, waiting: Road, other: Road, end: int,
           pedestrians_per_m: float) -> None:
    """Let people walk over the crosswalk of a road whose traffic waits."""
    axis = ALONG_V if waiting.axis == ALONG_U else ALONG_U
    low_m = other.half_roadway_m + CROSSWALK_GAP_M + 0.4
    reach_m = waiting.half_m + 8
    for _ in range(rng.poisson(0.6 + 25 * pedestrians_per_m)):
        lateral_m = other.centre_m + end * (low_m + rng.uniform(0, CROSSWALK_M - 0.8))
        along_m = waiting.centre_m + rng.uniform(-reach_m, reach_m)
        direction = rng.choice((-1, 1))
        place = (along_m, lateral_m) if axis == ALONG_U else (lateral_m, along_m)
        stage.actors.append(Actor(pedestrian(rng), axis, *place,
                                  direction * rng.uniform(0.9, 1.5),
                                  0.0 if direction > 0 else np.pi))
