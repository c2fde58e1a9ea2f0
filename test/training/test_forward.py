# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The rays of a batch are those of the node, on every published rig and with motion."""

from dataclasses import replace

from made_source import MadeSource
import numpy as np
import pytest
import torch

from bdc_occ_ros.geometry.calibration_file import load_calibration
from bdc_occ_ros.geometry.preprocessing import Preprocessor
from bdc_occ_ros.geometry.ray_geometry import RayGeometry
from bdc_occ_ros.network.config import load_network_config
from bdc_occ_ros.network.network import OccupancyNetwork
from bdc_occ_ros.share import share_path
from bdc_occ_ros.training import forward
from bdc_occ_ros.training.forward import ray_points, run_network, uses_bfloat16

RIGS = ('n008', 'n008_2018_05', 'n015')


def motion_of(number):
    """Return a small motion of the vehicle that differs per camera."""
    angle, result = 0.01 * number, np.eye(4)
    result[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    result[:3, 3] = 0.2 * number, -0.05 * number, 0.01
    return result


@pytest.mark.parametrize('name', ['flashocc_r50', 'bdc_occ_nano'])
def test_a_batch_of_all_rigs_has_the_rays_of_the_node(name):
    config = load_network_config(name)
    motions = np.stack([motion_of(number) for number in range(6)])
    inputs, mounts, expected = [], [], []
    for rig in (load_calibration(share_path('config', f'calibration_nuscenes_{rig}.yaml'))
                for rig in RIGS):
        scaled = np.stack([Preprocessor(c, config.image).input_from_image for c in rig.cameras])
        inputs.append(scaled @ np.stack([c.intrinsics for c in rig.cameras]))
        mounts.append(motions @ np.stack([c.ego_from_camera for c in rig.cameras]))
        expected.append(RayGeometry(rig.cameras, config.frustum).in_key_ego(motions))
    found_m = ray_points(torch.from_numpy(np.stack(inputs)), torch.from_numpy(np.stack(mounts)),
                         config.frustum)
    expected_m = torch.stack(expected)
    assert found_m.dtype == torch.float32 and found_m.shape == expected_m.shape
    assert (found_m - expected_m).abs().max() < 2e-5
    assert (expected_m[0] - expected_m[2]).abs().max() > 0.1


@pytest.mark.parametrize('precision, has_bfloat16, expected', [
    ('auto', True, True), ('auto', False, False), ('bfloat16', False, True),
    ('float32', True, False)])
def test_auto_asks_the_processor(monkeypatch, precision, has_bfloat16, expected):
    monkeypatch.setattr(forward, 'has_bfloat16', lambda: has_bfloat16)
    assert uses_bfloat16(precision, torch.device('cpu')) is expected


def test_pictures_may_have_more_rows_than_the_network_was_made_for(tiny_config):
    taller = replace(tiny_config, image=tiny_config.image.with_rows(64))
    batch = MadeSource(taller, 1).load([0], torch.device('cpu'))
    torch.manual_seed(0)
    short, tall = OccupancyNetwork(tiny_config).eval(), OccupancyNetwork(taller).eval()
    tall.load_state_dict(short.state_dict())
    found, expected = (run_network(network, batch, 'float32', with_depth=True)
                       for network in (short, tall))
    assert found.depth_probability.shape[3:] == (8, 12)
    assert torch.equal(found.occupancy_logits, expected.occupancy_logits)


@pytest.mark.parametrize('capability, expected', [((7, 5), False), ((8, 0), True), ((9, 0), True)])
def test_auto_asks_the_gpu_for_what_it_does_not_emulate(monkeypatch, capability, expected):
    monkeypatch.setattr(torch.cuda, 'is_bf16_supported', lambda *_, **__: True)
    monkeypatch.setattr(torch.cuda, 'get_device_capability', lambda _: capability)
    assert uses_bfloat16('auto', torch.device('cuda')) is expected
