# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Box maps with known peaks, decoded to known boxes."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from bdc_occ_ros.network.bev_to_boxes import BoxMaps
from bdc_occ_ros.network.box_decoding import decode_boxes
from bdc_occ_ros.network.config import load_network_config

CAR, TRUCK, CONE = 0, 1, 9


@pytest.fixture
def config():
    return load_network_config('bevdet_r50')  # 128x128 cells of 0.8 m from -51.2 m


def empty_maps(num_classes=10, rows=128, columns=128):
    def zeros(channels):
        return torch.zeros(1, channels, rows, columns)
    return BoxMaps(heatmap=zeros(num_classes) - 10.0, reg=zeros(2), height=zeros(1), dim=zeros(3),
                   rot=zeros(2), vel=zeros(2))


def put(maps, label, row, column, score, size_m=(4.0, 2.0, 1.5), yaw_rad=0.0, reg=(0.5, 0.5),
        z_m=0.7, velocity_mps=(0.0, 0.0)):
    maps.heatmap[0, label, row, column] = float(np.log(score / (1 - score)))
    maps.reg[0, :, row, column] = torch.tensor(reg)
    maps.height[0, 0, row, column] = z_m
    maps.dim[0, :, row, column] = torch.tensor(size_m).log()
    maps.rot[0, :, row, column] = torch.tensor((np.sin(yaw_rad), np.cos(yaw_rad)))
    maps.vel[0, :, row, column] = torch.tensor(velocity_mps)


def test_one_lit_cell_becomes_one_box_with_every_value_in_its_place(config):
    maps = empty_maps()
    put(maps, TRUCK, row=70, column=100, score=0.8, size_m=(8.0, 2.5, 3.0), yaw_rad=-2.0,
        reg=(0.25, 0.75), z_m=1.2, velocity_mps=(3.0, -1.0))
    boxes = decode_boxes(maps, config, stamp_ns=77)
    assert len(boxes) == 1 and boxes.stamp_ns == 77
    np.testing.assert_allclose(
        boxes.centers_m[0], (100.25 * 0.8 - 51.2, 70.75 * 0.8 - 51.2, 1.2), atol=1e-5)
    np.testing.assert_allclose(boxes.sizes_m[0], (8.0, 2.5, 3.0), rtol=1e-6)
    np.testing.assert_allclose(boxes.yaws_rad, -2.0, atol=1e-6)
    np.testing.assert_allclose(boxes.velocities_mps[0], (3.0, -1.0))
    np.testing.assert_allclose(boxes.scores, 0.8, rtol=1e-5)
    assert boxes.class_names[boxes.labels[0]] == 'truck'


def test_a_far_column_is_ahead_and_a_high_row_is_left(config):
    maps = empty_maps()
    put(maps, CAR, row=64, column=120, score=0.9)
    put(maps, CAR, row=120, column=64, score=0.8)
    ahead, left = decode_boxes(maps, config, 0).centers_m
    assert ahead[0] > 40 and abs(ahead[1]) < 1
    assert left[1] > 40 and abs(left[0]) < 1


def test_the_map_may_be_coarser_than_the_grid(tiny_model):
    config = load_network_config(tiny_model)  # stride 2 of 1 m cells from -16 m
    maps = empty_maps(rows=16, columns=16)
    put(maps, CAR, row=3, column=10, score=0.9, reg=(0.5, 0.0))
    center_m = decode_boxes(maps, config, 0).centers_m[0]
    np.testing.assert_allclose(center_m[:2], (10.5 * 2 - 16, 3 * 2 - 16), atol=1e-5)


def test_weak_and_distant_candidates_are_dropped(config):
    maps = empty_maps()
    put(maps, CAR, 64, 64, score=0.101)
    put(maps, CAR, 30, 64, score=0.099)
    put(maps, CAR, 20, 127, score=0.9, reg=(15.0, 0.5))  # x = 62.4 m
    put(maps, CAR, 20, 20, score=0.9, z_m=10.5)
    boxes = decode_boxes(maps, config, 0)
    np.testing.assert_allclose(boxes.scores, [0.101], rtol=1e-4)


def test_only_the_strongest_candidates_are_decoded(config):
    maps = empty_maps()
    for n in range(8):
        put(maps, CAR, 10, 10 * n + 10, score=0.2 + 0.1 * n)
    few = replace(config, boxes=replace(config.boxes, max_boxes=3))
    np.testing.assert_allclose(decode_boxes(maps, few, 0).scores, (0.9, 0.8, 0.7), rtol=1e-5)


def test_one_object_seen_by_two_cells_and_as_two_classes_is_one_box(config):
    maps = empty_maps()
    put(maps, CAR, 64, 90, score=0.9)
    put(maps, CAR, 64, 91, score=0.6)
    put(maps, TRUCK, 64, 90, score=0.5)
    boxes = decode_boxes(maps, config, 0)
    assert boxes.labels.tolist() == [CAR]
    np.testing.assert_allclose(boxes.scores, [0.9], rtol=1e-5)


def test_sizes_are_scaled_for_the_overlap_only(config):
    maps = empty_maps()
    put(maps, CONE, 64, 90, score=0.9, size_m=(0.4, 0.4, 1.0))
    put(maps, CONE, 64, 91, score=0.8, size_m=(0.4, 0.4, 1.0))  # 0.8 m away: apart, but not 3.5x
    boxes = decode_boxes(maps, config, 0)
    assert len(boxes) == 1
    np.testing.assert_allclose(boxes.sizes_m, [(0.4, 0.4, 1.0)], rtol=1e-6)
    unscaled = replace(config, boxes=replace(config.boxes, nms_size_factors=(1.0,) * 10))
    assert len(decode_boxes(maps, unscaled, 0)) == 2


def test_a_map_without_objects_gives_no_boxes(config):
    boxes = decode_boxes(empty_maps(), config, 5)
    assert len(boxes) == 0 and boxes.centers_m.shape == (0, 3)


@pytest.mark.parametrize(('attribute', 'value'), [
    ('dim', 800.0), ('dim', 100.0), ('dim', -800.0), ('vel', float('nan'))])
def test_cells_that_are_no_box_give_none(config, attribute, value):
    maps = empty_maps()
    put(maps, CAR, row=30, column=20, score=0.9)
    put(maps, CAR, row=70, column=100, score=0.8)
    getattr(maps, attribute)[0, 0, 30, 20] = value
    boxes = decode_boxes(maps, config, 0)
    assert boxes.scores.tolist() == pytest.approx([0.8])
