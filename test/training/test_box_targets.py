# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The targets of the box head, decoded again as predictions are."""

import math

import numpy as np
import pytest
import torch

from bdc_occ_ros.dataset.batch import TrueBoxes
from bdc_occ_ros.network.bev_to_boxes import BoxMaps
from bdc_occ_ros.network.box_decoding import decode_boxes
from bdc_occ_ros.network.config import load_network_config
from bdc_occ_ros.training.box_targets import box_targets, gaussian_radius

BOXES = torch.tensor([[10.3, -20.1, 0.8, 4.6, 1.9, 1.7, 2.5, 3.0, -1.0],
                      [-39.9, 39.9, 0.1, 0.6, 0.5, 1.8, -0.4, 0.0, 0.5]])


@pytest.fixture(scope='module')
def nano():
    return load_network_config('bdc_occ_nano')


def test_maps_that_equal_the_targets_decode_into_the_boxes(nano):
    targets = box_targets([TrueBoxes(BOXES, torch.tensor([0, 8]))], nano)
    assert targets.heatmap.shape == (1, 10, 100, 100)
    channels = torch.zeros(1, 10, 100 * 100)
    channels[0, :, targets.cells] = targets.attributes.T
    reg, height, dim, rot, vel = channels.view(1, 10, 100, 100).split((2, 1, 3, 2, 2), dim=1)
    logits = torch.where(targets.heatmap == 1, 5.0, -20.0)
    boxes = decode_boxes(BoxMaps(logits, reg, height, dim, rot, vel), nano, 0)
    order = np.argsort(boxes.labels)
    assert boxes.labels[order].tolist() == [0, 8]
    decoded = np.column_stack([boxes.centers_m, boxes.sizes_m, boxes.yaws_rad,
                               boxes.velocities_mps])[order]
    np.testing.assert_allclose(decoded, BOXES.numpy(), atol=1e-4)


def test_bumps_fall_about_the_centre_and_the_higher_one_wins(nano):
    boxes = torch.tensor([[0.4, 0.4, 0, 1, 1, 1, 0, 0, 0], [1.2, 0.4, 0, 1, 1, 1, 0, 0, 0],
                          [60.0, 0, 0, 1, 1, 1, 0, 0, 0]], dtype=torch.float32)
    targets = box_targets([TrueBoxes(boxes[:0], torch.zeros(0, dtype=torch.int64)),
                           TrueBoxes(boxes, torch.tensor([5, 5, 5]))], nano)
    assert targets.samples.tolist() == [1, 1] and targets.cells.tolist() == [5050, 5051]
    assert not targets.heatmap[0].any() and not targets.heatmap[1, :5].any()
    row = targets.heatmap[1, 5, 50]
    step = math.exp(-1 / (2 * (5 / 6) ** 2))
    far = math.exp(-4 / (2 * (5 / 6) ** 2))
    expected = [0, far, step, 1, 1, step, far, 0]
    assert row[47:55].tolist() == pytest.approx(expected)
    assert float(targets.heatmap[1, 5, 51, 50]) == pytest.approx(step)


def test_radius_grows_with_the_box():
    third = (-0.2 * 20 + math.sqrt(0.04 * 400 + 1.6 * 0.9 * 100)) / 2
    assert gaussian_radius(torch.tensor([[10.0, 10.0], [20.0, 20.0]])).tolist() == pytest.approx(
        [third, 2 * third])


def test_no_objects_at_all(nano):
    targets = box_targets([TrueBoxes(torch.zeros(0, 9), torch.zeros(0, dtype=torch.int64))], nano)
    assert not targets.heatmap.any() and len(targets.cells) == 0
