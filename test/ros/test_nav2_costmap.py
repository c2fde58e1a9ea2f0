# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The file for Nav2: every key is read, and what its layers make of our outputs."""

from pathlib import Path

from nav2_layers import (
    cells_of,
    FREE,
    interpreted,
    LETHAL,
    ObstacleLayer,
    SpatioTemporalVoxelLayer,
    static_layer,
    UNKNOWN,
    VoxelLayer,
)
import numpy as np
from occupancies import occupancy
import pytest
from watcher import points_m
import yaml

from bdc_occ_ros.ros.conversions import make_header
from bdc_occ_ros.ros.node_config import GridConfig
from bdc_occ_ros.ros.occupancy_to_messages import (
    occupancy_to_grid,
    occupancy_to_obstacles,
    unknown_grid,
)
from bdc_occ_ros.ros.parameters import config_from_values

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / 'config' / 'nav2_costmap.yaml').read_text()
READ = yaml.safe_load((ROOT / 'test' / 'resources' / 'nav2_parameters.yaml').read_text())
FILE = yaml.safe_load(TEXT)
COSTMAP = FILE['local_costmap']['local_costmap']['ros__parameters']
INSTEAD = yaml.safe_load('\n'.join(
    line[4:] for line in TEXT.partition('one of them:\n')[2].splitlines()
    if line.startswith('#   ')))
OBSTACLE_LAYER = INSTEAD['obstacle_layer']
SETTINGS = GridConfig()
NUM = round(COSTMAP['width'] / COSTMAP['resolution'])

# The vehicle in odom at the stamp of the outputs, and 0.5 s later, at 2 m/s along its heading.
YAW, START_M = 0.6, np.array((1.3, -2.2))
AHEAD = np.array((np.cos(YAW), np.sin(YAW)))
CAR_M, ROAD_M, UNSEEN_M, CAR_LATER_M = (8.0, 0.4), (4.0, -3.0), (-5.0, 1.0), (8.0, 9.0)


def odom_from_base(travelled_m=0.0, height_m=0.0):
    pose = np.eye(4)
    pose[:2, :2] = np.column_stack((AHEAD, (-AHEAD[1], AHEAD[0])))
    pose[:2, 3] = START_M + travelled_m * AHEAD
    pose[2, 3] = height_m
    return pose


def seen(car_m=CAR_M):
    """Return a prediction: road all around, a car, and nothing seen behind the vehicle."""
    x, y = (round((place + 40.0) / 0.4) for place in car_m)
    return occupancy([(np.s_[:, :, 2], 'driveable_surface'),
                      (np.s_[x - 4:x + 4, y - 2:y + 2, 3:7], 'car')], [np.s_[:95]])


def grid_of(prediction, pose=None, frame='odom', settings=SETTINGS):
    return occupancy_to_grid(prediction, make_header(5, frame), settings, pose)


def cloud_of(prediction, pose):
    cloud, _ = occupancy_to_obstacles(prediction, make_header(5, 'odom'), SETTINGS, 0, pose)
    return points_m(cloud).astype(np.float64)


def in_odom(place_m):
    pose = odom_from_base()
    return pose[:3, :3] @ (*place_m, 1.0) + pose[:3, 3]


def cost_at(window, place_m):
    """Return the cost at a place that is given in the vehicle's frame at the stamp."""
    return window[tuple(cells_of(in_odom(place_m)[None], NUM)[0][0])]


def keys_of(block, sources):
    names = sources if isinstance(sources, list) else sources.split()
    return set(block) - set(names), [set(block[name]) for name in names]


@pytest.mark.parametrize('costmap', [COSTMAP, COSTMAP | INSTEAD], ids=['active', 'instead'])
def test_every_key_is_read_by_the_layer_that_it_stands_in(costmap):
    assert set(costmap['plugins']) <= set(costmap)
    layers = {name: value for name, value in costmap.items() if isinstance(value, dict)}
    assert set(costmap) - set(layers) <= set(READ['costmap'])
    for layer in [*layers.values(), FILE['collision_monitor']['ros__parameters']]:
        read = READ[layer.get('plugin', 'collision_monitor')]
        own, sources = keys_of(layer, layer.get('observation_sources', []))
        assert own <= set(read['own'])
        assert all(source <= set(read['source']) for source in sources)


def test_the_node_takes_its_part_and_stands_in_the_frame_of_the_costmap():
    config = config_from_values(FILE['bdc_occ']['ros__parameters'])
    assert config.frame == COSTMAP['global_frame']


def test_the_active_layer_says_what_the_cameras_see_and_where():
    """Half a second after the stamp: a car is lethal, road free, the unseen and stale unknown."""
    grid = grid_of(seen(), odom_from_base())
    window = static_layer(grid, COSTMAP, NUM)
    assert cost_at(window, CAR_M) == LETHAL
    assert cost_at(window, ROAD_M) == FREE and cost_at(window, UNSEEN_M) == UNKNOWN
    later = static_layer(grid_of(seen(CAR_LATER_M), odom_from_base(1.0)), COSTMAP, NUM)
    assert cost_at(later, CAR_M) == FREE
    assert cost_at(later, np.add(CAR_LATER_M, (1.0, 0.0))) == LETHAL
    stale = static_layer(unknown_grid(grid.header, grid.info), COSTMAP, NUM)
    assert (stale == UNKNOWN).all()


@pytest.mark.parametrize('yaw', np.linspace(-3.0, 3.0, 9))
def test_the_grid_covers_the_window_at_any_heading(yaw):
    pose = odom_from_base()
    cosine, sine = np.cos(yaw), np.sin(yaw)
    pose[:2, :2] = (cosine, -sine), (sine, cosine)
    pose[:2, 3] = 1.0, 0.0  # what the window has moved since the stamp
    road = occupancy([(np.s_[:, :, 2], 'driveable_surface')])
    for num in (NUM, round(50 / 0.4)):
        assert (static_layer(grid_of(road, pose), COSTMAP, num) == FREE).all()


def test_a_grid_in_the_frame_of_the_vehicle_is_off_by_the_way_since_its_stamp():
    def center_m(window):
        return np.argwhere(window == LETHAL).mean(axis=0) * 0.4
    right = static_layer(grid_of(seen(), odom_from_base()), COSTMAP, NUM)
    latest = np.linalg.inv(odom_from_base(travelled_m=1.0))
    wrong = static_layer(grid_of(seen(), frame='base_link'), COSTMAP, NUM, latest)
    np.testing.assert_allclose(center_m(wrong) - center_m(right), 1.0 * AHEAD, atol=0.15)


@pytest.mark.parametrize('changed, number, expected', [
    ({}, 50, 127), ({}, 99, 251), ({}, 100, LETHAL), ({}, 0, FREE), ({}, -1, UNKNOWN),
    ({'trinary_costmap': True}, 99, FREE), ({'track_unknown_space': False}, -1, FREE)])
def test_numbers_of_the_grid_keep_their_meaning(changed, number, expected):
    assert interpreted([number], COSTMAP | changed)[0] == expected


def test_costs_of_classes_are_not_lost():
    grid = grid_of(seen(), odom_from_base(), settings=GridConfig(class_cost=('car:60',)))
    assert FREE < cost_at(static_layer(grid, COSTMAP, NUM), CAR_M) < LETHAL
    trinary = static_layer(grid, COSTMAP | {'trinary_costmap': True}, NUM)
    assert cost_at(trinary, CAR_M) == FREE


def test_by_a_maximum_the_unknown_hides_what_another_layer_has_marked():
    grid = grid_of(seen(), odom_from_base())
    maximum = static_layer(grid, COSTMAP | {'use_maximum': True}, NUM, before=LETHAL)
    assert cost_at(maximum, UNSEEN_M) == UNKNOWN


@pytest.mark.parametrize('kind', [ObstacleLayer, VoxelLayer])
@pytest.mark.parametrize('clearing', [False, True])
def test_a_layer_of_points_never_learns_what_is_free(kind, clearing):
    source = OBSTACLE_LAYER['network'] | {'clearing': clearing, 'raytrace_max_range': 57.0}
    layer = kind(OBSTACLE_LAYER | {'network': source, 'z_voxels': 16, 'origin_z': -1.0,
                                   'z_resolution': 0.4}, NUM)
    origin_m = in_odom((0.0, 0.0))
    layer.take(cloud_of(seen(), odom_from_base()), origin_m)
    assert cost_at(layer.window, CAR_M) == LETHAL
    assert cost_at(layer.window, ROAD_M) == UNKNOWN
    layer.take(cloud_of(seen(CAR_LATER_M), odom_from_base()), origin_m)
    assert cost_at(layer.window, CAR_LATER_M) == LETHAL
    assert cost_at(layer.window, CAR_M) == LETHAL  # it has left, but nothing stands behind it
    far = occupancy([(np.s_[18:26, 98:102, 3:7], 'car')], [np.s_[45:95]])  # at -32 m
    layer.take(cloud_of(far, odom_from_base()), origin_m)
    assert (cost_at(layer.window, (-8.0, 0.0)) == FREE) == clearing  # what no camera has seen


@pytest.mark.parametrize('height_m', [0.0, 3.0, -3.0])
def test_heights_are_cut_in_the_frame_of_the_costmap(height_m):
    pose = odom_from_base(height_m=height_m)
    cloud = cloud_of(seen(), pose)
    layer = ObstacleLayer(OBSTACLE_LAYER, NUM)
    layer.take(cloud, pose[:3, 3])
    assert cost_at(layer.window, CAR_M) == LETHAL
    cut = ObstacleLayer({name: value for name, value in OBSTACLE_LAYER.items()
                         if 'height' not in name}, NUM)
    cut.take(cloud, pose[:3, 3])
    assert (cost_at(cut.window, CAR_M) == LETHAL) == (height_m == 0.0)


def test_ranges_count_from_sensor_frame():
    cloud = cloud_of(seen(), odom_from_base())
    layer = ObstacleLayer(OBSTACLE_LAYER, NUM)
    assert OBSTACLE_LAYER['network']['sensor_frame'] == COSTMAP['robot_base_frame']
    layer.take(cloud, np.array((100.0, 0.0, 0.0)))  # the origin of odom, 100 m away
    assert cost_at(layer.window, CAR_M) == UNKNOWN


def test_the_layer_that_forgets_knows_nothing_free():
    layer = SpatioTemporalVoxelLayer(voxel_decay_s=1.0, num=NUM)
    layer.take(cloud_of(seen(), odom_from_base()), now_s=0.0)
    assert cost_at(layer.window_at(0.5), CAR_M) == LETHAL
    assert cost_at(layer.window_at(0.5), ROAD_M) == UNKNOWN
    assert (layer.window_at(1.5) == UNKNOWN).all()
