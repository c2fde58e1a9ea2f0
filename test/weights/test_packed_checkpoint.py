# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Packed files: there and back, what their manifest says, and every kind of damage by its name."""

import copy
from dataclasses import replace
import hashlib
import json
import logging

import pytest
from safetensors.torch import save
import torch

from bdc_occ_ros.binary.engine_module import use_backend
from bdc_occ_ros.binary.layers import Redistribution, RPReLU
from bdc_occ_ros.errors import InvalidWeightsError
from bdc_occ_ros.kernels.reference import ReferenceBackend
from bdc_occ_ros.network.config import load_network_config, OccupancyHeadConfig
from bdc_occ_ros.network.network import OccupancyNetwork
from bdc_occ_ros.network.packed_network import pack_network
from bdc_occ_ros.weights.agreement import compare_networks, made_up_input
from bdc_occ_ros.weights.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from bdc_occ_ros.weights.packed_checkpoint import (
    pack_checkpoint,
    packed_checkpoint_in,
    restore_packed_network,
    save_packed,
)
from bdc_occ_ros.weights.weights_file import (
    HASH_KEY,
    MANIFEST_KEY,
    read_weights_file,
    tensors_sha256,
)

NECK = 'img_bev_encoder_neck'


@pytest.fixture(scope='module')
def network(tiny_model):
    """Return a network that decides nothing by an exact zero."""
    torch.manual_seed(3)
    made = OccupancyNetwork(load_network_config(tiny_model)).eval()
    with torch.no_grad():
        for name, tensor in made.state_dict().items():
            if name.endswith('.b') or 'pr_bias' in name:
                tensor.normal_(0.0, 0.3)
            if name.endswith('running_var'):
                tensor.uniform_(0.5, 2.0)
    return made


@pytest.fixture(scope='module')
def checkpoint(network):
    return pack_checkpoint(network, real_dtype='float32', is_trained=True, source_sha256='ab',
                           provenance={'recipe': 'none'})


@pytest.fixture
def packed(checkpoint, tmp_path):
    path = tmp_path / 'packed.safetensors'
    save_packed(path, checkpoint)
    return path


def load_packed(path):
    return packed_checkpoint_in(read_weights_file(path))


def manifest_of(path):
    data = path.read_bytes()
    length = int.from_bytes(data[:8], 'little')
    return json.loads(json.loads(data[8:8 + length])['__metadata__'][MANIFEST_KEY])


def rewrite(path, tensors, **changes):
    """Write a file whose manifest is right, and its hash as well, but for the changes."""
    text = json.dumps(manifest_of(path) | {'tensors_sha256': tensors_sha256(tensors)} | changes)
    path.write_bytes(save(tensors, {MANIFEST_KEY: text,
                                    HASH_KEY: hashlib.sha256(text.encode()).hexdigest()}))


def contiguous(tensors):
    return {name: tensor.contiguous().clone() for name, tensor in tensors.items()}


def answer(network):
    use_backend(network, ReferenceBackend())
    with torch.inference_mode():
        return network(*made_up_input(network.config, 0))


def test_a_packed_network_comes_back_whole_and_computes_the_same(packed, checkpoint, network):
    loaded = load_packed(packed)
    for name in ('config', 'real_dtype', 'is_trained', 'source_sha256', 'folded', 'zeros',
                 'provenance'):
        assert getattr(loaded, name) == getattr(checkpoint, name), name
    restored = restore_packed_network(loaded)
    assert not restored.training
    assert not any(isinstance(module, Redistribution) for module in restored.modules())
    for name, tensor in checkpoint.tensors.items():
        torch.testing.assert_close(restored.state_dict()[name], tensor, rtol=0, atol=0)
    direct = pack_network(network, real_dtype=torch.float32)
    torch.testing.assert_close(answer(restored), answer(direct), rtol=0, atol=0)


@pytest.mark.parametrize(('real_dtype', 'share'), [('float32', 0.999), ('bfloat16', 0.9)])
def test_a_packed_network_agrees_with_the_network_it_was_made_of(network, tmp_path, real_dtype,
                                                                 share):
    path = tmp_path / 'packed.safetensors'
    save_packed(path, pack_checkpoint(network, real_dtype=real_dtype, is_trained=True,
                                      source_sha256='', provenance={}))
    restored = restore_packed_network(load_packed(path))
    use_backend(restored, ReferenceBackend())
    agreement = compare_networks(network, restored)
    assert min(agreement) >= share, agreement


def test_packing_leaves_the_network_as_it_is(network):
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    pack_checkpoint(network, real_dtype='bfloat16', is_trained=True, source_sha256='',
                    provenance={})
    for name, tensor in network.state_dict().items():
        torch.testing.assert_close(tensor, before[name], rtol=0, atol=0)


def test_the_manifest_says_what_the_file_holds(network, tmp_path):
    changed = copy.deepcopy(network)
    changed.spare = RPReLU(4)  # stays as it is
    with torch.no_grad():
        unit = changed.img_bev_encoder_neck[1][0]
        unit.move0.b[0, :3] = 0.0
        unit.binary_conv_relu[3].weight[:2, 0] = 0.0
    packed = pack_checkpoint(changed, real_dtype='float32', is_trained=False,
                             source_sha256='cd', provenance={'note': 'x'})
    path = tmp_path / 'packed.safetensors'
    save_packed(path, packed)
    manifest = manifest_of(path)
    assert (manifest['format'], manifest['opset']) == ('bdc_occ_ros packed', 2)
    assert manifest['is_trained'] is False and manifest['source_sha256'] == 'cd'
    assert manifest['provenance'] == {'note': 'x'} and manifest['real_dtype'] == 'float32'
    assert manifest['classes']['boxes'] == list(network.config.boxes.class_names)
    assert manifest['grid']['shape'] == [32, 32, 4]
    assert {name: manifest['folded'][name] for name in ('BinaryConv2d', 'Redistribution', 'RPReLU')
            } == {'BinaryConv2d': 12, 'Redistribution': 12, 'RPReLU': 9}
    assert manifest['zeros'][f'{NECK}.1.0.move0.b'] == 3
    assert manifest['zeros'][f'{NECK}.1.0.binary_conv_relu.3.weight'] == 2
    assert len(manifest['zeros']) == 24 and manifest['total_zeros'] == {'b': 3, 'weight': 2}


@pytest.mark.parametrize(('changes', 'expected'), [
    ({'opset': 3}, 'opset 3, but this program reads up to 2; export the weights again'),
    ({'format': 'bdc_occ_ros weights 1'}, "must say format 'bdc_occ_ros packed'"),
    ({'is_trained': 1}, 'manifest must say'),
    ({'classes': {}}, 'classes and grid are not those of the config'),
    ({'grid': {'shape': [1, 1, 1]}}, 'classes and grid are not those of the config'),
    ({'real_dtype': 'float16'}, 'real_dtype is one of'),
    ({'zeros': {'x': 'many'}}, "another type are .'zeros'"),
    ({'total_zeros': {'b': 1, 'weight': 0}}, 'total_zeros are not the sums of zeros'),
    ({'provenance': {'x': 1}}, "another type are .'provenance'"),
    ({'config': {'name': 'x'}}, 'missing keys'),
    ({'extra': 1}, 'manifest must say')])
def test_a_manifest_that_contradicts_itself_is_refused(packed, checkpoint, changes, expected):
    rewrite(packed, contiguous(checkpoint.tensors), **changes)
    with pytest.raises(InvalidWeightsError, match=expected):
        load_packed(packed)


def edit_header(path, old, new):
    """Replace bytes of the header once."""
    data = path.read_bytes()
    length = 8 + int.from_bytes(data[:8], 'little')
    head = data[8:length].replace(old, new, 1)
    path.write_bytes(len(head).to_bytes(8, 'little') + head + data[length:])


def test_whatever_is_changed_in_the_manifest_is_noticed(packed):
    whole = packed.read_bytes()
    for old, new, expected in (
            (b'116.28', b'916.28', 'the manifest has another sha256'),
            (b'"none', b'"some', 'the manifest has another sha256'),  # within the provenance
            (b'manifest_sha256', b'manifest_sha257', 'here they are'),
            (b'"manifest"', b'"__oldfest"', 'metadata are manifest and'),
            (b'"__metadata__":', b'"__metadata__":{},"__metadata__":', 'a key stands twice')):
        packed.write_bytes(whole)
        edit_header(packed, old, new)
        assert packed.read_bytes() != whole
        with pytest.raises(InvalidWeightsError, match=expected):
            load_packed(packed)


def test_a_key_twice_in_the_manifest_is_refused(packed, checkpoint):
    text = json.dumps(manifest_of(packed)).replace('"opset"', '"opset": 1, "opset"', 1)
    packed.write_bytes(save(contiguous(checkpoint.tensors), {
        MANIFEST_KEY: text, HASH_KEY: hashlib.sha256(text.encode()).hexdigest()}))
    with pytest.raises(InvalidWeightsError, match='manifest: not JSON: a key stands twice'):
        load_packed(packed)


def test_a_file_from_before_there_was_a_hash_is_read_with_a_remark(packed, checkpoint, caplog):
    manifest = manifest_of(packed)
    for opset in (1, 2):
        text = json.dumps(manifest | {'opset': opset})
        packed.write_bytes(save(contiguous(checkpoint.tensors), {MANIFEST_KEY: text}))
        if opset == 1:
            with caplog.at_level(logging.WARNING, logger='bdc_occ_ros'):
                assert load_packed(packed).config == checkpoint.config
            assert 'no hash covers its manifest' in caplog.text
    with pytest.raises(InvalidWeightsError, match='opset 2 has a hash .* which is missing'):
        load_packed(packed)


def test_the_two_kinds_of_files_are_not_mistaken_for_each_other(packed, network, tmp_path):
    with pytest.raises(InvalidWeightsError, match=(
            "these weights are packed; training.*latent ones.* with sha256 'ab'$")):
        load_checkpoint(packed)
    weights = tmp_path / 'weights.safetensors'
    save_checkpoint(weights, Checkpoint(network.config, network.state_dict(), {}))
    with pytest.raises(InvalidWeightsError, match="must say format 'bdc_occ_ros packed'"):
        load_packed(weights)


def name_ending(tensors, end):
    return next(name for name in tensors if name.startswith(NECK) and name.endswith(end))


@pytest.mark.parametrize(('end', 'value', 'expected'), [
    ('spatial.weights', 1 << 16, 'spatial.weights: bits beyond channel 16 must be clear'),
    ('point.weights', -(1 << 31), 'point.weights: bits beyond channel 16 must be clear'),
    ('branch.1.weights', 1 << 20, 'branch.1.weights: bits beyond channel 16'),
    ('packed.sign.flip', 1 << 17, 'sign.flip: bits beyond channel 16'),
    ('integer_sign.flip', 1 << 17, 'integer_sign.flip: bits beyond channel 16'),
    ('packed.sign.threshold', float('nan'), 'thresholds are numbers above -inf'),
    ('branch.0.sign.threshold', -float('inf'), 'branch.0.sign: thresholds are numbers'),
    ('integer_sign.high', -(1 << 31), 'low thresholds must not lie above'),
    ('point.scale', float('inf'), 'point.scale: not finite'),
    ('activation.slope', float('nan'), 'activation.slope: not finite')])
def test_values_that_no_folding_gives_are_refused(packed, checkpoint, end, value, expected):
    tensors = contiguous(checkpoint.tensors)
    tensors[name_ending(tensors, end)].view(-1)[0] = value
    rewrite(packed, tensors)
    with pytest.raises(InvalidWeightsError, match=expected):
        restore_packed_network(load_packed(packed))


def test_a_real_layer_that_is_not_finite_is_refused(packed, checkpoint):
    tensors = contiguous(checkpoint.tensors)
    tensors['img_backbone.stem.0.weight'].view(-1)[0] = float('nan')
    rewrite(packed, tensors)
    with pytest.raises(InvalidWeightsError, match='not finite.*img_backbone.stem.0.weight'):
        restore_packed_network(load_packed(packed))


def test_an_infinite_threshold_is_one_that_is_never_reached(packed, checkpoint):
    tensors = contiguous(checkpoint.tensors)
    tensors[name_ending(tensors, 'packed.sign.threshold')].view(-1)[0] = float('inf')
    rewrite(packed, tensors)
    restore_packed_network(load_packed(packed))


def test_names_shapes_and_dtypes_must_be_exact(packed, checkpoint):
    name = name_ending(checkpoint.tensors, 'spatial.weights')
    whole = contiguous(checkpoint.tensors)
    lacking = {n: t for n, t in whole.items() if n != name}
    for tensors, expected in (
            (lacking, f'1 tensors are missing .*{name}'),
            (whole | {'stranger': torch.zeros(1)}, '1 are unknown .*stranger'),
            (whole | {name: whole[name].flatten()}, f'{name}: tiny needs the shape'),
            (whole | {name: whole[name].long()}, f'{name}: torch.int32 is needed; got torch.i')):
        rewrite(packed, tensors)
        with pytest.raises(InvalidWeightsError, match=expected):
            restore_packed_network(load_packed(packed))


def test_a_file_for_another_type_of_real_layers_is_refused(packed, checkpoint):
    rewrite(packed, contiguous(checkpoint.tensors), real_dtype='bfloat16')
    with pytest.raises(InvalidWeightsError, match='torch.bfloat16 is needed; got torch.float32'):
        restore_packed_network(load_packed(packed))


def test_networks_without_bits_or_without_an_identity_are_refused(packed, checkpoint, network):
    config = network.config
    real = replace(config, nano=replace(config.nano, bev_unit=config.nano.image_unit))
    with pytest.raises(InvalidWeightsError, match='tiny has no binary unit, nothing to pack'):
        pack_checkpoint(OccupancyNetwork(real), real_dtype='float32', is_trained=False,
                        source_sha256='', provenance={})
    manifest = manifest_of(packed)
    manifest['config']['nano']['image_channels'] = [8, 9, 32]
    rewrite(packed, contiguous(checkpoint.tensors), config=manifest['config'])
    with pytest.raises(InvalidWeightsError, match='no such network can be built'):
        restore_packed_network(load_packed(packed))


def test_a_network_without_occupancy_has_no_grid(network, tmp_path):
    path = tmp_path / 'packed.safetensors'
    for heads in ({'occupancy': None}, {'boxes': None, 'occupancy': OccupancyHeadConfig(4)}):
        config = replace(network.config, **heads)
        save_packed(path, pack_checkpoint(
            OccupancyNetwork(config), real_dtype='float32', is_trained=False, source_sha256='',
            provenance={}))
        assert restore_packed_network(load_packed(path)).config == config
        assert list(manifest_of(path)['classes']) == [n for n in ('occupancy', 'boxes')
                                                      if getattr(config, n)]
