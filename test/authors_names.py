# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Names and shapes of the authors' one-frame checkpoints, written down apart from the networks.

Each function yields (name, shape) below a prefix; the order is not that of the files.
"""

from collections.abc import Iterator

Entries = Iterator[tuple[str, tuple[int, ...]]]
STAGES = ((64, 3), (128, 4), (256, 6), (512, 3))
MAPS = {'reg': 2, 'height': 1, 'dim': 3, 'rot': 2, 'vel': 2, 'heatmap': 10}


def norm(prefix: str, channels: int) -> Entries:
    for name in ('weight', 'bias', 'running_mean', 'running_var'):
        yield f'{prefix}.{name}', (channels,)
    yield f'{prefix}.num_batches_tracked', ()


def conv(prefix: str, channels_in: int, channels_out: int, size: int, bias: bool) -> Entries:
    yield f'{prefix}.weight', (channels_out, channels_in, size, size)
    if bias:
        yield f'{prefix}.bias', (channels_out,)


def linear(prefix: str, channels_in: int, channels_out: int) -> Entries:
    yield f'{prefix}.weight', (channels_out, channels_in)
    yield f'{prefix}.bias', (channels_out,)


def rprelu(prefix: str, channels: int) -> Entries:
    yield f'{prefix}.pr_bias0.bias', (1, channels, 1, 1)
    yield f'{prefix}.pr_prelu.weight', (channels,)
    yield f'{prefix}.pr_bias1.bias', (1, channels, 1, 1)


def unit(prefix: str, ci: int, co: int, bn: bool) -> Entries:
    yield f'{prefix}.move0.b', (1, ci, 1, 1)
    yield f'{prefix}.move0.k', (1, ci, 1, 1)
    yield f'{prefix}.binary_activation.beta', (1,)
    body = f'{prefix}.binary_conv_relu'
    yield from conv(f'{body}.0', ci, ci, 3, False)
    yield from rprelu(f'{body}.2', ci)
    yield from conv(f'{body}.3', ci, co, 1, False)
    yield from rprelu(f'{body}.5', co)
    yield from conv(f'{prefix}.se_block.fc.0', co, co, 1, False)
    yield from rprelu(f'{prefix}.se_block.fc.1', co)
    yield from conv(f'{prefix}.se_block.fc.2', co, co, 1, False)
    if bn:
        yield from norm(f'{body}.1', ci)
        yield from norm(f'{body}.4', co)
        yield from norm(f'{prefix}.bn_fp', co)


def pair(prefix: str, channels: int, bn: bool) -> Entries:
    yield from unit(f'{prefix}.biconv_1', channels, channels, bn)
    yield from unit(f'{prefix}.biconv_2', channels, channels, bn)


def resnet() -> Entries:
    yield from conv('img_backbone.conv1', 3, 64, 7, False)
    yield from norm('img_backbone.bn1', 64)
    before = 64
    for stage, (width, depth) in enumerate(STAGES, start=1):
        for block in range(depth):
            prefix = f'img_backbone.layer{stage}.{block}'
            sizes = ((before, width, 1), (width, width, 3), (width, 4 * width, 1))
            for index, (ci, co, size) in enumerate(sizes, start=1):
                yield from conv(f'{prefix}.conv{index}', ci, co, size, False)
                yield from norm(f'{prefix}.bn{index}', co)
            if block == 0:
                yield from conv(f'{prefix}.downsample.0', before, 4 * width, 1, False)
                yield from norm(f'{prefix}.downsample.1', 4 * width)
            before = 4 * width


def neck(binary: bool) -> Entries:
    if binary:
        for level, channels in enumerate((1024, 2048)):
            for index in range(2 + level):
                yield from pair(f'img_neck.lateral_convs.{level}.l_conv_{level}_{index}',
                                channels >> (index + 1), bn=False)
        yield from unit('img_neck.fpn_convs.0', 256, 256, bn=False)
        return
    yield from conv('img_neck.lateral_convs.0.conv', 1024, 256, 1, True)
    yield from conv('img_neck.lateral_convs.1.conv', 2048, 256, 1, True)
    yield from conv('img_neck.fpn_convs.0.conv', 256, 256, 3, True)


def full_bev() -> Entries:
    for stage, (ci, co) in enumerate(((64, 128), (128, 256), (256, 512))):
        for block in range(2):
            prefix = f'img_bev_encoder_backbone.layers.{stage}.{block}'
            yield from conv(f'{prefix}.conv1', ci if block == 0 else co, co, 3, False)
            yield from norm(f'{prefix}.bn1', co)
            yield from conv(f'{prefix}.conv2', co, co, 3, False)
            yield from norm(f'{prefix}.bn2', co)
            if block == 0:
                yield from conv(f'{prefix}.downsample', ci, co, 3, True)
    yield from conv('img_bev_encoder_neck.conv.0', 640, 512, 3, False)
    yield from norm('img_bev_encoder_neck.conv.1', 512)
    yield from conv('img_bev_encoder_neck.conv.3', 512, 512, 3, False)
    yield from norm('img_bev_encoder_neck.conv.4', 512)
    yield from conv('img_bev_encoder_neck.up2.1', 512, 256, 3, False)
    yield from norm('img_bev_encoder_neck.up2.2', 256)
    yield from conv('img_bev_encoder_neck.up2.4', 256, 256, 1, True)


def binary_bev(bn: bool) -> Entries:
    for stage, (ci, co) in enumerate(((64, 128), (128, 256), (256, 512))):
        prefix = f'img_bev_encoder_backbone.layers.{stage}'
        if stage == 0:
            yield from unit(f'{prefix}.0.conv1', ci, co, bn)
            yield from unit(f'{prefix}.0.downsample', ci, co, bn=False)
        else:
            yield from pair(f'{prefix}.0.conv1', ci, bn)
            yield from pair(f'{prefix}.0.downsample', ci, bn=False)
        yield from unit(f'{prefix}.0.conv2', co, co, bn)
        yield from rprelu(f'{prefix}.0.relu', co)
        yield from unit(f'{prefix}.1.conv1', co, co, bn)
        yield from unit(f'{prefix}.1.conv2', co, co, bn)
        yield from rprelu(f'{prefix}.1.relu', co)
    for index in range(2):
        yield from pair(f'img_bev_encoder_neck.up.{index}', 256, bn)
    yield from conv('img_bev_encoder_neck.conv.0', 640, 512, 3, False)
    yield from norm('img_bev_encoder_neck.conv.1', 512)
    yield from unit('img_bev_encoder_neck.conv.3', 512, 512, bn)
    yield from pair('img_bev_encoder_neck.up2.0', 256, bn)
    yield from pair('img_bev_encoder_neck.up2.1', 256, bn)
    yield from unit('img_bev_encoder_neck.up2.2', 256, 256, bn)


def occupancy_head(binary: bool, bn: bool) -> Entries:
    if binary:
        yield from unit('occ_head.final_conv', 256, 256, bn)
    else:
        yield from conv('occ_head.final_conv.conv', 256, 256, 3, True)
    yield from linear('occ_head.predicter.0', 256, 512)
    yield from linear('occ_head.predicter.2', 512, 288)


def box_head(binary: bool) -> Entries:
    if binary:
        for index in range(2):
            yield from pair(f'pts_bbox_head.shared_conv.shared_conv_{index}', 128 >> index, False)
    else:
        yield from conv('pts_bbox_head.shared_conv.conv', 256, 64, 3, False)
        yield from norm('pts_bbox_head.shared_conv.bn', 64)
    for name, channels in MAPS.items():
        prefix = f'pts_bbox_head.task_heads.0.{name}'
        if binary:
            yield from unit(f'{prefix}.0', 64, 64, bn=False)
        else:
            yield from conv(f'{prefix}.0.conv', 64, 64, 3, False)
            yield from norm(f'{prefix}.0.bn', 64)
        yield from conv(f'{prefix}.1', 64, channels, 3, True)


def shapes_of(model: str) -> dict[str, tuple[int, ...]]:
    """Return name to shape of a model's state dict."""
    binary_neck = model in ('bdc_occ_t', 'bdc_det_t')
    binary_bev_part = model not in ('flashocc_r50', 'bevdet_r50')
    bn = model == 'bdc_occ_b'
    depths = 59 if model in ('bevdet_r50', 'bdc_det_t') else 88
    entries = [*resnet(), *neck(binary_neck),
               *conv('img_view_transformer.depth_net', 256, depths + 64, 1, True),
               *(binary_bev(bn) if binary_bev_part else full_bev())]
    if model in ('bevdet_r50', 'bdc_det_t'):
        entries += box_head(binary_bev_part)
    else:
        entries += occupancy_head(binary_bev_part, bn)
    return dict(entries)
