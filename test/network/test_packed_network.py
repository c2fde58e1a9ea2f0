# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Packed networks: the float network's labels, every backend's bits, moving rigs, no growth."""

import copy
from dataclasses import replace
import gc

import pytest
import torch
from torch import nn

from bdc_occ_ros.binary.config import UnitConfig
from bdc_occ_ros.binary.engine_module import LoweredModule, use_backend
from bdc_occ_ros.binary.layers import BinaryConv2d
from bdc_occ_ros.binary.module_lowering import PackedSubgraph
from bdc_occ_ros.kernels.reference import ReferenceBackend
from bdc_occ_ros.network.config import load_network_config
from bdc_occ_ros.network.layers import HalvingChain
from bdc_occ_ros.network.network import blank_network, OccupancyNetwork
from bdc_occ_ros.network.packed_network import pack_network, packed_units
from bdc_occ_ros.network.resnet import Resnet50

NAMES = ('nano', 'binary nano', 'lite', 'published', 'published with real 1x1')


@pytest.fixture(scope='module')
def configs(tiny_model):
    """Return small networks by name; binary nano has no real layer but stem, 1x1s and heads."""
    nano = load_network_config(tiny_model)
    inner = replace(nano.nano.bev_unit, has_inner_shortcut=True)
    published = load_network_config(tiny_model.with_name('model_tiny_published.yaml'))
    unit = published.published.bev_unit
    authors = replace(unit, activation_before_1x1='real', activation_in_branch='real',
                      with_identity_bn=True)
    return {
        'nano': nano,
        'binary nano': replace(nano, nano=replace(nano.nano, image_unit=unit, bev_unit=inner)),
        'lite': replace(nano, nano=replace(nano.nano, pretrained='efficientnet_lite0')),
        'published': published,
        'published with real 1x1': replace(published, published=replace(
            published.published, bev_unit=authors))}


class PatchLevels(nn.Module):
    """Two levels of patches, in the place of a ResNet-50, which is real throughout and slow."""

    def __init__(self):
        super().__init__()
        self.fine, self.coarse = (nn.Conv2d(3, channels, stride, stride) for channels, stride
                                  in zip(Resnet50.out_channels, (16, 32)))

    def forward(self, images):
        return self.fine(images), self.coarse(images)


@pytest.fixture(scope='module', autouse=True)
def one_thread():
    """Keep PyTorch on one core: these layers are too small for two."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope='module')
def networks(configs, as_if_trained):
    """Return the float networks, untrained but without ties."""
    made = {}
    for seed, (name, config) in enumerate(configs.items()):
        torch.manual_seed(seed)
        network = OccupancyNetwork(config)
        if config.published is not None:
            network.img_backbone = PatchLevels()
        made[name] = as_if_trained(network, seed)
    return made


def inputs(config, cameras=2, seed=0, batch=1):
    generator = torch.Generator().manual_seed(seed)
    points_m = torch.rand(batch, cameras, config.depth.num_bins, *config.feature_shape, 3,
                          generator=generator)
    return (torch.randn(batch, cameras, 3, config.image.height_px, config.image.width_px,
                        generator=generator),
            points_m * torch.tensor([36.0, 36.0, 5.0]) - torch.tensor([18.0, 18.0, 1.5]))


def packed_on_reference(network, **types):
    packed = pack_network(network, **types)
    use_backend(packed, ReferenceBackend())
    return packed


def assert_equal(first, second):
    """Compare predictions, whose parts may be missing."""
    assert torch.equal(first.voxels.labels, second.voxels.labels)
    assert (first.voxels.confidence is None) == (second.voxels.confidence is None)
    if first.voxels.confidence is not None:
        assert torch.equal(first.voxels.confidence, second.voxels.confidence)
    assert (first.box_maps is None) == (second.box_maps is None)
    for a, b in zip(first.box_maps or (), second.box_maps or ()):
        assert torch.equal(a, b)


def agreement(labels, expected, free_label):
    """Return the share of equal labels among all voxels and among those where either is taken."""
    is_equal = labels == expected
    is_occupied = (labels != free_label) | (expected != free_label)
    return is_equal.double().mean().item(), is_equal[is_occupied].double().mean().item()


@pytest.mark.parametrize('name', NAMES)
def test_labels_are_those_of_the_float_network(name, networks):
    network = networks[name]
    packed = packed_on_reference(network)
    with torch.inference_mode():
        expected = network(*inputs(network.config))
        result = packed(*inputs(network.config))
        prediction = packed.predict(*inputs(network.config), with_confidence=True)
    assert not any(isinstance(module, BinaryConv2d) for module in packed.modules())
    labels = prediction.voxels.labels
    assert len(labels.unique()) > 3
    assert torch.equal(labels.long(), result.occupancy_logits.argmax(dim=-1))
    of_all, of_occupied = agreement(labels, expected.occupancy_logits.argmax(dim=-1),
                                    network.config.occupancy.free_label)
    assert of_all >= 0.999 and of_occupied >= 0.99
    confidence = expected.occupancy_logits.softmax(dim=-1).amax(dim=-1)
    assert (prediction.voxels.confidence - confidence).abs().mean() < 1e-4


@pytest.mark.parametrize('name', NAMES)
def test_every_backend_gives_the_bits_of_the_reference(name, networks, native_backends):
    packed = packed_on_reference(networks[name])
    given = inputs(packed.config)
    with torch.inference_mode():
        expected, prediction = packed(*given), packed.predict(*given)
        for backend in native_backends:
            use_backend(packed, backend)
            if name != 'published with real 1x1':  # sums of real inputs have no fixed order
                assert torch.equal(packed(*given).occupancy_logits, expected.occupancy_logits)
                assert_equal(packed.predict(*given), prediction)
            else:
                assert (packed(*given).occupancy_logits
                        - expected.occupancy_logits).abs().mean() < 1e-3


@pytest.mark.parametrize(('real_dtype', 'stream_dtype'), [
    (torch.bfloat16, torch.float32), (torch.bfloat16, torch.bfloat16),
    (torch.float32, torch.float16)])
def test_smaller_types_give_the_same_bits_everywhere(real_dtype, stream_dtype, networks,
                                                     native_backends):
    packed = packed_on_reference(networks['nano'], real_dtype=real_dtype,
                                 stream_dtype=stream_dtype)
    given = inputs(packed.config)
    with torch.inference_mode():
        prediction = packed.predict(*given, with_confidence=True)
        assert prediction.voxels.confidence.dtype == torch.float32
        for backend in native_backends:
            use_backend(packed, backend)
            assert_equal(packed.predict(*given, with_confidence=True), prediction)


def test_stages_keep_their_names_and_what_lies_between_real_layers_is_one_subgraph(networks):
    for name in ('binary nano', 'published'):
        packed = pack_network(networks[name])
        assert [stage for stage, _ in packed.named_children()] == [
            stage for stage, _ in networks[name].named_children()]
        assert isinstance(packed.img_bev_encoder_backbone, PackedSubgraph)
    neck = packed.img_bev_encoder_neck
    assert [type(part) for part in (neck.up, neck.up2)] == [PackedSubgraph, PackedSubgraph]
    assert sum(isinstance(m, LoweredModule) for m in neck.conv) == 1


def test_a_chain_of_reductions_is_one_subgraph(as_if_trained, native_backends):
    chain = as_if_trained(HalvingChain(256, 64, 'part', UnitConfig(with_bn=True)), 0)
    subgraph = PackedSubgraph(packed_units(copy.deepcopy(chain)))
    subgraph.use_backend(ReferenceBackend())
    x = torch.randn(1, 256, 2, 3).contiguous(memory_format=torch.channels_last)
    with torch.inference_mode():
        result = subgraph(x)
        assert (result - chain(x)).abs().max() < 1e-4
        subgraph.use_backend(native_backends[-1])
        assert torch.equal(subgraph(x), result)


def test_an_empty_network_takes_exactly_the_state_of_a_packed_one(networks):
    for real_dtype in (torch.float32, torch.bfloat16):
        packed = packed_on_reference(networks['binary nano'], real_dtype=real_dtype)
        empty = pack_network(blank_network(packed.config, 1 << 30), real_dtype=real_dtype)
        state = packed.state_dict()
        assert {n: t.dtype for n, t in empty.state_dict().items()} == {
            n: t.dtype for n, t in state.items()}
        empty.load_state_dict(state, strict=True, assign=True)
        use_backend(empty, ReferenceBackend())
        with torch.inference_mode():
            assert_equal(empty.predict(*inputs(packed.config)),
                         packed.predict(*inputs(packed.config)))


def test_rigs_come_and_go_and_move(networks, native_backends):
    network, backend = networks['nano'], native_backends[-1]
    packed = pack_network(network)
    use_backend(packed, backend)
    images, points_m = inputs(network.config)
    moved = points_m + torch.tensor([1.5, -0.5, 0.0])
    frames = [(images, points_m), (images, moved), inputs(network.config, cameras=1, seed=1),
              (images, points_m), (images[:, :1], points_m[:, :1])]
    with torch.inference_mode():
        for frame in frames:
            labels = packed.predict(*frame).voxels.labels
            expected = network(*frame).occupancy_logits.argmax(dim=-1)
            assert agreement(labels, expected, network.config.occupancy.free_label)[0] >= 0.999
        points_m += 2.0  # in place: the table must follow the values, not the tensor
        labels = packed.predict(images, points_m).voxels.labels
        expected = network(images, points_m).occupancy_logits.argmax(dim=-1)
    assert agreement(labels, expected, network.config.occupancy.free_label)[0] >= 0.999


def test_a_batch_is_its_samples(networks, native_backends):
    packed = pack_network(networks['nano'])
    use_backend(packed, native_backends[-1])
    images, points_m = inputs(packed.config, batch=2)
    with torch.inference_mode():
        both = packed.predict(images, points_m, with_confidence=True)
        for index in range(2):
            one = packed.predict(images[index:index + 1], points_m[index:index + 1])
            is_equal = one.voxels.labels[0] == both.voxels.labels[index]
            assert is_equal.double().mean() >= 0.999  # PyTorch's layers may round differently


def test_results_of_a_frame_outlive_the_next_one(networks, native_backends):
    packed = pack_network(networks['nano'])
    use_backend(packed, native_backends[-1])
    with torch.inference_mode():
        first = packed.predict(*inputs(packed.config), with_confidence=True)
        kept = first.voxels.labels.clone(), first.voxels.confidence.clone()
        second = packed.predict(*inputs(packed.config, seed=5), with_confidence=True)
    assert not torch.equal(second.voxels.labels, kept[0])
    assert torch.equal(first.voxels.labels, kept[0])
    assert torch.equal(first.voxels.confidence, kept[1])


def test_frames_leave_nothing_behind_and_nothing_is_copied_between_stages(
        networks, native_backends):
    packed = pack_network(networks['binary nano'])
    use_backend(packed, native_backends[-1])
    given = inputs(packed.config)

    def count():
        gc.collect()
        return sum(issubclass(type(thing), torch.Tensor) for thing in gc.get_objects())
    with torch.inference_mode():
        packed.predict(*given)
        before = count()
        for _ in range(3):
            packed.predict(*given)
    assert count() == before
    copies = [module.num_copies for module in packed.modules()
              if isinstance(module, LoweredModule) and module._compiled]
    assert len(copies) >= 5 and sum(copies) == 0
