# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Networks with their real-valued layers on eight bits: what is replaced, and how close it is."""

import pytest
import torch

from bdc_occ_ros.bench.rig import rig_rays
from bdc_occ_ros.bench.section_shares import section_shares
from bdc_occ_ros.binary.module_lowering import PackedSubgraph
from bdc_occ_ros.network.config import load_network_config
from bdc_occ_ros.network.int8_network import put_on_8_bits
from bdc_occ_ros.network.int8_section import Int8Section, SessionSettings
from bdc_occ_ros.network.network import OccupancyNetwork
from bdc_occ_ros.network.packed_network import pack_network

pytest.importorskip('onnx', reason='onnx is not installed (extra bench)')
pytest.importorskip('onnxruntime', reason='onnxruntime is not installed (extra bench)')


@pytest.fixture(autouse=True)
def one_thread():
    """Keep small layers on one thread: on a busy machine the others are waited for."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def packed(name):
    """Return a seeded network, packed, and its inputs."""
    config = load_network_config(f'test/resources/model_{name}.yaml')
    torch.manual_seed(1)
    network = pack_network(OccupancyNetwork(config))
    rays_m = rig_rays(config)[None]
    return network, torch.randn(1, 6, 3, 32, 96), rays_m


def logits_before_and_after(name, settings):
    """Return the network on eight bits and its logits before and after it was put on them."""
    network, images, rays_m = packed(name)
    with torch.inference_mode():
        before = network(images, rays_m).occupancy_logits.clone()
        put_on_8_bits(network, images, rays_m, settings)
        return network, before, network(images, rays_m).occupancy_logits


def test_a_real_network_becomes_two_sections(tmp_path):
    settings = SessionSettings(1, profile_prefix=str(tmp_path / 'profile'))
    network, before, after = logits_before_and_after('tiny_real', settings)
    sections = [name for name, part in network.named_modules() if isinstance(part, Int8Section)]
    assert sections == ['img_backbone', 'img_bev_encoder_backbone']
    assert before.shape == after.shape == (1, 32, 32, 4, 18)
    assert float((after - before).norm() / (before - before.mean()).norm()) < 0.1
    shares = section_shares(network)
    assert list(shares) == ['image backbone', 'BEV backbone']
    assert list(shares['BEV backbone']) == ['BEV backbone', 'BEV neck', 'occupancy']
    profiles = ''.join(path.read_text() for path in tmp_path.iterdir())
    assert '"img_bev_encoder_backbone.layers.0.0.conv1:' in profiles
    assert '"img_bev_encoder_neck.up2.1:' in profiles and '"occ_head.' in profiles
    assert all(sum(parts.values()) == pytest.approx(1) for parts in shares.values())


def test_packed_units_stay_between_the_sections():
    network, before, after = logits_before_and_after('tiny_published', SessionSettings(1))
    sections = [name for name, part in network.named_modules() if isinstance(part, Int8Section)]
    assert sections == ['img_backbone', 'img_bev_encoder_neck.conv.0', 'occ_head.final_conv.1']
    assert isinstance(network.img_bev_encoder_backbone, PackedSubgraph)
    both = torch.stack((before.flatten(), after.flatten()))
    assert float(torch.corrcoef(both)[0, 1]) > 0.9
