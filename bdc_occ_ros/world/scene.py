# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A drive of twenty seconds through a made-up city, from a seed."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from bdc_occ_ros.classes import OCCUPANCY_CLASS_NAMES
from bdc_occ_ros.world import weather
from bdc_occ_ros.world.actors import Actor
from bdc_occ_ros.world.actors import Cast
from bdc_occ_ros.world.buildings import house
from bdc_occ_ros.world.buildings import tower
from bdc_occ_ros.world.ground import GroundPlan
from bdc_occ_ros.world.ground import Surface
from bdc_occ_ros.world.ground_drawing import draw_roads
from bdc_occ_ros.world.ground_drawing import ground_plan
from bdc_occ_ros.world.ground_drawing import GroundMap
from bdc_occ_ros.world.parts import Assembly
from bdc_occ_ros.world.parts import Placed
from bdc_occ_ros.world.plants import tree
from bdc_occ_ros.world.road_network import ALONG_U
from bdc_occ_ros.world.road_network import road_network
from bdc_occ_ros.world.road_network import RoadNetwork
from bdc_occ_ros.world.snapshot import Light
from bdc_occ_ros.world.snapshot import Snapshot
from bdc_occ_ros.world.solids import Solids
from bdc_occ_ros.world.traffic import DURATION_S
from bdc_occ_ros.world.traffic import ego_drive
from bdc_occ_ros.world.traffic import EgoDrive
from bdc_occ_ros.world.traffic import main_traffic
from bdc_occ_ros.world.traffic import SIGHT_M


class WorldObject(NamedTuple):
    """
    A thing with a box at one instant.

    :param instance: Its number, which its solids have too.
    :param class_name: Detection class.
    :param world_from_box: Pose of the centre, x ahead, (4, 4) float64.
    :param size_m: Length, width and height.
    :param velocity_mps: x and y in the world, (2,) float64.
    """

    instance: int
    class_name: str
    world_from_box: np.ndarray
    size_m: tuple[float, float, float]
    velocity_mps: np.ndarray


def part_rng(seed: int, part: str) -> np.random.Generator:
    """
    Return the source of chance of one part of a scene, which no other part disturbs.

    :param seed: Seed of the scene.
    :param part: Name of the part.
    """
    return np.random.default_rng((seed, *part.encode()))


@dataclass(frozen=True, eq=False)
class Scene:
    """
    A drive through a world that follows from a seed.

    :param seed: The seed.
    :param network: The roads.
    :param ego: How the ego vehicle drives.
    :param cast: Everything that has a box.
    :param moving: Solids of the things that have boxes.
    :param still: Solids of all the rest, in the world.
    :param ground: The ground.
    :param light: The light.
    """

    seed: int
    network: RoadNetwork
    ego: EgoDrive
    cast: Cast
    moving: Assembly
    still: Solids
    ground: GroundPlan
    light: Light

    @staticmethod
    def from_seed(seed: int) -> 'Scene':
        """
        Return the scene of a seed.

        :param seed: Any integer from 0 up.
        """
        network = road_network(part_rng(seed, 'roads'))
        ego = ego_drive(part_rng(seed, 'ego'), network)
        ground = GroundMap(Surface.GRASS)
        placed = _scenery(part_rng(seed, 'blocks'), network)
        draw_roads(ground, network, part_rng(seed, 'medians'))
        cast = Cast(network, main_traffic(part_rng(seed, 'traffic'), network, ego))
        labels = [(actor.model.parts, OCCUPANCY_CLASS_NAMES.index(actor.model.class_name))
                  for actor in cast.actors]
        still = Assembly.of([thing[:2] for thing in placed]).solids(
            np.array([thing[2:] for thing in placed]), has_instance=False)
        return Scene(seed, network, ego, cast, Assembly.of(labels), still,
                     ground_plan(ground, network, _PALETTE),
                     weather.light(part_rng(seed, 'light'), seed))

    @property
    def name(self) -> str:
        """Return the name of the scene, as nuScenes forms names."""
        return f'scene-{self.seed:04d}'

    @property
    def duration_s(self) -> float:
        """Return how long the drive takes."""
        return DURATION_S

    def world_from_ego(self, time_s: float) -> np.ndarray:
        """
        Return the pose of the ego vehicle, (4, 4) float64.

        :param time_s: Time since the scene began.
        """
        actor = Actor(None, ALONG_U, self.ego.lateral_m, self.ego.travelled_m,
                      self.ego.speed_mps, 0.0)
        x_m, y_m, yaw_rad = Cast(self.network, [actor]).poses(time_s)[0]
        return _pose(x_m, y_m, 0.0, yaw_rad)

    def snapshot(self, time_s: float) -> Snapshot:
        """
        Return what is within sight of the ego vehicle.

        :param time_s: Time since the scene began.
        """
        ego_m = self.world_from_ego(time_s)[:2, 3]
        poses = self.cast.poses(time_s)
        near = np.hypot(*(poses[:, :2] - ego_m).T) < SIGHT_M
        away_m = np.hypot(*(self.still.center_m[:, :2].numpy() - ego_m).T)
        reach_m = np.hypot(*self.still.half_m[:, :2].numpy().T)
        still = self.still.select(away_m - reach_m < SIGHT_M)
        return Snapshot(Solids.joined([still, self.moving.solids(poses, near)]), self.ground,
                        self.light)

    def objects_at(self, time_s: float) -> list[WorldObject]:
        """
        Return the boxes of all things within sight of the ego vehicle.

        :param time_s: Time since the scene began.
        """
        ego_m = self.world_from_ego(time_s)[:2, 3]
        objects = []
        for number, (x_m, y_m, yaw_rad) in enumerate(self.cast.poses(time_s)):
            if np.hypot(x_m - ego_m[0], y_m - ego_m[1]) >= SIGHT_M:
                continue
            actor = self.cast.actors[number]
            heading_rad = yaw_rad - actor.turn_rad
            velocity = actor.speed_mps * np.array((np.cos(heading_rad), np.sin(heading_rad)))
            size_m = tuple(map(float, actor.model.size_m))
            objects.append(WorldObject(number, actor.model.class_name,
                                       _pose(x_m, y_m, size_m[2] / 2, yaw_rad), size_m, velocity))
        return objects


_PALETTE = np.array((
    (0.09, 0.09, 0.095), (0.09, 0.09, 0.095), (0.09, 0.09, 0.095), (0.62, 0.62, 0.60),
    (0.13, 0.13, 0.13), (0.12, 0.12, 0.12), (0.12, 0.12, 0.12), (0.38, 0.37, 0.35),
    (0.33, 0.28, 0.20), (0.11, 0.17, 0.05), (0.22, 0.19, 0.09), (0.24, 0.16, 0.09),
    (0.40, 0.33, 0.27), (0.30, 0.29, 0.28), (0.05, 0.09, 0.12)))


def _pose(x_m: float, y_m: float, z_m: float, yaw_rad: float) -> np.ndarray:
    """Return a pose that turns about the vertical."""
    cos, sin = np.cos(yaw_rad), np.sin(yaw_rad)
    return np.array(((cos, -sin, 0, x_m), (sin, cos, 0, y_m), (0, 0, 1, z_m), (0, 0, 0, 1.0)))


def _scenery(rng: np.random.Generator, network: RoadNetwork) -> list[Placed]:
    """Return buildings and trees along the main road."""
    placed = []
    blocked = [(road.centre_m - road.half_m - 2, road.centre_m + road.half_m + 2)
               for road in network.roads if road.axis != ALONG_U]
    for side in (-1, 1):
        u_m = -95.0
        while u_m < 400:
            width_m, depth_m = rng.uniform(9, 24), rng.uniform(9, 14)
            if not any(low < u_m + width_m and u_m < high for low, high in blocked):
                v_m = side * (network.main.half_m + 1 + depth_m / 2)
                pose = network.pose(ALONG_U, u_m + width_m / 2, v_m, 0 if side > 0 else np.pi)
                parts = (tower(rng, width_m, depth_m, rng.uniform(8, 40)) if width_m > 14
                         else house(rng, width_m, depth_m))
                placed.append(Placed(parts, 15, *pose))
                pose = network.pose(ALONG_U, u_m - 2, side * (network.main.half_roadway_m + 0.8))
                placed.append(Placed(tree(rng, rng.uniform(5, 10)), 16, *pose))
            u_m += width_m + rng.uniform(3, 8)
    return placed
