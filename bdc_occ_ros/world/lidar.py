# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Simulate sweeps of a LiDAR with 32 beams, as on nuScenes, and find the voxels that they observe.

A sweep shows one instant, as nuScenes corrects its own for the motion of the vehicle. A voxel is
observed where a ray crosses it that ends in an occupied voxel of the grid.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from bdc_occ_ros.classes import FREE_LABEL
from bdc_occ_ros.geometry.voxel_grid import VoxelGrid
from bdc_occ_ros.world.ground import sample_ground, stack_plans
from bdc_occ_ros.world.ray_casting import cast_rays
from bdc_occ_ros.world.scene_state import SceneState
from bdc_occ_ros.world.sensor_timing import ego_from_lidar, SensorTiming
from bdc_occ_ros.world.solids import NO_INSTANCE
from bdc_occ_ros.world.voxelization import GRID

NUM_BEAMS = 32
ELEVATIONS_DEG = (-30.67, 10.67)
NUM_AZIMUTHS = 1085
RANGE_M = (0.5, 100.0)
RANGE_NOISE_M = 0.02
BRIGHTEST = 255.0
LOST_NEAR, LOST_FAR = 0.01, 0.6  # shares of rays without an echo, at no distance and at the end
STEP_M = 0.2
RAYS_AT_ONCE = {'cpu': 1 << 9, 'cuda': 1 << 16}


class Sweep(NamedTuple):
    """
    Hold one turn of the LiDAR; P points.

    :param points: x y z in the LiDAR frame in metres, intensity from 0 to 255, and number of the
        beam from below, (P, 5) float32.
    :param instance: The object that every point lies on, (P,) int64; NO_INSTANCE elsewhere.
    """

    points: np.ndarray
    instance: np.ndarray


def simulate_sweep(timing: SensorTiming, state: SceneState, noise_seed: int) -> Sweep:
    """Simulate the sweep of a keyframe as of its end; the seed sets noise and lost echoes."""
    device = state.solids.center_m.device
    rays, beam = _rays()
    world_from_lidar = torch.from_numpy(timing.world_from_lidar_ego @ ego_from_lidar()).to(device)
    directions = rays.to(device) @ world_from_lidar[:3, :3].T
    lengths_m, solid = cast_rays([state.solids], world_from_lidar[None, :3, 3],
                                 directions[None])
    ends_m = world_from_lidar[:3, 3] + directions * lengths_m[0, :, None]
    brightness = _brightness(state, ends_m, solid[0].long()).cpu().numpy()
    instances = torch.cat([state.solids.instance, torch.tensor([NO_INSTANCE], device=device)])
    instance = instances[solid[0].long().clamp(min=-1)].cpu().numpy()
    range_m = lengths_m[0].double().cpu().numpy()
    rng = np.random.default_rng(noise_seed)
    noisy_m = range_m + rng.normal(0.0, RANGE_NOISE_M, len(range_m))
    lost = LOST_NEAR + (LOST_FAR - LOST_NEAR) * (np.minimum(range_m / RANGE_M[1], 1.0)) ** 2
    kept = (noisy_m > RANGE_M[0]) & (noisy_m < RANGE_M[1]) & (rng.random(len(range_m)) > lost)
    points = np.concatenate([rays.numpy()[kept] * noisy_m[kept, None], brightness[kept, None],
                             beam[kept, None]], axis=1).astype(np.float32)
    return Sweep(points, instance[kept])


def points_per_object(sweep: Sweep, instances: np.ndarray) -> np.ndarray:
    """Return how many points lie on every object of some numbers, (K,) int64."""
    return (sweep.instance[:, None] == instances).sum(axis=0)


def lidar_observed(classes: Tensor, sweep: Sweep, grid: VoxelGrid = GRID) -> Tensor:
    """
    Return which voxels a sweep observes, from a walk along its rays in steps of half a voxel.

    :param classes: Class per voxel in the ego frame of the sweep, (X, Y, Z) uint8.
    :return: (X, Y, Z) bool, on the device of the classes.
    """
    device = classes.device
    mount = torch.from_numpy(ego_from_lidar()).float().to(device)
    ends_m = torch.from_numpy(sweep.points[:, :3]).to(device) @ mount[:3, :3].T + mount[:3, 3]
    lower_m, cell_m = (torch.tensor(v, device=device) for v in (grid.lower_m, grid.cell_size_m))
    shape = torch.tensor(grid.shape, device=device)
    begin, end = (mount[:3, 3] - lower_m) / cell_m, (ends_m - lower_m) / cell_m
    end = end[((end >= 0) & (end < shape)).all(dim=1)]
    flat = classes.reshape(-1)
    observed = torch.zeros_like(flat, dtype=torch.bool)
    for some in end.split(RAYS_AT_ONCE[device.type]):
        way = some - begin
        range_m = way.mul(cell_m).norm(dim=1)
        step = torch.arange(int(range_m.max() / STEP_M) + 1, device=device) + 0.5
        share = step * (STEP_M / range_m)[:, None]
        share = torch.where(share < 1, share, 0.5 * share[:, :1])  # others repeat the first
        observed[_flat_index([start + along[:, None] * share
                              for start, along in zip(begin, way.unbind(1))], grid)] = True
        behind = (some + way * (STEP_M / range_m)[:, None]).clamp(min=0).minimum(shape - 1)
        met = _flat_index(torch.cat([some, behind]).unbind(1), grid)
        observed[met[flat[met] != FREE_LABEL]] = True
    return observed.view(classes.shape)


def _rays() -> tuple[Tensor, np.ndarray]:
    """Return unit directions in the LiDAR frame, (R, 3) float64, and the beam of each, (R,)."""
    elevation = torch.deg2rad(torch.linspace(*ELEVATIONS_DEG, NUM_BEAMS, dtype=torch.float64))
    azimuth = torch.arange(NUM_AZIMUTHS, dtype=torch.float64) * (2 * torch.pi / NUM_AZIMUTHS)
    azimuth, elevation = torch.meshgrid(azimuth, elevation, indexing='ij')
    rays = torch.stack([elevation.cos() * azimuth.cos(), elevation.cos() * azimuth.sin(),
                        elevation.sin()], dim=-1)
    return rays.view(-1, 3), np.tile(np.arange(NUM_BEAMS), NUM_AZIMUTHS)


def _brightness(state: SceneState, ends_m: Tensor, solid: Tensor) -> Tensor:
    """Return the intensity of echoes from the colour of the surfaces, (R,) float32."""
    ends_m = torch.where(ends_m.isfinite(), ends_m, 0.0)
    ground = sample_ground(stack_plans([state.ground]), solid.new_zeros(1),
                           ends_m[None, :, :2].float()).albedo[0]
    albedo = torch.cat([state.solids.albedo, ground.new_zeros(1, 3)])[solid.clamp(min=-1)]
    return BRIGHTEST * torch.where((solid >= 0)[:, None], albedo, ground).mean(dim=1)


def _flat_index(position: Sequence[Tensor], grid: VoxelGrid) -> Tensor:
    """Return flat indices of the voxels at x, y and z in voxels within the grid, (...)."""
    x, y, z = (axis.int() for axis in position)
    return ((x * grid.shape[1] + y) * grid.shape[2] + z).long()
