# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Import checkpoints in the format of mmcv, as the authors of BDC-Occ and of its bases publish them.

Such a file is a zip archive with a pickle inside. It is opened by PyTorch's restricted reader,
which knows tensors and plain containers only and runs nothing; sizes are compared with the
archive's before any memory is taken. The network is told from the names of the tensors, and every
tensor is accounted for.
"""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
import hashlib
from pathlib import Path
import pickle
import struct
from typing import Any
import zipfile

import torch
from torch import Tensor

from bdc_occ_ros.binary.config import UnitConfig
from bdc_occ_ros.errors import InvalidWeightsError
from bdc_occ_ros.network.config import load_network_config, NetworkConfig
from bdc_occ_ros.network.network import validate_architecture
from bdc_occ_ros.weights.weights_file import require_finite, require_same_tensors

PREFIX = 'module.'  # of a network that was saved from inside its parallel wrapper
# What PyTorch's reader lets through when a byte within the pickle is wrong.
DAMAGE = (ArithmeticError, AssertionError, AttributeError, EOFError, LookupError, MemoryError,
          RuntimeError, TypeError, ValueError, struct.error)
BINARY_NECK = 'img_neck.lateral_convs.0.l_conv_0_0.'
BACKBONE = 'img_bev_encoder_backbone.'
FIRST_UNIT = f'{BACKBONE}layers.0.0.conv1.'
# Networks with other units than BDC's, by a name within their first unit.
OTHER_UNITS = {'binary_3x3.weight': 'BiMatting', 'binary_conv.weight': 'BiSRNet or ReActNet',
               'binary_3x3.binary_conv.weight': 'BBCU'}


@dataclass(frozen=True, eq=False)
class AuthorsCheckpoint:
    """
    Hold the tensors of a published checkpoint.

    :param tensors: Latent weights and statistics by name, without the wrapper's prefix.
    :param is_ema: Whether they are an exponential moving average over the training.
    :param epoch: Epochs trained, or None if the file does not say.
    """

    tensors: Mapping[str, Tensor]
    is_ema: bool
    epoch: int | None
    file_sha256: str


def read_authors_checkpoint(path: str | Path) -> AuthorsCheckpoint:
    """
    Read a checkpoint of the mmcv family, EMA or not, or a bare state dict.

    :raises InvalidWeightsError: if the file is missing, damaged, holds anything but tensors and
        plain values, or has no state dict.
    """
    path = Path(path)
    _require_plain_archive(path)
    try:
        content = torch.load(path, map_location='cpu', weights_only=True)
    except pickle.UnpicklingError as error:
        raise InvalidWeightsError(
            f'{path}: refused, since it holds more than tensors and plain values, and opening '
            f'that could run a program: {_first_sentence(error)} Where you trust its source, save '
            "its 'state_dict' alone with torch.save, and import that file") from error
    except DAMAGE as error:
        raise InvalidWeightsError(
            f'{path}: damaged, fetch it again: {_first_sentence(error)}') from error
    if not isinstance(content, Mapping):
        raise InvalidWeightsError(
            f'{path}: a checkpoint is a mapping; got {type(content).__name__}')
    tensors = _state_dict(content, path)
    meta = content.get('meta', {})  # what mmcv notes beside the tensors, if anything
    epoch = content.get('epoch', meta.get('epoch') if isinstance(meta, Mapping) else None)
    return AuthorsCheckpoint(
        tensors, is_ema='state_dict' in content and 'updates' in content,
        epoch=epoch if type(epoch) is int else None,
        file_sha256=hashlib.sha256(path.read_bytes()).hexdigest())


def recognise_network(tensors: Mapping[str, Tensor]) -> NetworkConfig:
    """
    Tell the network from the names in its state dict.

    :return: The config of FlashOcc, BDC-T, BDC-B, BEVDet or BDC-T for boxes, with batch
        normalization in the units where the checkpoint has it.
    :raises InvalidWeightsError: if it is none of these; a two-frame (4D-stereo) network and
        networks of other binarizers are named.
    """
    _refuse_two_frames(tensors)
    is_binary = f'{FIRST_UNIT}move0.k' in tensors
    if not is_binary:
        _refuse_other_units(tensors)
    has_occupancy = _has(tensors, 'occ_head.')
    if has_occupancy == _has(tensors, 'pts_bbox_head.'):
        raise InvalidWeightsError(
            'a published network has either occ_head or pts_bbox_head; this state dict has '
            f'{"both" if has_occupancy else "neither"}, its names begin with '
            f'{sorted({name.partition(".")[0] for name in tensors})[:6]}')
    if not is_binary:
        return load_network_config('flashocc_r50' if has_occupancy else 'bevdet_r50')
    name = 'bdc_occ_t' if _has(tensors, BINARY_NECK) else 'bdc_occ_b'
    return _with_norms(load_network_config(name if has_occupancy else 'bdc_det_t'), tensors)


def account_for(tensors: Mapping[str, Tensor], config: NetworkConfig) -> dict[str, Tensor]:
    """
    Match every tensor with one of the network; none may be left over on either side.

    :return: The tensors, floating ones as float32, in the order of the network.
    :raises InvalidWeightsError: if a name, a shape or a kind differs, or a number is not finite.
    """
    expected = validate_architecture(config).state_dict()
    missing = [name for name in expected if name not in tensors]
    unknown = [name for name in tensors if name not in expected]
    if missing or unknown:
        raise InvalidWeightsError(
            f'{config.name} has {len(expected)} tensors, the checkpoint {len(tensors)}; '
            f'{len(missing)} are missing {_grouped(missing)}, {len(unknown)} are unknown '
            f'{_grouped(unknown)}')
    require_same_tensors(tensors, expected, config.name)
    require_finite(tensors, Path(config.name))
    return {name: tensors[name].to(wanted.dtype).contiguous()
            for name, wanted in expected.items()}


def _require_plain_archive(path: Path) -> None:
    """Refuse what is not an uncompressed zip archive: its members cannot outgrow the file."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
    except OSError as error:
        raise InvalidWeightsError(f'{path}: cannot be read: {error.strerror}') from error
    except (zipfile.BadZipFile, NotImplementedError, ValueError) as error:
        raise InvalidWeightsError(
            f'{path}: not a checkpoint of PyTorch 1.6 or later: {error}. Older ones, and those in '
            'pieces, have to be saved again by torch.save') from error
    swollen = [m.filename for m in members if m.compress_type != zipfile.ZIP_STORED]
    if swollen or sum(member.file_size for member in members) > path.stat().st_size:
        raise InvalidWeightsError(
            f'{path}: torch.save stores its members as they are, but here some are compressed or '
            f'larger than the file {swollen[:3]}; fetch it again')


def _state_dict(content: Mapping[Any, Any], path: Path) -> dict[str, Tensor]:
    """Return the tensors by name once each is a dense one."""
    state = content.get('state_dict', content)
    if not isinstance(state, Mapping) or not state:
        raise InvalidWeightsError(f"{path}: there is no 'state_dict' of tensors")
    for name, tensor in state.items():
        if not isinstance(name, str) or not isinstance(tensor, Tensor):
            raise InvalidWeightsError(f'{path}: a state dict maps names to tensors; got {name!r}: '
                                      f'{type(tensor).__name__}')
        if tensor.layout is not torch.strided or tensor.is_quantized:
            raise InvalidWeightsError(f'{path}: {name}: a dense tensor is needed; got '
                                      f'{tensor.layout}, {tensor.dtype}')
    prefix = PREFIX if all(name.startswith(PREFIX) for name in state) else ''
    return {name.removeprefix(prefix): tensor for name, tensor in state.items()}


def _first_sentence(error: Exception) -> str:
    """Return the part of PyTorch's message that names the reason, not its advice."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    reason = next((line for line in lines if 'GLOBAL' in line or 'Unsupported' in line), None)
    text = reason or (lines[0] if lines else type(error).__name__)
    return text.partition('. ')[0][:200].rstrip('.') + '.'


def _has(names: Collection[str], prefix: str) -> bool:
    return any(name.startswith(prefix) for name in names)


def _refuse_two_frames(names: Collection[str]) -> None:
    """Refuse networks that also take the frame before."""
    prefixes = ('pre_process_net.', 'img_view_transformer.cost_volumn_net.',
                'img_view_transformer.depth_net.reduce_conv.')
    found = [prefix for prefix in prefixes if _has(names, prefix)]
    if found:
        raise InvalidWeightsError(
            f'this is a two-frame (4D-stereo) network: it has {found}. Only the one-frame '
            'networks exist here; take the checkpoint of a config without "4d-stereo" in its name')


def _refuse_other_units(names: Collection[str]) -> None:
    """Refuse networks of other binarizers."""
    for marker, binarizer in OTHER_UNITS.items():
        if f'{FIRST_UNIT}{marker}' in names:
            raise InvalidWeightsError(
                f'the BEV backbone consists of the units of {binarizer}, by {FIRST_UNIT}{marker}; '
                'only BDC units can be imported')


def _with_norms(config: NetworkConfig, names: Collection[str]) -> NetworkConfig:
    """Set batch normalization in neck and BEV units to what the checkpoint has."""
    layers = config.published

    def as_stored(unit: UnitConfig | None, place: str) -> UnitConfig | None:
        has_norms = any(name.startswith(place) and '.bn_fp.' in name for name in names)
        return unit and replace(unit, with_bn=has_norms, with_identity_bn=has_norms)

    return replace(config, published=replace(
        layers, image_neck_unit=as_stored(layers.image_neck_unit, 'img_neck.'),
        bev_unit=as_stored(layers.bev_unit, BACKBONE)))


def _grouped(names: list[str]) -> str:
    """Count names by where they are, with an example each."""
    places = Counter(name.partition('.')[0] for name in names)
    return str([f'{count} x {place} ({next(n for n in names if n.startswith(place))})'
                for place, count in places.most_common(4)])
