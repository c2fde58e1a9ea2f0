# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Weights files: there and back, and every kind of damage by its name."""

from dataclasses import replace
import hashlib
import json
import pickle
import zipfile

import pytest
from safetensors.torch import save
import torch

from bdc_occ_ros.errors import InvalidConfigError, InvalidWeightsError
from bdc_occ_ros.network.config import load_network_config
from bdc_occ_ros.network.network import OccupancyNetwork
from bdc_occ_ros.weights.checkpoint import (
    Checkpoint,
    load_checkpoint,
    restore_network,
    save_checkpoint,
)
from bdc_occ_ros.weights.weights_file import (
    HASH_KEY,
    MANIFEST_KEY,
    MAX_HEADER_BYTES,
    tensors_sha256,
)


@pytest.fixture(scope='module')
def network(tiny_model):
    torch.manual_seed(3)
    return OccupancyNetwork(load_network_config(tiny_model))


@pytest.fixture
def checkpoint(network):
    tensors = {name: tensor.clone(memory_format=torch.contiguous_format)
               for name, tensor in network.state_dict().items()}
    return Checkpoint(network.config, tensors, {'commit': 'abc', 'recipe': 'none'})


@pytest.fixture
def weights(checkpoint, tmp_path):
    path = tmp_path / 'tiny.safetensors'
    save_checkpoint(path, checkpoint)
    return path


def parts_of(path):
    """Return the header as a mapping and the bytes behind it."""
    data = path.read_bytes()
    length = int.from_bytes(data[:8], 'little')
    return json.loads(data[8:8 + length]), data[8 + length:]


def write_parts(path, header, body):
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, 'little') + text + body)


def write_with_manifest(path, tensors, **changes):
    """Write a file whose manifest is right but for the changes."""
    header, _ = parts_of(path)
    manifest = json.loads(header['__metadata__'][MANIFEST_KEY])
    text = json.dumps(manifest | {'tensors_sha256': tensors_sha256(tensors)} | changes)
    path.write_bytes(save(tensors, {MANIFEST_KEY: text,
                                    HASH_KEY: hashlib.sha256(text.encode()).hexdigest()}))


def test_weights_come_back_with_their_config_and_provenance(weights, checkpoint, network):
    loaded = load_checkpoint(weights)
    assert loaded.config == checkpoint.config and loaded.provenance == checkpoint.provenance
    restored = restore_network(loaded)
    assert not restored.training
    for name, tensor in network.state_dict().items():
        torch.testing.assert_close(restored.state_dict()[name], tensor, rtol=0, atol=0)
    assert [path.name for path in weights.parent.iterdir()] == ['tiny.safetensors']


def test_half_precision_weights_are_accepted_and_widened(weights, checkpoint):
    halves = {name: tensor.bfloat16() if tensor.is_floating_point() else tensor
              for name, tensor in checkpoint.tensors.items()}
    save_checkpoint(weights, Checkpoint(checkpoint.config, halves, {}))
    for name, tensor in restore_network(load_checkpoint(weights)).state_dict().items():
        torch.testing.assert_close(tensor, halves[name].to(tensor.dtype), rtol=0, atol=0)


@pytest.mark.parametrize('kept', [0, 5, 8, 100, 2000, -1])
def test_a_truncated_file_is_refused(weights, kept):
    weights.write_bytes(weights.read_bytes()[:kept])
    with pytest.raises(InvalidWeightsError, match='truncated'):
        load_checkpoint(weights)


def test_a_header_that_claims_to_be_huge_is_refused(weights):
    weights.write_bytes((MAX_HEADER_BYTES + 1).to_bytes(8, 'little') + b' ' * (2 << 20))
    with pytest.raises(InvalidWeightsError, match=f'at most {MAX_HEADER_BYTES}'):
        load_checkpoint(weights)
    weights.write_bytes(b'\xff' * 64)
    with pytest.raises(InvalidWeightsError, match='not a whole safetensors file'):
        load_checkpoint(weights)


@pytest.mark.parametrize('text', [b'not json', b'[' * 100_000, b'[1]', b'{"a": 1}', b'\xff\xfe'])
def test_a_header_that_is_no_header_is_refused(weights, text):
    weights.write_bytes(len(text).to_bytes(8, 'little') + text)
    with pytest.raises(InvalidWeightsError, match='header'):
        load_checkpoint(weights)


def test_one_flipped_bit_is_noticed(weights):
    data = bytearray(weights.read_bytes())
    data[-3] ^= 1
    weights.write_bytes(data)
    with pytest.raises(InvalidWeightsError, match='sha256'):
        load_checkpoint(weights)


def test_swapped_names_are_noticed(weights):
    header, body = parts_of(weights)
    names = [n for n in header if n.endswith('bn.weight') or n.endswith('bn.bias')][:2]
    header[names[0]], header[names[1]] = header[names[1]], header[names[0]]
    write_parts(weights, header, body)
    with pytest.raises(InvalidWeightsError, match='sha256'):
        load_checkpoint(weights)


def test_offsets_outside_the_file_are_refused(weights):
    header, body = parts_of(weights)
    name = next(n for n in header if n != '__metadata__')
    header[name]['data_offsets'] = [len(body), len(body) + 64]
    write_parts(weights, header, body)
    with pytest.raises(InvalidWeightsError, match='damaged'):
        load_checkpoint(weights)


def test_unknown_dtypes_are_refused(weights):
    weights.write_bytes(save({'a': torch.ones(3).to(torch.float8_e4m3fn)}))
    with pytest.raises(InvalidWeightsError, match='F8_E4M3'):
        load_checkpoint(weights)


def test_a_dtype_of_another_size_is_refused(weights):
    header, body = parts_of(weights)
    next(e for n, e in header.items() if n != '__metadata__')['dtype'] = 'BF16'
    write_parts(weights, header, body)
    with pytest.raises(InvalidWeightsError, match='damaged'):
        load_checkpoint(weights)


@pytest.mark.parametrize('value', [float('nan'), float('inf')])
def test_numbers_that_are_not_finite_are_refused_both_ways(weights, checkpoint, value):
    tensors = dict(checkpoint.tensors)
    name = next(n for n, t in tensors.items() if t.is_floating_point())
    tensors[name] = tensors[name].clone()
    tensors[name].view(-1)[0] = value
    with pytest.raises(InvalidWeightsError, match='not finite'):
        save_checkpoint(weights, Checkpoint(checkpoint.config, tensors, {}))
    write_with_manifest(weights, tensors)
    with pytest.raises(InvalidWeightsError, match=f'not finite.*{name}'):
        load_checkpoint(weights)


def test_missing_and_unknown_tensors_are_named(weights, checkpoint):
    tensors = dict(checkpoint.tensors)
    gone = next(iter(tensors))
    tensors['stranger'] = tensors.pop(gone)
    write_with_manifest(weights, tensors)
    expected = rf'1 tensors are missing .*{gone}.*1 are unknown .*stranger'
    with pytest.raises(InvalidWeightsError, match=expected):
        restore_network(load_checkpoint(weights))


def test_wrong_shapes_and_kinds_are_named(weights, checkpoint):
    name = next(n for n, t in checkpoint.tensors.items() if t.dim() == 4)
    wider = dict(checkpoint.tensors) | {name: torch.zeros(2, 2, 2, 2)}
    whole = dict(checkpoint.tensors)
    whole[name] = torch.zeros(whole[name].shape, dtype=torch.int64)
    for tensors, expected in ((wider, r'got \(2, 2, 2, 2\)'), (whole, 'torch.int64')):
        write_with_manifest(weights, tensors)
        with pytest.raises(InvalidWeightsError, match=expected) as caught:
            restore_network(load_checkpoint(weights))
        assert name in str(caught.value)


def test_weights_of_another_config_are_refused(weights, checkpoint):
    manifest = json.loads(parts_of(weights)[0]['__metadata__'][MANIFEST_KEY])
    manifest['config']['nano']['voxel_channels'] *= 2
    write_with_manifest(weights, checkpoint.tensors, config=manifest['config'])
    with pytest.raises(InvalidWeightsError, match='occ_head.*needs the shape'):
        restore_network(load_checkpoint(weights))


@pytest.mark.parametrize(('changes', 'expected'), [
    ({'format': 'bdc_occ_ros weights 9'}, 'format'),
    ({'config': {'name': 'x'}}, 'missing keys'),
    ({'provenance': 'me'}, 'manifest must say'),
    ({'provenance': {'samples_seen': 5}}, "another type are .'provenance'"),
    ({'extra': 1}, 'manifest must say'),
])
def test_a_manifest_that_does_not_fit_is_refused(weights, checkpoint, changes, expected):
    write_with_manifest(weights, checkpoint.tensors, **changes)
    with pytest.raises(InvalidWeightsError, match=expected):
        load_checkpoint(weights)


@pytest.mark.parametrize(('part', 'key', 'value'), [
    ('nano', 'image_channels', [8, 9, 32]),
    ('bev', 'x_range_m', [-16.0, 15.0])])  # 31 columns, which the first stride does not divide
def test_a_network_that_cannot_be_built_is_refused(weights, checkpoint, part, key, value):
    manifest = json.loads(parts_of(weights)[0]['__metadata__'][MANIFEST_KEY])
    manifest['config'][part][key] = value
    write_with_manifest(weights, checkpoint.tensors, config=manifest['config'])
    with pytest.raises(InvalidWeightsError, match='no such network|goes in steps of'):
        restore_network(load_checkpoint(weights))


@pytest.mark.parametrize(('place', 'value', 'expected'), [
    (('feature_channels',), 10 ** 9, 'feature_channels must be from 1 to 4096'),
    (('nano', 'image_channels'), [8, 16, 10 ** 9], 'nano.image_channels must'),
    (('nano', 'bev_units'), [1, 10 ** 9], 'nano.bev_units must'),
    (('nano', 'bev_unit', 'num_branch_layers'), 10 ** 9, 'num_branch_layers must'),
    (('image', 'height_px'), 2 ** 40, 'image.height_px must'),
    (('image', 'width_px'), 104, 'image.width_px goes in steps of 16: 96 or 112'),
    (('feature_stride',), 0, 'feature_stride must'),
    (('occupancy', 'num_heights'), 0, 'occupancy.num_heights must'),
    (('occupancy', 'class_names'), ['x'] * 257, '1 to 256 classes'),
    (('occupancy', 'class_counts'), [10 ** 400] * 18, 'class_counts.* finite'),
    (('bev', 'cell_size_m'), [1e-9, 1e-9], 'at most 4096 rows'),
    (('bev', 'cell_size_m'), [1e9, 1.0], 'at least one'),
    (('bev', 'x_range_m'), [-1e308, 1e308], 'at most 4096 rows'),
    (('depth', 'step_m'), 0.0, 'positive step_m'),
    (('depth', 'step_m'), 1e-9, 'at most 1024 bins'),
    (('depth',), {'start_m': 1.0, 'stop_m': 3.0, 'step_m': 2.0, 'spacing': 'sid'}, 'two bins')])
def test_sizes_beyond_all_reason_are_refused(weights, checkpoint, place, value, expected):
    manifest = json.loads(parts_of(weights)[0]['__metadata__'][MANIFEST_KEY])
    part = manifest['config']
    for key in place[:-1]:
        part = part[key]
    part[place[-1]] = value
    write_with_manifest(weights, checkpoint.tensors, config=manifest['config'])
    with pytest.raises(InvalidWeightsError, match=expected):
        load_checkpoint(weights)


def test_sizes_that_are_only_too_large_together_are_refused(network):
    config = network.config
    with pytest.raises(InvalidConfigError, match='and 67108864 voxels'):
        replace(config, bev=replace(config.bev, cell_size_m=(0.01, 0.01)),
                occupancy=replace(config.occupancy, num_heights=8))
    with pytest.raises(InvalidConfigError, match='a camera may have 16777216 ray points'):
        replace(config, image=replace(config.image, height_px=2048, width_px=2048),
                depth=replace(config.depth, step_m=16 / 1000))


@pytest.mark.parametrize('metadata', [{}, {MANIFEST_KEY: '{'}, {MANIFEST_KEY: '[' * 50_000}])
def test_weights_of_other_programs_are_refused(weights, checkpoint, metadata):
    weights.write_bytes(save(dict(checkpoint.tensors), metadata))
    with pytest.raises(InvalidWeightsError, match='manifest'):
        load_checkpoint(weights)


def test_metadata_of_nothing_are_refused(weights):
    header, body = parts_of(weights)
    write_parts(weights, {**header, '__metadata__': None}, body)
    with pytest.raises(InvalidWeightsError, match=r'here they are \[\]'):
        load_checkpoint(weights)


class Bomb:
    def __reduce__(self):
        return (open, ('bomb_went_off', 'w'))


def test_a_pickle_is_refused_by_name_and_never_opened(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    plain, zipped = tmp_path / 'weights.pth', tmp_path / 'weights.pt'
    plain.write_bytes(pickle.dumps(Bomb()))
    with zipfile.ZipFile(zipped, 'w') as archive:
        archive.writestr('archive/data.pkl', pickle.dumps(Bomb()))
    for path in (plain, zipped):
        with pytest.raises(InvalidWeightsError, match='pickle.*convert it with safetensors'):
            load_checkpoint(path)
    assert not (tmp_path / 'bomb_went_off').exists()


def test_missing_files_and_other_suffixes_are_refused(tmp_path, checkpoint):
    with pytest.raises(InvalidWeightsError, match='cannot be read: No such file'):
        load_checkpoint(tmp_path / 'nothing.safetensors')
    with pytest.raises(InvalidWeightsError, match='written as .safetensors'):
        save_checkpoint(tmp_path / 'weights.pth', checkpoint)
    with pytest.raises(InvalidWeightsError, match='Is a directory'):
        load_checkpoint(tmp_path)
    with pytest.raises(InvalidWeightsError, match='cannot be written: No such file'):
        save_checkpoint(tmp_path / 'nowhere' / 'weights.safetensors', checkpoint)
