# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Published checkpoints: there and on, and every kind of unsuitable file by its name."""

from argparse import Namespace
import os
from pathlib import Path
import pickle
import sys
import types
import zipfile

from authors_names import binary_bev, neck, shapes_of
import numpy as np
import pytest
import torch

from bdc_occ_ros.errors import InvalidWeightsError
from bdc_occ_ros.network.config import load_network_config
from bdc_occ_ros.weights.authors_checkpoint import (
    account_for,
    read_authors_checkpoint,
    recognise_network,
)

MODELS = ('flashocc_r50', 'bdc_occ_t', 'bdc_occ_b', 'bevdet_r50', 'bdc_det_t')


@pytest.fixture
def small_state():
    return {f'module.{name}': tensor for name, tensor in plain_state(0.0).items()}


def plain_state(first):
    return {'img_backbone.a.weight': first + torch.arange(6.0).reshape(2, 3),
            'occ_head.b': first + torch.arange(7.0)}


def saved(tmp_path, content, **options):
    path = tmp_path / 'epoch_24.pth'
    torch.save(content, path, **options)
    return path


def test_a_wrapper_s_prefix_is_dropped_and_mmcv_s_notes_are_read(tmp_path, small_state):
    path = saved(tmp_path, {'meta': {'epoch': 24, 'iter': 9, 'CLASSES': ('car',)},
                            'state_dict': small_state,
                            'optimizer': {'state': {0: {'step': 3}}, 'param_groups': []}})
    checkpoint = read_authors_checkpoint(path)
    assert_equal(checkpoint.tensors, plain_state(0.0))
    assert (checkpoint.is_ema, checkpoint.epoch) == (False, 24)
    assert checkpoint.entry == 'module.* of state_dict'
    assert len(checkpoint.file_sha256) == 64


def test_a_moving_average_is_told_by_its_count_of_updates(tmp_path, small_state):
    path = saved(tmp_path, {'epoch': 20, 'state_dict': small_state, 'updates': 87890})
    checkpoint = read_authors_checkpoint(path)
    assert (checkpoint.is_ema, checkpoint.epoch) == (True, 20)


def test_a_bare_state_dict_is_read_and_a_name_outside_the_prefix_stays(tmp_path, small_state):
    tensors = small_state | {'c': torch.ones(1)}
    checkpoint = read_authors_checkpoint(saved(tmp_path, tensors))
    assert checkpoint.tensors.keys() == {*plain_state(0.0), 'c'} and checkpoint.epoch is None


def assert_equal(found, expected):
    assert found.keys() == expected.keys()
    assert all(torch.equal(found[name], tensor) for name, tensor in expected.items())


def wrapped(prefix, state):
    return {f'{prefix}{name}': tensor for name, tensor in state.items()}


def buffers(state):
    """Return what mmcv's EMAHook registers beside the parameters."""
    return {f'ema_{name.replace(".", "_")}': tensor for name, tensor in state.items()}


MEAN, TRAINED = plain_state(100.0), plain_state(0.0)
ADAM = {'state': {0: {'step': torch.tensor(3.0)}}, 'param_groups': [{'lr': 0.1}]}
CONTAINERS = {
    'the average alone': ({'state_dict_ema': wrapped('module.', MEAN), 'updates': 9}, True,
                          'module.* of state_dict_ema'),
    'the average beside': ({'state_dict': TRAINED, 'state_dict_ema': MEAN, 'arch': 'x',
                            'args': Namespace(lr=0.1, out=Path('runs'))}, True, 'state_dict_ema'),
    'BEVDet': ({'epoch': 20, 'state_dict': MEAN, 'updates': 87890}, True, 'state_dict'),
    'mmcv': ({'meta': {'epoch': 24}, 'state_dict': {**TRAINED, **buffers(MEAN)}}, True,
             'ema_* buffers of state_dict'),
    'mmcv with DDP': ({'state_dict': wrapped('module.', {**TRAINED, **buffers(MEAN)})}, True,
                      'ema_* buffers of state_dict'),
    'counts beside both': ({'state_dict': TRAINED, 'state_dict_ema': MEAN, 'updates': 9}, True,
                           'state_dict_ema'),
    # mmengine exchanges the two before it saves
    'mmengine': ({'meta': {'epoch': 24}, 'state_dict': MEAN, 'optimizer': ADAM,
                  'ema_state_dict': {'steps': torch.tensor(9), **wrapped('module.', TRAINED)}},
                 True, 'state_dict'),
    'mmengine, the average cut out': (
        {'ema_state_dict': {'steps': torch.tensor(9), **wrapped('module.', MEAN)}}, True,
        'module.* of ema_state_dict'),
    'Lightning': ({'pytorch-lightning_version': '2.5', 'epoch': 3, 'state_dict': wrapped(
        'model.', TRAINED), 'loops': {}, 'callbacks': {}, 'hyper_parameters': {'lr': 0.1}},
        False, 'model.* of state_dict'),
    'plain': ({'model': TRAINED, 'optimizer': ADAM, 'epoch': 3}, False, 'model'),
    'plain with an average': ({'model': TRAINED, 'model_ema': MEAN}, True, 'model_ema'),
    'compiled': ({'model': wrapped('_orig_mod.module.', TRAINED)}, False,
                 '_orig_mod.module.* of model'),
    'AveragedModel': ({'n_averaged': torch.tensor(5), **wrapped('module.', MEAN)}, True,
                      'module.* of the file'),
    'bare': (TRAINED, False, 'the file'),
}


@pytest.mark.parametrize('name', CONTAINERS)
def test_the_containers_that_people_have_are_opened_and_an_average_is_preferred(tmp_path, name):
    content, is_ema, entry = CONTAINERS[name]
    checkpoint = read_authors_checkpoint(saved(tmp_path, content))
    assert (checkpoint.is_ema, checkpoint.entry) == (is_ema, entry)
    assert_equal(checkpoint.tensors, MEAN if is_ema else TRAINED)


def test_averages_that_mmdet_has_exchanged_are_taken(tmp_path):
    mean, trained = ({**state, 'img_backbone.bn.running_mean': torch.full((2,), value)}
                     for state, value in ((MEAN, 1.0), (TRAINED, 2.0)))
    checkpoint = read_authors_checkpoint(saved(tmp_path, {
        'state_dict': {**mean, **buffers(trained)}}))
    assert (checkpoint.is_ema, checkpoint.entry) == (True, 'state_dict')
    assert_equal(checkpoint.tensors, mean)


@pytest.fixture
def history_buffer(monkeypatch):
    """Return a class that pickles as mmengine's of that name does: arrays and own methods."""
    class HistoryBuffer:
        def __init__(self):
            self._log_history = np.arange(3.0)

        def mean(self):
            raise AssertionError

        def __getstate__(self):
            return {**self.__dict__, 'last': np.float64(2), 'statistics_methods': {
                'mean': HistoryBuffer.mean}}

        def __setstate__(self, state):
            raise AssertionError('code of the file was run')

    module = types.ModuleType('mmengine.logging.history_buffer')
    HistoryBuffer.__module__, HistoryBuffer.__qualname__ = module.__name__, 'HistoryBuffer'
    HistoryBuffer.mean.__qualname__ = 'HistoryBuffer.mean'
    HistoryBuffer.mean.__module__ = module.__name__
    module.HistoryBuffer = HistoryBuffer
    for name in ('mmengine', 'mmengine.logging'):
        monkeypatch.setitem(sys.modules, name, types.ModuleType(name))
    monkeypatch.setitem(sys.modules, module.__name__, module)
    return HistoryBuffer


def test_what_mmengine_logs_beside_the_tensors_is_passed_over(tmp_path, history_buffer):
    before = torch.serialization.get_safe_globals()
    path = saved(tmp_path, {'meta': {'epoch': 24}, 'state_dict': TRAINED, 'message_hub': {
        'log_scalars': {'train/loss': history_buffer()}, 'resumed_keys': {}}})
    with pytest.raises(pickle.UnpicklingError, match='HistoryBuffer'):
        torch.load(path, weights_only=True)
    assert_equal(read_authors_checkpoint(path).tensors, TRAINED)
    assert {*torch.serialization.get_safe_globals()} == {*before}  # of no order


class Touch:
    """Pickles as a call that leaves a file behind."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.system, (f'touch {self.path}',)


@pytest.mark.parametrize('place', ['state_dict', 'meta'])
def test_code_is_refused_and_not_run(tmp_path, small_state, place):
    trace = tmp_path / 'was_run'
    content = {'meta': {}, 'state_dict': small_state}
    content[place] = {**content[place], 'evil': Touch(trace)}
    path = saved(tmp_path, content)
    with pytest.raises(InvalidWeightsError, match='could run .*(posix|os|nt).system.*state_dict'):
        read_authors_checkpoint(path)
    assert not trace.exists()
    torch.load(path, weights_only=False)  # the trap was armed
    assert trace.exists()


def test_other_files_are_refused(tmp_path, small_state):
    bare = tmp_path / 'bare.pkl'
    bare.write_bytes(pickle.dumps({'state_dict': {}}))
    old = saved(tmp_path, small_state, _use_new_zipfile_serialization=False)
    for path in (bare, old):
        with pytest.raises(InvalidWeightsError, match='1.6 or later'):
            read_authors_checkpoint(path)
    with pytest.raises(InvalidWeightsError, match='cannot be read'):
        read_authors_checkpoint(tmp_path / 'none.pth')


def test_a_truncated_or_damaged_file_is_refused(tmp_path, small_state):
    path = saved(tmp_path, {'state_dict': small_state})
    data = path.read_bytes()
    for cut in (1, 100, len(data) // 2, len(data) - 10):
        path.write_bytes(data[:cut])
        with pytest.raises(InvalidWeightsError):
            read_authors_checkpoint(path)
    hidden = data.index(b'data.pkl') + len('data.pkl')
    for offset in range(hidden, hidden + 200, 7):  # whatever it hits, nothing else is raised
        path.write_bytes(data[:offset] + bytes([data[offset] ^ 0x55]) + data[offset + 1:])
        try:
            read_authors_checkpoint(path)
        except InvalidWeightsError:
            continue


def test_a_compressed_member_is_refused(tmp_path, small_state):
    path, swollen = saved(tmp_path, {'state_dict': small_state}), tmp_path / 'swollen.pth'
    with zipfile.ZipFile(path) as source, \
            zipfile.ZipFile(swollen, 'w', zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            target.writestr(name, source.read(name) + bytes(10_000))
    with pytest.raises(InvalidWeightsError, match='compressed'):
        read_authors_checkpoint(swollen)


@pytest.mark.parametrize('state, message', [
    ({}, 'the state dict is empty'),
    ({'a': 3}, r"names to tensors; got 'a': int among 1 entries: 'a' \(int\)"),
    ({'a': torch.eye(3).to_sparse()}, 'dense'),
])
def test_what_is_no_state_dict_is_refused(tmp_path, state, message):
    with pytest.raises(InvalidWeightsError, match=message):
        read_authors_checkpoint(saved(tmp_path, {'state_dict': state}))


def test_where_no_state_dict_is_there_the_refusal_says_what_is(tmp_path):
    with pytest.raises(InvalidWeightsError, match=(
            r"no state dict under .* found 2 entries: 'weights' \(dict of 1\), 'n' \(int\)")):
        read_authors_checkpoint(saved(tmp_path, {'weights': {'x': 1}, 'n': 3}))


def test_a_pipe_or_an_endless_device_is_not_waited_for(tmp_path):
    pipe, link = tmp_path / 'pipe.pth', tmp_path / 'link.pth'
    os.mkfifo(pipe)
    link.symlink_to('/dev/zero')
    for path in (pipe, link):
        with pytest.raises(InvalidWeightsError, match='a regular file is needed'):
            read_authors_checkpoint(path)


def test_the_names_written_down_for_the_tests_are_as_many_as_the_authors_files_have():
    counts = {model: len(shapes_of(model)) for model in (
        'flashocc_r50', 'bdc_occ_t', 'bdc_occ_b', 'bevdet_r50', 'bdc_det_t')}
    assert counts == {'flashocc_r50': 430, 'bdc_occ_t': 1004, 'bdc_occ_b': 1209,
                      'bevdet_r50': 478, 'bdc_det_t': 1156}


def zeros(shapes):
    """Return tensors without memory of their own."""
    return {name: torch.zeros((), dtype=torch.int64) if name.endswith('num_batches_tracked')
            else torch.zeros(()).expand(shape) for name, shape in shapes.items()}


@pytest.mark.parametrize('model', MODELS)
def test_published_networks_are_recognised(model):
    assert recognise_network(shapes_of(model)) == load_network_config(model)


def test_batch_norm_follows_the_checkpoint():
    shapes = shapes_of('bdc_occ_t') | dict(binary_bev(bn=True))
    config = recognise_network(shapes)
    assert config.name == 'bdc_occ_t'
    assert config.published.bev_unit.with_bn and config.published.bev_unit.with_identity_bn
    assert not config.published.image_neck_unit.with_bn
    bare = {name: shape for name, shape in shapes_of('bdc_occ_b').items() if '.bn_fp.' not in name}
    assert not recognise_network(bare).published.bev_unit.with_bn


@pytest.mark.parametrize('added, message', [
    ({'pre_process_net.layers.0.0.conv1.weight'}, '4D-stereo'),
    ({'img_view_transformer.depth_net.reduce_conv.0.weight'}, '4D-stereo'),
])
def test_two_frame_networks_are_named(added, message):
    with pytest.raises(InvalidWeightsError, match=message):
        recognise_network(shapes_of('bdc_occ_t') | dict.fromkeys(added, (1,)))


@pytest.mark.parametrize('marker, binarizer', [
    ('binary_3x3.weight', 'BiMatting'), ('binary_conv.weight', 'BiSRNet'),
    ('binary_3x3.binary_conv.weight', 'BBCU')])
def test_units_of_other_binarizers_are_named(marker, binarizer):
    names = [name for name in shapes_of('bdc_occ_t')
             if not name.startswith('img_bev_encoder_backbone.')]
    with pytest.raises(InvalidWeightsError, match=binarizer):
        recognise_network(dict.fromkeys(
            [*names, f'img_bev_encoder_backbone.layers.0.0.conv1.{marker}'], (1,)))


def test_a_network_with_no_head_or_two_is_refused():
    shapes = shapes_of('bdc_occ_t')
    headless = {n: s for n, s in shapes.items() if not n.startswith('occ_head.')}
    with pytest.raises(InvalidWeightsError, match='neither'):
        recognise_network(headless)
    with pytest.raises(InvalidWeightsError, match='both'):
        recognise_network(shapes | {'pts_bbox_head.task_heads.0.reg.1.bias': (2,)})


def test_every_tensor_is_accounted_for():
    tensors = zeros(shapes_of('bdc_det_t'))
    tensors['img_view_transformer.depth_net.bias'] = torch.arange(123.0).half()
    config = load_network_config('bdc_det_t')
    kept = account_for(tensors, config)
    assert kept.keys() == tensors.keys()
    bias = kept['img_view_transformer.depth_net.bias']
    assert bias.dtype is torch.float32 and torch.equal(bias, torch.arange(123.0))


def test_counts_of_batches_are_not_demanded():
    tensors = {name: tensor for name, tensor in zeros(shapes_of('flashocc_r50')).items()
               if not name.endswith('num_batches_tracked')}
    kept = account_for(tensors, load_network_config('flashocc_r50'))
    assert len(tensors) < len(kept) == 430
    assert all(int(kept[name]) == 0 for name in kept.keys() - tensors.keys())


@pytest.mark.parametrize('change, message', [
    (lambda t: t.pop('img_backbone.conv1.weight'), '1 are missing .*1 x img_backbone'),
    (lambda t: t.update({'img_neck.extra': torch.ones(1)}), '1 are unknown .*img_neck.extra'),
    (lambda t: t.update({'img_backbone.bn1.bias': torch.ones(65)}), r'shape \(64,\); got \(65,\)'),
    (lambda t: t.update({'img_backbone.bn1.bias': torch.ones(64, dtype=torch.int64)}), 'float32'),
    (lambda t: t.update({'img_backbone.bn1.bias': torch.full((64,), torch.nan)}), 'not finite'),
    (lambda t: t.update(zeros(dict(neck(binary=True)))), 'unknown .*img_neck'),
])
def test_what_does_not_fit_is_refused(change, message):
    tensors = zeros(shapes_of('flashocc_r50'))
    change(tensors)
    with pytest.raises(InvalidWeightsError, match=message):
        account_for(tensors, load_network_config('flashocc_r50'))
