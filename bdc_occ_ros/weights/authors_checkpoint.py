# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Import checkpoints that the authors of BDC-Occ publish, or that other frameworks leave.

Known are the containers of mmcv, BEVDet, mmengine, Lightning and plain PyTorch: zip archives with
a pickle inside. They are opened by PyTorch's restricted reader, which knows tensors and plain
containers and runs nothing; what frameworks note beside the tensors becomes inert stand-ins. Sizes
are compared with the archive's before any memory is taken. Where a moving average of the weights
is there, it is taken. The network is told from the names of the tensors, and every tensor is
accounted for.
"""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
import hashlib
import io
from pathlib import Path
from typing import Any
import zipfile

import torch
from torch import serialization, Tensor

from bdc_occ_ros.binary.config import UnitConfig
from bdc_occ_ros.errors import InvalidWeightsError
from bdc_occ_ros.files import quoted, read_bytes, reading
from bdc_occ_ros.network.config import load_network_config, NetworkConfig
from bdc_occ_ros.network.network import validate_architecture
from bdc_occ_ros.weights.weights_file import require_finite, require_same_tensors

MAX_FILE_BYTES = 1 << 32
AVERAGES = ('state_dict_ema', 'model_ema', 'ema_state_dict', 'ema')
STATES = ('state_dict', 'model', 'model_state_dict')
COUNTERS = {'steps', 'n_averaged'}  # of updates, among the tensors of an average
# mmcv's hook keeps averages of parameters beside them; mmdet's has twins of statistics as well,
# and exchanges all before it saves: what it calls ema_* are the weights as trained.
STATISTIC = '.running_mean'
BATCH_COUNTER = '.num_batches_tracked'  # of no use but to a training
IN_EVERY_NETWORK = 'img_backbone.'
BINARY_NECK = 'img_neck.lateral_convs.0.l_conv_0_0.'
BACKBONE = 'img_bev_encoder_backbone.'
FIRST_UNIT = f'{BACKBONE}layers.0.0.conv1.'
# Networks with other units than BDC's, by a name within their first unit.
OTHER_UNITS = {'binary_3x3.weight': 'BiMatting', 'binary_conv.weight': 'BiSRNet or ReActNet',
               'binary_3x3.binary_conv.weight': 'BBCU'}


class _StandIn:
    """Take the place of an object of another program, keep nothing and do nothing."""

    def __init__(self, *_: Any) -> None:
        pass

    def __setstate__(self, _: Any) -> None:
        pass


# What trainings leave beside their tensors: logged values, arguments, configs.
STAND_INS = [type(path.rpartition('.')[2], (_StandIn,), {'__module__': path.rpartition('.')[0]})
             for path in (
    'mmengine.logging.history_buffer.HistoryBuffer', 'mmengine.config.config.ConfigDict',
    'argparse.Namespace', 'pathlib.PosixPath', 'builtins.getattr', '__builtin__.getattr',
    'numpy.ndarray', 'numpy.dtype', *(
        f'numpy.{core}.multiarray.{name}' for core in ('core', '_core')
        for name in ('_reconstruct', 'scalar')))]


@dataclass(frozen=True, eq=False)
class AuthorsCheckpoint:
    """
    Hold the tensors of a published checkpoint.

    :param tensors: Latent weights and statistics by name, without the prefix of wrappers.
    :param is_ema: Whether they are an exponential moving average over the training.
    :param entry: Where in the file they stood.
    :param epoch: Epochs trained, or None if the file does not say.
    """

    tensors: Mapping[str, Tensor]
    is_ema: bool
    entry: str
    epoch: int | None
    file_sha256: str


def read_authors_checkpoint(path: str | Path) -> AuthorsCheckpoint:
    """
    Read a checkpoint in one of the containers above, or a bare state dict.

    :raises InvalidWeightsError: if the file is missing, damaged, holds anything but tensors,
        plain values and what has a stand-in, or has no state dict.
    """
    path = Path(path)
    data = read_bytes(path, InvalidWeightsError, MAX_FILE_BYTES)
    _require_plain_archive(path, data)
    content = _unpickled(path, data)
    if not isinstance(content, Mapping):
        raise InvalidWeightsError(
            f'{path}: a checkpoint is a mapping; got {type(content).__name__}')
    entry, is_ema = _best_entry(content)
    state = content if entry is None else content[entry]
    if entry is None and not any(isinstance(value, Tensor) for value in content.values()):
        raise InvalidWeightsError(f'{path}: there is no state dict under any name of '
                                  f'{(*STATES, *AVERAGES)}; found {_listed(content)}')
    tensors = _dense(state, path)
    anchor = next((name for name in tensors if IN_EVERY_NETWORK in name), IN_EVERY_NETWORK)
    prefix = anchor.partition(IN_EVERY_NETWORK)[0]
    tensors = {name.removeprefix(prefix): tensor for name, tensor in tensors.items()}
    twins = {name: tensors.pop(twin) for name in list(tensors)
             if (twin := f'ema_{name.replace(".", "_")}') in tensors}
    is_ema |= bool(twins) or not COUNTERS.isdisjoint(state)
    if any(name.endswith(STATISTIC) for name in twins):
        twins = {}
    place = ' of '.join(filter(None, (
        'ema_* buffers' if twins else prefix and f'{prefix}*', entry or 'the file')))
    meta = content.get('meta', {})  # what mmcv notes beside the tensors, if anything
    epoch = content.get('epoch', meta.get('epoch') if isinstance(meta, Mapping) else None)
    return AuthorsCheckpoint({**tensors, **twins}, is_ema, place,
                             epoch if type(epoch) is int else None,
                             hashlib.sha256(data).hexdigest())


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
            f'{"both" if has_occupancy else "neither"}, its {len(tensors)} names are '
            f'{_grouped(list(tensors))}')
    if not is_binary:
        return load_network_config('flashocc_r50' if has_occupancy else 'bevdet_r50')
    name = 'bdc_occ_t' if _has(tensors, BINARY_NECK) else 'bdc_occ_b'
    return _with_norms(load_network_config(name if has_occupancy else 'bdc_det_t'), tensors)


def account_for(tensors: Mapping[str, Tensor], config: NetworkConfig) -> dict[str, Tensor]:
    """
    Match every tensor with one of the network; none may be left over on either side.

    Counts of batches, which only a training needs, are made where they are missing.

    :return: The tensors, floating ones as float32, in the order of the network.
    :raises InvalidWeightsError: if a name, a shape or a kind differs, or a number is not finite.
    """
    expected = validate_architecture(config).state_dict()
    tensors = {name: torch.zeros((), dtype=torch.int64) for name in expected
               if name.endswith(BATCH_COUNTER)} | dict(tensors)
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


def _require_plain_archive(path: Path, data: bytes) -> None:
    """Refuse what is not an uncompressed zip archive: its members cannot outgrow the file."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError) as error:
        raise InvalidWeightsError(
            f'{path}: not a checkpoint of PyTorch 1.6 or later: {error}. Older ones, and those in '
            'pieces, have to be saved again by torch.save') from error
    swollen = [m.filename for m in members if m.compress_type != zipfile.ZIP_STORED]
    if swollen or sum(member.file_size for member in members) > len(data):
        raise InvalidWeightsError(
            f'{path}: torch.save stores its members as they are, but here some are compressed or '
            f'larger than the file {quoted(swollen)}; fetch it again')


def _unpickled(path: Path, data: bytes) -> Any:
    """Return the content of a checkpoint; no class but the stand-ins' is made."""
    allowed_before = serialization.get_safe_globals()
    serialization.clear_safe_globals()
    serialization.add_safe_globals(STAND_INS)
    try:
        with reading(path, InvalidWeightsError, 'fetch it again, or where you trust its source, '
                     "save its 'state_dict' alone with torch.save, and import that file"):
            return torch.load(io.BytesIO(data), map_location='cpu', weights_only=True)
    finally:
        serialization.clear_safe_globals()
        serialization.add_safe_globals(allowed_before)


def _best_entry(content: Mapping[Any, Any]) -> tuple[str | None, bool]:
    """
    Return which entry holds the weights, None for the whole, and whether they are an average.

    BEVDet's hook writes the average alone, with the count of its updates; mmengine's exchanges the
    two before it saves: what it calls ema_state_dict are the weights as trained.
    """
    there = [name for name in (*AVERAGES, *STATES) if isinstance(content.get(name), Mapping)]
    is_alone = there == ['state_dict'] and 'updates' in content
    if is_alone or 'state_dict' in there and 'steps' in content.get('ema_state_dict', ()):
        return 'state_dict', True
    return (there[0], there[0] in AVERAGES) if there else (None, False)


def _dense(state: Mapping[Any, Any], path: Path) -> dict[str, Tensor]:
    """Return the tensors of a state dict once each is a dense one."""
    tensors = {name: value for name, value in state.items() if name not in COUNTERS}
    if not tensors:
        raise InvalidWeightsError(f'{path}: the state dict is empty')
    for name, tensor in tensors.items():
        if not isinstance(name, str) or not isinstance(tensor, Tensor):
            raise InvalidWeightsError(
                f'{path}: a state dict maps names to tensors; got {quoted(name)}: '
                f'{type(tensor).__name__} among {_listed(tensors)}')
        if tensor.layout is not torch.strided or tensor.is_quantized:
            raise InvalidWeightsError(f'{path}: {quoted(name)}: a dense tensor is needed; got '
                                      f'{tensor.layout}, {tensor.dtype}')
    return tensors


def _listed(entries: Mapping[Any, Any]) -> str:
    """Say how many entries there are, and what the first are called and of which type."""
    first = [f'{quoted(name)} ({type(value).__name__}'
             + (f' of {len(value)})' if isinstance(value, Mapping | list) else ')')
             for name, value in list(entries.items())[:8]]
    return f'{len(entries)} entries: {", ".join(first)}'


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
