# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Make scenes from seeds: drives of twenty seconds through a city, under light of their own."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
import torch

from bdc_occ_ros.world.city import build_city
from bdc_occ_ros.world.ground import GroundPlan
from bdc_occ_ros.world.ground_map import ground_plan
from bdc_occ_ros.world.primitives import Model, RigidBodies
from bdc_occ_ros.world.road_network import ALONG_U, ALONG_V, road_network, RoadNetwork
from bdc_occ_ros.world.scene_builder import Actor, SIGHT_M
from bdc_occ_ros.world.scene_rng import SceneRng
from bdc_occ_ros.world.scene_state import Light, SceneState
from bdc_occ_ros.world.solids import Material, Solids
from bdc_occ_ros.world.traffic import ego_drive, EgoDrive
from bdc_occ_ros.world.variety import PLAIN, Variety

SMALLEST_RAD = 0.004
_NO_MODEL = Model('', ())
_SWAY_TERMS = 3
_PITCH_RAD, _ROLL_RAD, _HEAVE_M = np.radians(0.22), np.radians(0.18), 0.012
_FULL_SWAY_MPS = 6.0
_SUNLIGHT = np.array((1.0, 0.94, 0.84))
_LOW_SUNLIGHT = np.array((1.0, 0.62, 0.32))
_BLUE = np.array((0.22, 0.40, 0.75))
_GREY = np.array((0.58, 0.60, 0.63))
_PALE = np.array((0.66, 0.74, 0.84))


@dataclass(frozen=True, eq=False)
class Trajectories:
    """Compute poses and velocities of actors, which are numbered by their order."""

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
        """Return the velocities over ground, (N, 2), of actors at poses as of poses()."""
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


class WorldObject(NamedTuple):
    """
    Describe an object with a box at one instant.

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
    Hold a drive through a world that follows from a seed.

    :param sway: Amplitude, angular rate in rad/s and phase of pitch, roll and heave of the ego
        vehicle, (3, terms, 3).
    :param objects: Trajectories of everything that has a box.
    :param moving: Primitives of the objects.
    :param still: Solids of all the rest, in the world.
    :param dyes: By material what albedos are multiplied by, and what is added, (2, M, 3) float32.
    """

    seed: int
    network: RoadNetwork
    ego: EgoDrive
    sway: np.ndarray
    objects: Trajectories
    moving: RigidBodies
    still: Solids
    ground: GroundPlan
    light: Light
    dyes: torch.Tensor

    @staticmethod
    def from_seed(seed: int, variety: Variety = PLAIN) -> 'Scene':
        """Make the scene of a seed, which is any integer from 0 up."""
        network = road_network(SceneRng.of_part(seed, 'roads'))
        ego = ego_drive(SceneRng.of_part(seed, 'ego'), network)
        builder = build_city(seed, network, ego)
        objects = [actor for actor in builder.actors if actor.model.size_m]
        rest = [actor for actor in builder.actors if not actor.model.size_m]
        axis, u_m, v_m, _, turn_rad = np.array([actor[1:] for actor in rest]).T
        still = RigidBodies.of([actor.model for actor in rest]).solids(
            network.poses(axis, u_m, v_m, turn_rad), has_instance=False)
        return Scene(
            seed, network, ego, draw_sway(SceneRng.of_part(seed, 'sway'), ego.speed_mps),
            Trajectories(network, objects), RigidBodies.of([actor.model for actor in objects]),
            still,
            ground_plan(builder.ground, network, SceneRng.of_part(seed, 'palette'), variety),
            draw_light(SceneRng.of_part(seed, 'light'), seed),
            draw_dyes(SceneRng.of_part(seed, 'dyes'), variety))

    def world_from_ego(self, time_s: float) -> np.ndarray:
        """Return the pose of the ego vehicle at a time since the scene began, (4, 4) float64."""
        x_m, y_m, yaw_rad = self._ego.poses(time_s)[0]
        return _pose(x_m, y_m, 0.0, yaw_rad) @ _ground_from_body(self.sway, time_s)

    @cached_property
    def _ego(self) -> Trajectories:
        across_m = self.network.main.lane(1, self.ego.lane)
        return Trajectories(self.network, [Actor.on_line(
            _NO_MODEL, ALONG_U, self.ego.u_m, across_m, 1, self.ego.speed_mps)])

    def state_at(self, time_s: float) -> SceneState:
        """Return what is within sight of the ego vehicle at a time since the scene began."""
        ego_m = self.world_from_ego(time_s)[:2, 3]
        poses = self.objects.poses(time_s)
        solids = Solids.joined([
            _visible(self.still, ego_m),
            _visible(self.moving.solids(poses, _is_near(poses, ego_m)), ego_m)])
        factor, added = self.dyes[:, solids.material]
        dyed = replace(solids, albedo=torch.addcmul(added, factor, solids.albedo))
        return SceneState(dyed, self.ground, self.light)

    def objects_at(self, time_s: float) -> list[WorldObject]:
        """Return the boxes of all objects within sight of the ego vehicle."""
        poses = self.objects.poses(time_s)
        velocities = self.objects.velocities(poses)
        found = []
        for number in np.flatnonzero(_is_near(poses, self.world_from_ego(time_s)[:2, 3])):
            model = self.objects.actors[number].model
            x_m, y_m, yaw_rad = poses[number]
            found.append(WorldObject(
                int(number), model.class_name, _pose(x_m, y_m, model.size_m[2] / 2, yaw_rad),
                tuple(map(float, model.size_m)), velocities[number]))
        return found


def draw_sway(rng: SceneRng, speed_mps: float) -> np.ndarray:
    """Draw how a vehicle sways on its springs, as in Scene; one that stands does not."""
    share = min(1.0, speed_mps / _FULL_SWAY_MPS) / _SWAY_TERMS ** 0.5
    return np.array([
        [(limit * share, rng.uniform(1.0, 8.0), rng.uniform(0, 2 * np.pi))
         for _ in range(_SWAY_TERMS)] for limit in (_PITCH_RAD, _ROLL_RAD, _HEAVE_M)])


def draw_light(rng: SceneRng, seed: int) -> Light:
    """Draw weather and time of day; the seed sets the pattern of clouds and textures."""
    cloudiness = rng.weighted((rng.uniform(0, 0.3), rng.uniform(0.3, 0.7), 1.0),
                              (0.45, 0.25, 0.3))
    elevation_rad = np.radians(rng.weighted((rng.uniform(6, 20), rng.uniform(20, 70)),
                                            (0.22, 0.78)))
    azimuth_rad = rng.uniform(-np.pi, np.pi)
    low = float(np.clip(1 - np.degrees(elevation_rad) / 25, 0, 1))
    sun = (_SUNLIGHT * (1 - low) + _LOW_SUNLIGHT * low) * (1 - 0.35 * low)
    sky = _BLUE * (1 - cloudiness) + _GREY * cloudiness
    horizon = _PALE * (1 - cloudiness) + _GREY * cloudiness + 0.25 * low * (1 - cloudiness) * (
        _LOW_SUNLIGHT - 0.4)
    dim = rng.uniform(0.08, 0.25) if rng.random() < 0.08 else 1 - 0.5 * low
    direction = np.array((np.cos(azimuth_rad) * np.cos(elevation_rad),
                          np.sin(azimuth_rad) * np.cos(elevation_rad), np.sin(elevation_rad)))
    exposure = rng.uniform(0.8, 1.25) / max(dim, 0.3) ** 0.8 * (1 + 0.35 * cloudiness)
    return Light(
        *(torch.from_numpy(np.asarray(value, np.float32)) for value in (
            direction, sun * dim * (1 - 0.93 * cloudiness ** 1.5), sky * dim, horizon * dim)),
        haze_per_m=rng.weighted((0.0008, 0.002, 0.006), (0.6, 0.3, 0.1)),
        exposure=float(exposure), noise=float(rng.uniform(0.004, 0.02) / max(dim, 0.3) ** 0.5),
        cloudiness=cloudiness,
        wetness=float(rng.uniform(0.4, 1) if cloudiness > 0.6 and rng.random() < 0.5 else 0),
        seed=seed)


def draw_dyes(rng: SceneRng, variety: Variety) -> torch.Tensor:
    """Draw how the colours of materials change in a scene, as in Scene."""
    share = 0.5 * variety.colors
    rows = [(np.exp(share * rng.normal(0, 1, -2, 2)), share * rng.random(),
             rng.spread((0.02,) * 3, (0.7,) * 3)) for _ in Material]
    factor = [[(1 - mixed) * gain] * 3 for gain, mixed, _ in rows]
    added = [[mixed * channel for channel in color] for _, mixed, color in rows]
    return torch.tensor((factor, added), dtype=torch.float32)


def _ground_from_body(sway: np.ndarray, time_s: float) -> np.ndarray:
    """Return the pose of the swaying body over the ground below it, (4, 4)."""
    amplitude, rate, phase = np.moveaxis(sway, -1, 0)
    pitch, roll, heave_m = (amplitude * np.sin(rate * time_s + phase)).sum(1)
    about_y = np.array(((np.cos(pitch), 0, np.sin(pitch)), (0, 1, 0),
                        (-np.sin(pitch), 0, np.cos(pitch))))
    about_x = np.array(((1, 0, 0), (0, np.cos(roll), -np.sin(roll)),
                        (0, np.sin(roll), np.cos(roll))))
    pose = np.eye(4)
    pose[:3, :3] = about_y @ about_x
    pose[2, 3] = heave_m
    return pose


def _is_near(poses: np.ndarray, ego_m: np.ndarray) -> np.ndarray:
    return np.hypot(*(poses[:, :2] - ego_m).T) < SIGHT_M


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
