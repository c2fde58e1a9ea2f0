# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
What lies beside weights that are shipped: a manifest for programs and a card for people.

Every figure in them comes from the packed file, from the weights files of its stages or from what
evaluate wrote; nothing is typed in.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
import json
from pathlib import Path
from typing import Any

from bdc_occ_ros.errors import InvalidReportError, InvalidWeightsError
from bdc_occ_ros.network.config import load_network_config, MODEL_NAMES
from bdc_occ_ros.network.cost import profile_network, total_cost
from bdc_occ_ros.weights.packed_checkpoint import packed_checkpoint_in
from bdc_occ_ros.weights.weights_file import read_weights_file, WeightsFile

MAX_BYTES = 10_000_000
REQUIRED_PROVENANCE = ('commit', 'data', 'device', 'recipe', 'seed', 'steps')
FROM_SEED = 'seed'  # what the first stage of a training says it began with
UNKNOWN = 'unknown'  # what a copy without git says of its commit
REPORT_ENTRIES = ('split', 'samples', 'miou', 'per_class')
LIMITS = (
    'Learned and scored on a synthetic world. Real streets look different: no figure here says '
    'anything about photographs, and the network must not be relied on there.',
    'Not for a car, nor for anything else that can hurt or break something.',
    'Six cameras of the three published nuScenes rigs; other rigs run but were never learned.',
)


@dataclass(frozen=True, eq=False)
class CardSources:
    """
    From what manifest and card are made.

    :param weights: The packed file that is shipped.
    :param results: Scores of it, as evaluate writes them.
    :param beside: Scores of other things on the same split, by what they are.
    :param stages: Weights files of the earlier stages of the training, in their order.
    """

    weights: Path
    results: Path
    beside: Mapping[str, Path]
    stages: Sequence[Path]


def manifest_of(sources: CardSources) -> dict[str, Any]:
    """
    Put together all that is known about weights.

    :return: Plain values.
    :raises InvalidWeightsError: if the file is too large, untrained, not packed, without
        provenance, or of another network than its name says, or a stage is missing.
    :raises InvalidReportError: if scores are damaged or belong to other weights or another split.
    """
    file = read_weights_file(sources.weights)
    packed = packed_checkpoint_in(file)
    size = sources.weights.stat().st_size
    require_shippable(file)
    missing = [name for name in REQUIRED_PROVENANCE
               if packed.provenance.get(name, UNKNOWN) == UNKNOWN]
    if not packed.is_trained or missing:
        raise InvalidWeightsError(
            f'{file.path}: a card needs trained weights that say where they come from; is_trained '
            f'is {packed.is_trained}, the provenance lacks {missing}')
    results = _results_of(sources.results, (file.sha256, packed.source_sha256))
    beside = {name: _report(path) for name, path in sources.beside.items()}
    for name, other in beside.items():
        if (other['split'], other['samples']) != (results['split'], results['samples']):
            raise InvalidReportError(
                f'{sources.beside[name]}: scores stand beside each other only on one split; got '
                f'{other["split"]} with {other["samples"]} samples beside {results["split"]} with '
                f'{results["samples"]}')
    cost = total_cost(profile_network(packed.config))
    return {
        'name': packed.config.name, 'file': sources.weights.name, 'bytes': size,
        'sha256': file.sha256, 'source_sha256': packed.source_sha256,
        'real_dtype': packed.real_dtype, 'config': _plain(asdict(packed.config)),
        'classes': _plain(file.manifest['classes']), 'grid': _plain(file.manifest['grid']),
        'cost': {'parameters': cost.params, 'binary_parameters': cost.params_1bit,
                 'macs': cost.macs_full, 'macs_1bit': cost.macs_1bit,
                 'macs_mixed': cost.macs_mixed},
        'stages': _stages(sources.stages, packed.provenance),
        'results': results, 'beside': beside, 'limits': list(LIMITS)}


def require_shippable(file: WeightsFile) -> None:
    """
    Refuse a file that must not be shipped under its name.

    :raises InvalidWeightsError: if it is too large or of another network than its name says.
    """
    size = file.path.stat().st_size
    if size > MAX_BYTES:
        raise InvalidWeightsError(f'{file.path}: shipped weights have at most {MAX_BYTES} bytes; '
                                  f'got {size}; export with --real-dtype bfloat16, or choose a '
                                  f'smaller network')
    config, name = file.network_config(), file.path.stem
    if name not in MODEL_NAMES or config != load_network_config(name):
        raise InvalidWeightsError(f'{file.path}: the name must be that of the config that they '
                                  f'belong to, one of {MODEL_NAMES}, unchanged; the file says '
                                  f'{config.name}')


def _results_of(path: Path, sha256s: Sequence[str]) -> dict[str, Any]:
    """Return the scores of the shipped weights."""
    report = _report(path)
    if report.get('weights_sha256') not in sha256s:
        raise InvalidReportError(
            f'{path}: these are scores of other weights: weights_sha256 is '
            f'{report.get("weights_sha256")!r}, but the packed file and its source have '
            f'{list(sha256s)}; evaluate the packed file and give what it wrote')
    return report


def _report(path: Path) -> dict[str, Any]:
    """Read what evaluate wrote."""
    try:
        report = json.loads(path.read_text(encoding='utf-8'))
    except (OSError, ValueError, RecursionError) as error:
        raise InvalidReportError(f'{path}: no scores can be read: {error}') from error
    missing = [name for name in REPORT_ENTRIES
               if not isinstance(report, dict) or name not in report]
    if missing:
        raise InvalidReportError(f'{path}: scores as evaluate -o writes them are needed; '
                                 f'{missing} are missing')
    return _without_folders(report)


def _without_folders(report: Mapping[str, Any]) -> dict[str, Any]:
    """Name what was scored, there and in controls, without the folders of this machine."""
    return {key: _without_folders(value) if isinstance(value, dict)
            else Path(value).name if key == 'model' and isinstance(value, str) else value
            for key, value in report.items()}


def _stages(paths: Sequence[Path], last: Mapping[str, str]) -> list[dict[str, str]]:
    """Return where the weights of every stage come from; each began with those before it."""
    files = [read_weights_file(path) for path in paths]
    stages = [{'sha256': file.sha256, **file.manifest.get('provenance', {})} for file in files]
    stages.append(dict(last))
    for file, following in zip(files, stages[1:]):
        wanted = following.get('init_sha256', 'not said')
        if wanted != file.manifest['tensors_sha256']:
            raise InvalidWeightsError(f'{file.path}: the next stage did not begin with these '
                                      f'weights; it names init_sha256 {wanted}')
    if stages[0].get('init_sha256') != FROM_SEED:
        raise InvalidWeightsError(
            f'the first stage began with other weights, init_sha256 '
            f'{stages[0].get("init_sha256", "not said")}; name the weights of all stages before '
            'the last one with --stages')
    return stages


def _plain(value: Any) -> Any:
    """Return nested values as YAML can write them, where tuples are lists."""
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, tuple | list) else value
