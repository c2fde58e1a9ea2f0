# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Scenes: same from the same seed, nothing runs into anything, boxes and light are sound."""

from collections import defaultdict
from functools import cache

import numpy as np
import pytest
import torch

from bdc_occ_ros.classes import DETECTION_CLASS_NAMES, OCCUPANCY_CLASS_NAMES
from bdc_occ_ros.world.ground import sample_ground, stack_plans
from bdc_occ_ros.world.road_network import ALONG_U
from bdc_occ_ros.world.scene import draw_light, Scene, WorldObject
from bdc_occ_ros.world.scene_rng import SceneRng
from bdc_occ_ros.world.solids import Material, NO_INSTANCE, Shape

SEEDS = tuple(range(12))
LIGHTS = [draw_light(SceneRng(f'light {seed}'), seed) for seed in range(200)]
DRIVEABLE = 11
VEHICLES = ('car', 'truck', 'bus', 'trailer', 'construction_vehicle')
EGO_SIZE_M = (4.7, 1.9)
EGO_MIDDLE_M = 1.35
# Mean length, width and height in nuScenes.
MEAN_SIZES_M = {
    'car': (4.6, 1.95, 1.73), 'truck': (6.9, 2.5, 2.85), 'bus': (11.0, 2.9, 3.5),
    'trailer': (12.3, 2.9, 3.9), 'construction_vehicle': (6.4, 2.8, 3.2),
    'motorcycle': (2.1, 0.77, 1.47), 'bicycle': (1.7, 0.6, 1.28),
    'pedestrian': (0.73, 0.67, 1.77), 'traffic_cone': (0.41, 0.41, 1.07),
    'barrier': (0.5, 2.5, 0.98)}


@cache
def scene_of(seed: int) -> Scene:
    return Scene.from_seed(seed)


def corners(pose: np.ndarray, size_m: tuple[float, ...]) -> np.ndarray:
    """Return the corners of a rectangle on the ground, (4, 2)."""
    half = np.array(size_m[:2]) / 2
    local = half * np.array(((1, 1), (1, -1), (-1, -1), (-1, 1)))
    return local @ pose[:2, :2].T + pose[:2, 3]


def overlap(first: np.ndarray, second: np.ndarray, least_m: float = 0.05) -> bool:
    """Return whether two rectangles overlap by more than a little: no axis separates them."""
    for edges in (first, second):
        for axis in (edges[1] - edges[0], edges[2] - edges[1]):
            unit = axis / np.linalg.norm(axis)
            a, b = first @ unit, second @ unit
            if a.max() - least_m < b.min() or b.max() - least_m < a.min():
                return False
    return True


def moving_or_driven(scene: Scene, time_s: float) -> list[WorldObject]:
    return [item for item in scene.objects_at(time_s) if item.class_name in VEHICLES
            or (item.class_name in ('bicycle', 'motorcycle') and np.any(item.velocity_mps))]


def test_a_seed_gives_the_same_world_again():
    first, again = Scene.from_seed(5), Scene.from_seed(5)
    for time_s in (0.0, 7.3):
        ours, theirs = first.state_at(time_s), again.state_at(time_s)
        for name in ('center_m', 'half_m', 'yaw_rad', 'shape', 'label', 'instance', 'material',
                     'albedo'):
            assert torch.equal(getattr(ours.solids, name), getattr(theirs.solids, name)), name
        assert torch.equal(ours.ground.surface, theirs.ground.surface)
        assert torch.equal(ours.light.sun_direction, theirs.light.sun_direction)
        assert np.array_equal(first.world_from_ego(time_s), again.world_from_ego(time_s))


def test_seeds_give_different_worlds():
    assert len({len(scene_of(seed).still) for seed in SEEDS}) > len(SEEDS) // 2
    assert len({scene_of(seed).world_from_ego(0.0).tobytes() for seed in SEEDS}) == len(SEEDS)


@pytest.mark.parametrize('seed', SEEDS)
def test_nothing_drives_into_anything(seed):
    scene = scene_of(seed)
    for time_s in (0.0, 6.5, 13.0, 20.0):
        things = [(item.class_name, corners(item.world_from_box, item.size_m))
                  for item in moving_or_driven(scene, time_s)]
        ego = scene.world_from_ego(time_s)
        ego[:2, 3] += EGO_MIDDLE_M * ego[:2, 0]
        things.append(('ego', corners(ego, EGO_SIZE_M)))
        for number, (name, rectangle) in enumerate(things):
            for other, another in things[:number]:
                if np.abs(rectangle[0] - another[0]).max() < 20:
                    assert not overlap(rectangle, another), (time_s, name, other)


@pytest.mark.parametrize('seed', SEEDS[:6])
def test_people_and_cones_stay_out_of_the_way(seed):
    scene = scene_of(seed)
    for time_s in (0.0, 5.0, 10.0, 20.0):
        objects = scene.objects_at(time_s)
        movers = [corners(item.world_from_box, item.size_m) for item in objects
                  if item.class_name in VEHICLES and np.linalg.norm(item.velocity_mps) > 0.1]
        ego = scene.world_from_ego(time_s)
        ego[:2, 3] += EGO_MIDDLE_M * ego[:2, 0]
        movers.append(corners(ego, EGO_SIZE_M))
        for item in objects:
            if item.class_name in ('pedestrian', 'barrier', 'traffic_cone'):
                mine = corners(item.world_from_box, item.size_m)
                hit = [other for other in movers if np.abs(mine[0] - other[0]).max() < 15
                       and overlap(mine, other)]
                assert not hit, (time_s, item)


@pytest.mark.parametrize('seed', SEEDS[:6])
def test_boxes_hold_their_solids_and_instances_agree(seed):
    scene = scene_of(seed)
    solids = scene.state_at(4.0).solids
    objects = {item.instance: item for item in scene.objects_at(4.0)}
    seen = set(solids.instance.tolist()) - {NO_INSTANCE}
    assert seen <= set(objects)
    for number in seen:
        item = objects[number]
        mine = solids.select(solids.instance == number)
        assert set(mine.label.tolist()) == {OCCUPANCY_CLASS_NAMES.index(item.class_name)}
        box_from_world = np.linalg.inv(item.world_from_box)
        offset = mine.center_m.double().numpy() @ box_from_world[:3, :3].T + box_from_world[:3, 3]
        turn = mine.yaw_rad.double().numpy() - np.arctan2(*item.world_from_box[[1, 0], [0, 0]])
        half = mine.half_m.double().numpy()
        cos, sin = np.abs(np.cos(turn)), np.abs(np.sin(turn))
        reach = np.stack([cos * half[:, 0] + sin * half[:, 1],
                          sin * half[:, 0] + cos * half[:, 1], half[:, 2]], 1)
        excess = (np.abs(offset) + reach - np.array(item.size_m) / 2).max()
        assert excess < 0.02, (item.class_name, excess)


def test_velocities_are_those_of_the_motion():
    scene = scene_of(0)
    before, after = ({item.instance: item for item in scene.objects_at(time_s)}
                     for time_s in (9.95, 10.05))
    now = [item for item in scene.objects_at(10.0) if item.instance in before.keys() & after]
    assert any(np.linalg.norm(item.velocity_mps) > 2 for item in now)
    for item in now:
        moved = (after[item.instance].world_from_box[:2, 3]
                 - before[item.instance].world_from_box[:2, 3]) / 0.1
        assert np.allclose(moved, item.velocity_mps, atol=0.05), item.class_name


def test_what_moves_looks_where_it_goes():
    for seed in SEEDS:
        for item in scene_of(seed).objects_at(3.0):
            speed = np.linalg.norm(item.velocity_mps)
            if speed > 0.1:
                ahead = item.world_from_box[:2, 0] @ item.velocity_mps / speed
                assert ahead > 0.999, item.class_name


def test_what_drives_has_road_under_its_wheels():
    for seed in SEEDS:
        scene = scene_of(seed)
        points = [corners(scene.world_from_ego(3.0), (0.1, 0.1))]
        for item in scene.objects_at(3.0):
            lateral_m = item.world_from_box[1, 3] - scene.network.shift(
                ALONG_U, item.world_from_box[0, 3])
            is_near = np.abs(item.world_from_box[:2, 3] - points[0][0]).max() < 60
            if (item.class_name in VEHICLES and np.linalg.norm(item.velocity_mps) > 0.1
                    and is_near and abs(lateral_m) < scene.network.main.half_lanes_m):
                points.append(corners(item.world_from_box, item.size_m))
        found = sample_ground(stack_plans([scene.ground]), torch.zeros(1, dtype=torch.long),
                              torch.from_numpy(np.concatenate(points)[None]).float())
        assert set(found.label.unique().tolist()) == {DRIVEABLE}, seed


def test_sizes_are_those_of_nuscenes():
    sizes = defaultdict(list)
    for seed in SEEDS:
        for actor in scene_of(seed).objects.actors:
            sizes[actor.model.class_name].append(actor.model.size_m)
    assert set(sizes) == set(DETECTION_CLASS_NAMES)
    for name, expected in MEAN_SIZES_M.items():
        ratio = np.mean(sizes[name], 0) / expected
        assert np.all((ratio > 0.8) & (ratio < 1.25)), (name, ratio)


def test_every_class_stands_near_the_vehicle_in_many_scenes():
    scenes_with = np.zeros(len(OCCUPANCY_CLASS_NAMES))
    for seed in SEEDS:
        labels = set()
        for time_s in (5.0, 15.0):
            scene = scene_of(seed)
            solids = scene.state_at(time_s).solids
            away = solids.center_m[:, :2] - torch.from_numpy(
                scene.world_from_ego(time_s)[:2, 3]).float()
            labels |= set(solids.label[away.abs().amax(1) < 40].tolist())
        scenes_with[list(labels)] += 1
    for name in (*DETECTION_CLASS_NAMES, 'others', 'manmade', 'vegetation'):
        assert scenes_with[OCCUPANCY_CLASS_NAMES.index(name)] >= len(SEEDS) / 4, name


def test_solids_are_sound_and_few_enough():
    for seed in SEEDS:
        scene = scene_of(seed)
        assert (scene.still.half_m > 0).all() and (scene.moving.rows[:, 3:6] > 0).all()
        solids = scene.state_at(10.0).solids
        assert 300 < len(solids) < 6000
        assert solids.center_m.isfinite().all()
        assert 0 <= solids.albedo.min() and solids.albedo.max() <= 1
        assert solids.shape.max() <= max(Shape) and solids.material.max() <= max(Material)
        low = solids.center_m[:, 2] - solids.half_m[:, 2]
        is_mound = solids.material == Material.EARTH
        assert low[~is_mound].min() > -0.3


def test_the_vehicle_drives_on_its_lane_and_hardly_sways():
    for seed in SEEDS:
        scene = scene_of(seed)
        poses = np.stack([scene.world_from_ego(time_s) for time_s in np.arange(0, 20, 0.5)])
        assert np.abs(poses[:, 2, 3]).max() < 0.05
        assert poses[:, 2, 2].min() > np.cos(np.radians(1.2))
        steps = np.linalg.norm(np.diff(poses[:, :2, 3], axis=0), axis=1)
        assert np.allclose(steps, scene.ego.speed_mps * 0.5, atol=0.05)


def test_the_sun_is_up_and_colours_are_light():
    for item in LIGHTS:
        assert torch.isclose(item.sun_direction.norm(), torch.tensor(1.0))
        assert item.sun_direction[2] > 0.08
        for rgb in (item.sun_rgb, item.sky_rgb, item.horizon_rgb):
            assert rgb.shape == (3,) and rgb.min() >= 0 and rgb.max() <= 1.2
        assert 0 <= item.cloudiness <= 1 and 0 <= item.wetness <= 1
        assert 0 < item.noise < 0.05 and 0.5 < item.exposure < 6 and 0 < item.haze_per_m < 0.01


def test_weather_and_time_of_day_vary():
    sun = np.array([item.sun_rgb.max() for item in LIGHTS])
    elevation = np.array([item.sun_direction[2] for item in LIGHTS])
    assert (sun < 0.15).mean() > 0.15, 'overcast'
    assert (sun > 0.8).mean() > 0.2, 'clear'
    assert (elevation < 0.35).mean() > 0.1 and (elevation > 0.7).mean() > 0.1
    assert 0.05 < np.mean([item.wetness > 0 for item in LIGHTS]) < 0.5
    assert np.mean([item.sky_rgb.max() < 0.25 for item in LIGHTS]) > 0.03, 'dusk'
    azimuth = [np.arctan2(*item.sun_direction[:2].numpy()) for item in LIGHTS]
    assert np.ptp(azimuth) > 5


def test_no_sun_shines_through_an_overcast_sky():
    for item in LIGHTS:
        if item.cloudiness == 1:
            assert item.sun_rgb.max() < 0.1
