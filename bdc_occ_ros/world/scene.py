# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A drive of twenty seconds through a made-up city, from a seed."""

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import torch

from bdc_occ_ros.classes import OCCUPANCY_CLASS_NAMES
from bdc_occ_ros.world import weather
from bdc_occ_ros.world.actors import Actor, Cast
from bdc_occ_ros.world.city import build, palette, part_rng
from bdc_occ_ros.world.ground import GroundPlan
from bdc_occ_ros.world.ground_drawing import ground_plan
from bdc_occ_ros.world.parts import Assembly, Model
from bdc_occ_ros.world.road_network import ALONG_U, road_network, RoadNetwork
from bdc_occ_ros.world.snapshot import Light, Snapshot
from bdc_occ_ros.world.solids import Solids
from bdc_occ_ros.world.stage import SIGHT_M
from bdc_occ_ros.world.suspension import Sway, sway
from bdc_occ_ros.world.traffic import ego_drive, EgoDrive

SMALLEST_RAD = 0.004
NO_MODEL = Model('', (0.0, 0.0, 0.0), ())


class WorldObject(NamedTuple):
    """
    A thing with a box at one instant.

    :param instance: Its number, which its solids have too.
    :param world_from_box: Pose of the centre, x ahead, (4, 4) float64.
    :param size_m: Length, width and height.
    :param velocity_mps: x and y in the world, (2,) float64.
    """

    instance: int
    class_name: str
    world_from_box: np.ndarray
    size_m: tuple[float, float, float]
    velocity_mps: np.ndarray


@dataclass(frozen=True, eq=False)
class Scene:
    """
    A drive through a world that follows from a seed.

    :param seed: The seed.
    :param ego: How the ego vehicle drives.
    :param cast: Everything that has a box.
    :param moving: Solids of the things that have boxes.
    :param still: Solids of all the rest, in the world.
    """

    seed: int
    network: RoadNetwork
    ego: EgoDrive
    sway: Sway
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
        stage = build(seed, network, ego)
        cast = Cast(network, stage.actors)
        moving = Assembly.of([
            (actor.model.parts, OCCUPANCY_CLASS_NAMES.index(actor.model.class_name))
            for actor in stage.actors])
        places = np.array([placed[2:] for placed in stage.placed])
        still = Assembly.of([placed[:2] for placed in stage.placed]).solids(
            network.poses(*places.T), has_instance=False)
        plan = ground_plan(stage.ground, network, palette(part_rng(seed, 'palette')))
        springs = sway(part_rng(seed, 'sway'), ego.speed_mps)
        return Scene(seed, network, ego, springs, cast, moving, still, plan,
                     weather.light(part_rng(seed, 'light'), seed))

    def world_from_ego(self, time_s: float) -> np.ndarray:
        """
        Return the pose of the ego vehicle, (4, 4) float64.

        :param time_s: Time since the scene began.
        """
        x_m, y_m, yaw_rad = self._ego_cast.poses(time_s)[0]
        return _pose(x_m, y_m, 0.0, yaw_rad) @ self.sway.ground_from_body(time_s)

    @cached_property
    def _ego_cast(self) -> Cast:
        """Return the ego vehicle as one of the things that follow lines."""
        lateral_m = self.network.main.lane(1, self.ego.lane)
        return Cast(self.network, [Actor(NO_MODEL, ALONG_U, self.ego.u_m, lateral_m,
                                         self.ego.speed_mps, 0.0)])

    def snapshot(self, time_s: float) -> Snapshot:
        """
        Return what is within sight of the ego vehicle.

        :param time_s: Time since the scene began.
        """
        ego_m = self.world_from_ego(time_s)[:2, 3]
        poses = self.cast.poses(time_s)
        near = np.hypot(*(poses[:, :2] - ego_m).T) < SIGHT_M
        solids = Solids.joined([_visible(self.still, ego_m),
                                _visible(self.moving.solids(poses, near), ego_m)])
        return Snapshot(solids, self.ground, self.light)

    def objects_at(self, time_s: float) -> list[WorldObject]:
        """
        Return the boxes of all things within sight of the ego vehicle.

        :param time_s: Time since the scene began.
        """
        ego_m = self.world_from_ego(time_s)[:2, 3]
        poses = self.cast.poses(time_s)
        velocities = self.cast.velocities(poses)
        near = np.hypot(*(poses[:, :2] - ego_m).T) < SIGHT_M
        objects = []
        for number in np.flatnonzero(near):
            class_name, size_m, _ = self.cast.actors[number].model
            x_m, y_m, yaw_rad = poses[number]
            objects.append(WorldObject(int(number), class_name,
                                       _pose(x_m, y_m, size_m[2] / 2, yaw_rad),
                                       tuple(map(float, size_m)), velocities[number]))
        return objects


def _visible(solids: Solids, ego_m: np.ndarray) -> Solids:
    """Return the solids within sight that are not too small to be made out from there."""
    away_m = (solids.center_m[:, :2] - torch.from_numpy(ego_m).float()).norm(dim=1)
    reach_m = solids.half_m[:, :2].norm(dim=1)
    size_m = 2 * solids.half_m.median(dim=1).values
    return solids.select((away_m - reach_m < SIGHT_M) & (size_m > SMALLEST_RAD * away_m))


def _pose(x_m: float, y_m: float, z_m: float, yaw_rad: float) -> np.ndarray:
    """Return a pose that turns about the vertical."""
    cos, sin = np.cos(yaw_rad), np.sin(yaw_rad)
    return np.array(((cos, -sin, 0, x_m), (sin, cos, 0, y_m), (0, 0, 1, z_m), (0, 0, 0, 1.0)))
