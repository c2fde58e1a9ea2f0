# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Which network a state dict belongs to, by its names; and that no tensor is left over."""

from authors_names import binary_bev, neck, shapes_of
import pytest
import torch

from bdc_occ_ros.errors import InvalidWeightsError
from bdc_occ_ros.network.config import load_network_config
from bdc_occ_ros.weights.authors_networks import account_for, recognise_network

MODELS = ('flashocc_r50', 'bdc_occ_t', 'bdc_occ_b', 'bevdet_r50', 'bdc_det_t')


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
