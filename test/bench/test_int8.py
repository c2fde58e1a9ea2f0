# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Real-valued layers and whole networks on eight bits: what is replaced, and how close it is."""

from pathlib import Path

import pytest
import torch
from torch import nn
from torch.nn import functional

from bdc_occ_ros.bench.int8 import Int8Section, quantize_int8, section_shares, session_options
from bdc_occ_ros.binary.module_lowering import PackedSubgraph
from bdc_occ_ros.errors import UnsupportedLayerError
from bdc_occ_ros.network.bev_encoder import ResidualBlock
from bdc_occ_ros.network.config import load_network_config
from bdc_occ_ros.network.features_to_depth import FeaturesToDepth
from bdc_occ_ros.network.images_to_features import FeaturePyramid
from bdc_occ_ros.network.layers import ConvBlock
from bdc_occ_ros.network.network import OccupancyNetwork
from bdc_occ_ros.network.packed_network import pack_network
from bdc_occ_ros.network.resnet import Bottleneck
from bdc_occ_ros.weights.agreement import made_up_input

pytest.importorskip('onnx', reason='onnx is not installed (extra bench)')
pytest.importorskip('onnxruntime', reason='onnxruntime is not installed (extra bench)')


@pytest.fixture(autouse=True)
def one_thread():
    """Keep small layers on one thread: on a busy machine the others are waited for."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


class Levels(nn.Module):
    """Two maps from one, as a backbone gives them to a pyramid."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 8, 7, 2, padding=3, bias=False), nn.BatchNorm2d(8),
                                  nn.ReLU(inplace=True), nn.MaxPool2d(3, 2, padding=1))
        self.deep = nn.Sequential(Bottleneck(8, 4, 2), ResidualBlock(16, 16, 1))

    def forward(self, images):
        fine = self.stem(images)
        return fine, self.deep(fine)


def seeded(module):
    """Give weights and running statistics values that are not those of a fresh module."""
    generator = torch.Generator().manual_seed(3)
    for name, values in module.state_dict().items():
        if values.is_floating_point():
            low, high = (0.5, 1.5) if 'var' in name or values.ndim == 1 else (-0.3, 0.3)
            values.copy_(torch.rand(values.shape, generator=generator) * (high - low) + low)
    return module.eval()


def relative_error(result, expected):
    return float((result - expected).norm() / (expected - expected.mean()).norm())


def samples(*shape, count=3):
    generator = torch.Generator().manual_seed(5)
    return [(torch.randn(shape, generator=generator),) for _ in range(count)]


def quantized(module, inputs, **options):
    return Int8Section(module, inputs, session_options(1, **options))


def test_image_layers_stay_close_to_float():
    layers = seeded(nn.Sequential(
        Levels(), FeaturePyramid([ConvBlock(channels, 12, 1, has_bn=False, has_relu=False)
                                  for channels in (8, 16)],
                                 ConvBlock(12, 12, 3, has_bn=False, has_relu=False)),
        FeaturesToDepth(12, 5, 3)))
    inputs = samples(2, 3, 32, 48)
    section = quantized(layers, inputs)
    with torch.inference_mode():
        for image in inputs:
            results, expected = section(*image), layers(*image)
            assert [r.shape for r in results] == [e.shape for e in expected]
            assert relative_error(results[0], expected[0]) < 0.05
            assert relative_error(results[1], expected[1]) < 0.05
    assert torch.allclose(results[0].sum(dim=1), torch.ones(2, 8, 12), atol=1e-5)


class Join(nn.Module):
    """Every kind of resampling, joined and bent."""

    def __init__(self):
        super().__init__()
        self.up = nn.Upsample(scale_factor=4, mode='bilinear', align_corners=True)
        self.last = nn.Sequential(nn.Conv2d(13, 9, 1), nn.Softplus(), nn.Conv2d(9, 6, 1))

    def forward(self, fine, coarse):
        corners = functional.interpolate(coarse, scale_factor=4, mode='bilinear')
        nearest = functional.interpolate(coarse, size=fine.shape[-2:])
        return self.last(torch.cat((fine, self.up(coarse) + corners + nearest), dim=1))


def test_bev_layers_stay_close_to_float():
    module = seeded(Join())
    inputs = [(*fine, *coarse) for fine, coarse in zip(samples(1, 8, 12, 16), samples(1, 5, 3, 4))]
    section = quantized(module, inputs)
    with torch.inference_mode():
        assert relative_error(section(*inputs[0]), module(*inputs[0])) < 0.05


class BentAndNot(nn.Module):
    """A convolution whose result is used with and without what is below zero."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(4, 8, 1)
        self.relu = nn.ReLU()

    def forward(self, x):
        x = self.conv(x)
        return torch.cat((self.relu(x), x), dim=1)


def test_a_relu_cuts_off_for_its_own_users_only():
    module, inputs = seeded(BentAndNot()), samples(1, 4, 6, 6)
    with torch.inference_mode():
        assert relative_error(quantized(module, inputs)(*inputs[0]), module(*inputs[0])) < 0.05


def test_convolutions_are_computed_on_integers(tmp_path):
    section = quantized(seeded(ResidualBlock(4, 8, 2)), samples(1, 4, 8, 8),
                        profile_prefix=str(tmp_path / 'run'))
    section(*samples(1, 4, 8, 8)[0])
    ran = Path(section.session.end_profiling()).read_text()
    assert ran.count('"QLinearConv"') == 3 and ran.count('"QLinearAdd"') == 1
    assert '"Conv"' not in ran and '"Add"' not in ran


def test_maps_that_come_channels_last_are_not_copied():
    convolution = seeded(nn.Sequential(nn.Conv2d(4, 8, 1)))
    section = quantized(convolution, samples(1, 4, 6, 6))
    values = samples(1, 4, 6, 6)[0][0].contiguous(memory_format=torch.channels_last)
    first = section(values)
    assert first.is_contiguous(memory_format=torch.channels_last)
    assert section(2 * values).data_ptr() == first.data_ptr()


def test_what_stays_in_float_is_refused_by_its_place():
    with pytest.raises(UnsupportedLayerError, match=r'module\.0/.*keep this part in float'):
        quantized(nn.Sequential(nn.GELU()), samples(1, 4, 6, 6))


def test_another_size_is_refused():
    section = quantized(seeded(nn.Sequential(nn.Conv2d(4, 8, 1))), samples(1, 4, 6, 6))
    with pytest.raises(RuntimeError, match=r'index: 2 Got: 7 Expected: 6'):
        section(torch.zeros(1, 4, 6, 7))


def packed(name):
    """Return a seeded network, packed, and its inputs."""
    config = load_network_config(f'test/resources/model_{name}.yaml')
    torch.manual_seed(1)
    network = pack_network(OccupancyNetwork(config))
    _, rays_m = made_up_input(config, 0)
    return network, torch.randn(1, 6, 3, 32, 96), rays_m


def logits_before_and_after(name, options):
    """Return the network on eight bits and its logits before and after it was put on them."""
    network, images, rays_m = packed(name)
    with torch.inference_mode():
        before = network(images, rays_m).occupancy_logits.clone()
        quantize_int8(network, images, rays_m, options)
        return network, before, network(images, rays_m).occupancy_logits


def test_a_real_network_becomes_two_sections(tmp_path):
    options = session_options(1, profile_prefix=str(tmp_path / 'profile'))
    network, before, after = logits_before_and_after('tiny_real', options)
    sections = [name for name, part in network.named_modules() if isinstance(part, Int8Section)]
    assert sections == ['img_backbone', 'img_bev_encoder_backbone']
    assert before.shape == after.shape == (1, 32, 32, 4, 18)
    assert float((after - before).norm() / (before - before.mean()).norm()) < 0.1
    shares = section_shares(network)
    assert list(shares) == ['image backbone', 'BEV backbone']
    assert list(shares['BEV backbone']) == ['BEV backbone', 'BEV neck', 'occupancy']
    profiles = ''.join(path.read_text() for path in tmp_path.iterdir())
    assert '/img_bev_encoder_backbone/layers.0/layers.0.0/conv1/Conv' in profiles
    assert '/img_bev_encoder_neck/up2/up2.1/' in profiles and '/final_conv/' in profiles
    assert all(sum(parts.values()) == pytest.approx(1) for parts in shares.values())


def test_packed_units_stay_between_the_sections():
    network, before, after = logits_before_and_after('tiny_published', session_options(1))
    sections = [name for name, part in network.named_modules() if isinstance(part, Int8Section)]
    assert sections == ['img_backbone', 'img_bev_encoder_neck.conv.0', 'occ_head.final_conv.1']
    assert isinstance(network.img_bev_encoder_backbone, PackedSubgraph)
    both = torch.stack((before.flatten(), after.flatten()))
    assert float(torch.corrcoef(both)[0, 1]) > 0.9
