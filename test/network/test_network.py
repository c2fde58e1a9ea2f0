# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The networks as a whole: entries of their checkpoints, heads, axes, starting point."""

from dataclasses import replace

import pytest
import torch

from bdc_occ_ros.binary.layers import BinaryConv2d
from bdc_occ_ros.network.bev_to_boxes import HEATMAP_PRIOR_LOGIT
from bdc_occ_ros.network.bev_to_occupancy import build_occupancy_head
from bdc_occ_ros.network.config import load_network_config
from bdc_occ_ros.network.network import OccupancyNetwork

ENTRIES = {'flashocc_r50': 430, 'bdc_occ_t': 1004, 'bdc_occ_b': 1209, 'bevdet_r50': 478,
           'bdc_det_t': 1156}
UNIT = 'move0.k'
KEYS = {
    'flashocc_r50': ('img_neck.lateral_convs.1.conv.bias', 'img_neck.fpn_convs.0.conv.weight',
                     'img_bev_encoder_backbone.layers.2.0.downsample.bias',
                     'img_bev_encoder_neck.up2.4.bias', 'occ_head.final_conv.conv.bias'),
    'bdc_occ_t': (f'img_neck.lateral_convs.1.l_conv_1_2.biconv_2.{UNIT}',
                  f'img_neck.fpn_convs.0.{UNIT}',
                  'img_view_transformer.depth_net.bias',
                  f'img_bev_encoder_backbone.layers.0.0.downsample.{UNIT}',
                  f'img_bev_encoder_backbone.layers.1.0.conv1.biconv_1.{UNIT}',
                  f'img_bev_encoder_backbone.layers.2.0.downsample.biconv_2.{UNIT}',
                  'img_bev_encoder_backbone.layers.2.1.relu.pr_bias1.bias',
                  f'img_bev_encoder_neck.up.1.biconv_2.{UNIT}',
                  'img_bev_encoder_neck.conv.1.running_var', f'img_bev_encoder_neck.conv.3.{UNIT}',
                  f'img_bev_encoder_neck.up2.1.biconv_1.{UNIT}',
                  f'img_bev_encoder_neck.up2.2.{UNIT}', f'occ_head.final_conv.{UNIT}',
                  'occ_head.predicter.2.bias'),
    'bdc_occ_b': ('img_bev_encoder_neck.up.0.biconv_1.bn_fp.weight',),
    'bevdet_r50': ('pts_bbox_head.shared_conv.bn.weight',
                   'pts_bbox_head.task_heads.0.heatmap.0.conv.weight',
                   'pts_bbox_head.task_heads.0.reg.1.bias'),
    'bdc_det_t': (f'pts_bbox_head.shared_conv.shared_conv_1.biconv_2.{UNIT}',
                  f'pts_bbox_head.task_heads.0.vel.0.{UNIT}'),
}


@pytest.mark.parametrize('name', ENTRIES)
def test_entries_of_the_checkpoints(name):
    with torch.device('meta'):
        state = OccupancyNetwork(load_network_config(name)).state_dict()
    assert len(state) == ENTRIES[name]
    assert [key for key in KEYS[name] if key not in state] == []


def meta_pass(config, cameras=6):
    with torch.device('meta'):
        return OccupancyNetwork(config).eval()(
            torch.empty(1, cameras, 3, config.image.height_px, config.image.width_px),
            torch.empty(1, cameras, config.depth.num_bins, *config.feature_shape, 3))


def test_either_head_is_optional():
    nano = load_network_config('bdc_occ_nano')
    both = meta_pass(nano)
    assert both.occupancy_logits.shape == (1, 200, 200, 16, 18)
    assert {name: tuple(t.shape[1:]) for name, t in both.box_maps._asdict().items()} == {
        'heatmap': (10, 100, 100), 'reg': (2, 100, 100), 'height': (1, 100, 100),
        'dim': (3, 100, 100), 'rot': (2, 100, 100), 'vel': (2, 100, 100)}
    assert meta_pass(replace(nano, boxes=None)).box_maps is None
    assert meta_pass(replace(nano, occupancy=None)).occupancy_logits is None
    assert meta_pass(load_network_config('bevdet_r50'), 3).box_maps.heatmap.shape == (
        1, 10, 128, 128)


@pytest.mark.parametrize('model', ['bdc_occ_nano', 'flashocc_r50'])
def test_one_lit_cell_comes_out_with_x_first_and_channels_height_major(model):
    """Row 10 and column 150 must become x 150 and y 10; channel z * 18 + class."""
    config = load_network_config(model)
    torch.manual_seed(0)
    head = build_occupancy_head(config).eval()
    scale = 2 if config.nano else 1
    bev = torch.zeros(1, config.feature_channels, 200 // scale, 200 // scale)
    bev[0, :, 10 // scale, 150 // scale] = 50.0
    last = head.predicter if config.nano else head.predicter[-1]
    with torch.inference_mode():
        changed = (head(bev) - head(torch.zeros_like(bev)))[0].abs().sum(dim=(2, 3))
        last.weight.zero_()
        last.bias.copy_(torch.arange(288.0))
        logits = head(bev)
    # one cell of the nano BEV is two by two here; the published head spreads by a 3x3
    lowest, highest = ((150, 10), (151, 11)) if config.nano else ((149, 9), (151, 11))
    cells = changed.nonzero()
    assert tuple(cells.amin(dim=0).tolist()) == lowest
    assert tuple(cells.amax(dim=0).tolist()) == highest
    assert logits.shape == (1, 200, 200, 16, 18)
    assert logits[0, 3, 4, 5, 6].item() == 5 * 18 + 6


def test_nano_really_runs_and_starts_nearly_empty_and_strictly_binary():
    config = load_network_config('bdc_occ_nano')
    torch.manual_seed(0)
    network = OccupancyNetwork(config).eval()
    inputs = []
    for module in network.modules():
        if isinstance(module, BinaryConv2d):
            module.register_forward_hook(
                lambda m, args, _: inputs.append(bool((args[0].abs() == 1).all())))
    points_m = 80 * torch.rand(1, 2, 44, 16, 44, 3) - 40
    with torch.inference_mode():
        output = network(torch.randn(1, 2, 3, 128, 352), points_m)
    assert len(inputs) == 4 * (1 + 3 + 1)
    assert all(inputs)
    labels = output.occupancy_logits.argmax(dim=-1)
    assert (labels != config.occupancy.free_label).float().mean() < 0.05
    assert output.occupancy_logits.isfinite().all()
    assert output.box_maps.heatmap.mean().item() == pytest.approx(HEATMAP_PRIOR_LOGIT, abs=0.7)


def test_gradients_reach_the_first_layer_of_a_small_network(tiny_model):
    config = load_network_config(tiny_model)
    torch.manual_seed(0)
    network = OccupancyNetwork(config)
    points_m = 30 * torch.rand(2, 2, 16, 4, 12, 3) - torch.tensor([15.0, 15.0, 1.0])
    output = network(torch.randn(2, 2, 3, 32, 96), points_m)
    (output.occupancy_logits.logsumexp(-1).mean()
     + sum(m.square().mean() for m in output.box_maps)).backward()
    without = [name for name, p in network.named_parameters()
               if p.grad is None or not p.grad.isfinite().all()]
    assert without == []
    assert network.img_backbone.stem[0].weight.grad.any()


def test_depths_come_along_when_they_are_asked_for(tiny_model):
    network = OccupancyNetwork(load_network_config(tiny_model)).eval()
    inputs = torch.zeros(1, 2, 3, 32, 96), torch.zeros(1, 2, 16, 4, 12, 3)
    with torch.no_grad():
        assert network(*inputs).depth_probability is None
        depths = network(*inputs, with_depth=True).depth_probability
    assert depths.shape == (1, 2, 16, 4, 12)
    torch.testing.assert_close(depths.sum(dim=2), torch.ones(1, 2, 4, 12))
