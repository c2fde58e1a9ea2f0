# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What is published when a set has nothing in it, and that nothing is made for nobody."""

from dataclasses import replace
from types import SimpleNamespace

from nav_msgs.msg import OccupancyGrid
import numpy as np
import pytest
from rclpy.lifecycle import LifecycleNode
from sensor_msgs.msg import PointCloud2
from vision_msgs.msg import Detection3DArray
from watcher import LATCHED

from bdc_occ_ros.classes import DETECTION_CLASS_NAMES, FREE_LABEL, OCCUPANCY_CLASS_NAMES
from bdc_occ_ros.datatypes import Boxes, Occupancy
from bdc_occ_ros.geometry.voxel_grid import VoxelGrid
from bdc_occ_ros.ros.conversions import to_nanoseconds
from bdc_occ_ros.ros.outputs import OutputPublishers
from bdc_occ_ros.ros.parameters import config_from_values

STAMP_NS = 1_500_000_000_000_000_000


@pytest.fixture
def publishing_node(ros):
    node = LifecycleNode('publishing')
    yield node
    node.destroy_node()


@pytest.fixture
def outputs(publishing_node):
    outputs = OutputPublishers(publishing_node)
    publishing_node.trigger_configure()
    publishing_node.trigger_activate()
    yield outputs
    outputs.destroy()


def nothing():
    grid = VoxelGrid()
    none = np.zeros((0,), np.float32)
    return SimpleNamespace(
        occupancy=Occupancy(grid, np.full(grid.shape, FREE_LABEL, np.uint8),
                            np.ones(grid.shape, bool), OCCUPANCY_CLASS_NAMES, FREE_LABEL,
                            STAMP_NS),
        boxes=Boxes(none.reshape(0, 3), none.reshape(0, 3), none, none.reshape(0, 2), none,
                    none, DETECTION_CLASS_NAMES, STAMP_NS))


def test_an_empty_set_is_still_published(outputs, node, spin_until):
    config, clouds, detections = config_from_values({}), [], []
    node.create_subscription(PointCloud2, 'occupancy', clouds.append, 1)
    node.create_subscription(Detection3DArray, 'detections', detections.append, 1)
    assert spin_until(lambda: len(outputs.wanted(config)) == 2)
    outputs.publish(nothing(), config, None)
    assert spin_until(lambda: clouds and detections)
    assert clouds[0].width * clouds[0].height == 0 and len(clouds[0].data) == 0
    assert len(clouds[0].fields) == 5
    assert detections[0].detections == []


def test_a_switch_turns_an_output_off(outputs, node, spin_until):
    node.create_subscription(PointCloud2, 'occupancy', lambda _: None, 1)
    assert spin_until(lambda: outputs.wanted(config_from_values({})))
    assert not outputs.wanted(config_from_values({'publish.occupancy': False}))


def test_a_result_that_the_network_does_not_give_is_left_out(outputs, node, spin_until):
    config, clouds, detections = config_from_values({}), [], []
    node.create_subscription(PointCloud2, 'occupancy', clouds.append, 1)
    node.create_subscription(Detection3DArray, 'detections', detections.append, 1)
    assert spin_until(lambda: len(outputs.wanted(config)) == 2)
    outputs.publish(SimpleNamespace(occupancy=nothing().occupancy, boxes=None), config, None)
    assert spin_until(lambda: clouds)
    assert not detections


@pytest.fixture
def latched(outputs, node, spin_until):
    """Publish a grid with an obstacle, and return the list of what comes of it."""
    grids = []
    node.create_subscription(OccupancyGrid, 'occupancy/grid', grids.append, LATCHED)
    config = config_from_values({})
    assert spin_until(lambda: outputs.wanted(config))
    seen = nothing()
    labels = seen.occupancy.labels.copy()
    labels[5, 5, 4] = 0
    seen.occupancy = replace(seen.occupancy, labels=labels)
    pose = np.eye(4)
    pose[:2, 3] = 3.3, -2.0
    outputs.publish(seen, replace(config, output_frame='odom'), pose)
    assert spin_until(lambda: grids) and max(grids[0].data) == 100
    return grids


def test_a_grid_that_is_withdrawn_is_unknown_for_late_subscribers_too(latched, outputs, node,
                                                                      spin_until):
    outputs.withdraw_grid('it is younger than that', older_than_s=3600.0)
    early, late = [], []
    node.create_subscription(OccupancyGrid, 'occupancy/grid', early.append, LATCHED)
    assert spin_until(lambda: early) and early[0] == latched[0]
    outputs.withdraw_grid('the test says so')
    outputs.withdraw_grid('nothing is latched any more')
    assert spin_until(lambda: len(latched) > 1)
    assert set(latched[-1].data) == {-1} and latched[-1].info == latched[0].info
    assert latched[-1].header.frame_id == 'odom'
    assert to_nanoseconds(latched[-1].header.stamp) > STAMP_NS
    node.create_subscription(OccupancyGrid, 'occupancy/grid', late.append, LATCHED)
    assert spin_until(lambda: late)
    assert late == latched[1:]  # once


def test_what_a_limit_cuts_off_one_output_is_not_forgotten_over_the_next(outputs, node,
                                                                         spin_until):
    config, clouds = config_from_values({'max_points': 10}), []
    node.create_subscription(PointCloud2, 'occupancy', clouds.append, 1)
    node.create_subscription(Detection3DArray, 'detections', lambda _: None, 1)
    assert spin_until(lambda: len(outputs.wanted(config)) == 2)
    full = nothing()
    labels = full.occupancy.labels.copy()
    labels[:5, :5, 0] = 0
    full.occupancy = replace(full.occupancy, labels=labels)
    outputs.publish(full, config, None)
    assert spin_until(lambda: clouds)
    assert clouds[0].width == 10
    assert outputs.num_cut_off == 15
    outputs.publish(nothing(), config, None)
    assert outputs.num_cut_off == 0
