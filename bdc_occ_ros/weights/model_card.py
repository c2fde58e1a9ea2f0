# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Write the files beside shipped weights: a JSON manifest and a model card in Markdown.

Every figure in them comes from the packed file, from the weights files of its stages or from what
evaluate wrote; nothing is typed in.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bdc_occ_ros.errors import InvalidReportError, InvalidWeightsError
from bdc_occ_ros.files import quoted, read_json
from bdc_occ_ros.network.config import load_network_config, MODEL_NAMES
from bdc_occ_ros.network.cost import profile_network, total_cost
from bdc_occ_ros.weights.checkpoint import checkpoint_in
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
OWN = 'this file'
CONTROLS = {'voxel_prior': 'voxel prior, no image', 'other_scene': 'images of another scene'}
SCORES = {'miou': ('mIoU, %', 1), 'rayiou': ('RayIoU, %', 1), 'mAP': ('mAP', 3), 'NDS': ('NDS', 3)}
MILLION, GIGA = 1e6, 1e9


def manifest_of(weights: Path, results_path: Path, beside_paths: Mapping[str, Path],
                stages: Sequence[Path]) -> dict[str, Any]:
    """
    Return all that is known about weights that are shipped, as plain values.

    :param weights: The packed file that is shipped.
    :param results_path: Scores of it, as evaluate writes them.
    :param beside_paths: Scores of other things on the same split, by what they are.
    :param stages: Weights files of the earlier stages of the training, in their order.
    :raises InvalidWeightsError: if the file is too large, untrained, not packed, without
        provenance, or of another network than its name says, or a stage is missing.
    :raises InvalidReportError: if scores are damaged or belong to other weights or another split.
    """
    file = read_weights_file(weights)
    packed = packed_checkpoint_in(file)
    require_shippable(file)
    missing = [name for name in REQUIRED_PROVENANCE
               if packed.provenance.get(name, UNKNOWN) == UNKNOWN]
    if not packed.is_trained or missing:
        raise InvalidWeightsError(
            f'{file.path}: a card needs trained weights that say where they come from; is_trained '
            f'is {packed.is_trained}, the provenance lacks {missing}')
    results, hashes = _report(results_path), [file.sha256, packed.source_sha256]
    if results.get('weights_sha256') not in hashes:
        raise InvalidReportError(
            f'{results_path}: these are scores of other weights: weights_sha256 is '
            f'{quoted(results.get("weights_sha256"))}, but the packed file and its source have '
            f'{hashes}; evaluate the packed file and give what it wrote')
    beside = {name: _report(path) for name, path in beside_paths.items()}
    for name, other in beside.items():
        if (other['split'], other['samples']) != (results['split'], results['samples']):
            raise InvalidReportError(
                f'{beside_paths[name]}: scores stand beside each other only on one split; got '
                f'{other["split"]} with {other["samples"]} samples beside {results["split"]} with '
                f'{results["samples"]}')
    cost = total_cost(profile_network(packed.config))
    return {
        'name': packed.config.name, 'file': weights.name,
        'bytes': weights.stat().st_size, 'sha256': file.sha256,
        'source_sha256': packed.source_sha256, 'real_dtype': packed.real_dtype,
        'config': file.manifest['config'],
        'classes': file.manifest['classes'], 'grid': file.manifest['grid'],
        'cost': {'parameters': cost.params, 'binary_parameters': cost.params_1bit,
                 'macs': cost.macs_full, 'macs_1bit': cost.macs_1bit,
                 'macs_mixed': cost.macs_mixed},
        'stages': _stages(stages, packed.provenance),
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


def card_text(manifest: Mapping[str, Any]) -> str:
    """Return the manifest of shipped weights as a page in Markdown."""
    name, cost, results = manifest['name'], manifest['cost'], manifest['results']
    image = manifest['config']['image']
    controls = {title: results[name] for name, title in CONTROLS.items() if name in results}
    reports = {OWN: results, **manifest['beside'], **controls}
    parts = [
        f'# {name}',
        f'Semantic occupancy and boxes from six images of {image["height_px"]} x '
        f'{image["width_px"]}. `{manifest["file"]}` has {manifest["bytes"]:,} bytes, sha256 '
        f'`{manifest["sha256"]}`; {cost["parameters"] / MILLION:.2f} M parameters, '
        f'{cost["binary_parameters"] / MILLION:.2f} M of them bits; '
        f'{cost["macs"] / GIGA:.2f} G multiplications and additions, '
        f'{cost["macs_1bit"] / GIGA:.2f} G on bits, {cost["macs_mixed"] / GIGA:.2f} G of bits '
        'with numbers.',
        f"Run it by its name: `bdc-occ demo --model {name}`, `Predictor('{name}')`, or the node's "
        f'parameter `model.name: {name}`.',
        '## Limits', '\n'.join(f'- {limit}' for limit in manifest['limits']),
        f'## Results on {results["split"]}, {results["samples"]} samples',
        _table(['', *reports], [[title, *(_number(report.get(score), digits)
                                          for report in reports.values())]
                                for score, (title, digits) in SCORES.items()]),
        '### IoU per class, %', _per_class(reports, 'per_class', 1)]
    if any('AP' in report for report in reports.values()):
        parts += ['### AP per class', _per_class(reports, 'AP', 3)]
    parts.append('## Where the weights come from')
    stages = manifest['stages']
    for number, stage in enumerate(stages, 1):
        parts += [f'### Stage {number} of {len(stages)}',
                  _table(['', ''], [[key, f'`{value}`'] for key, value in stage.items()])]
    return '\n\n'.join(parts) + '\n'


def _report(path: Path) -> dict[str, Any]:
    """Read what evaluate wrote."""
    report = read_json(path, InvalidReportError)
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
    stages = [{'sha256': file.sha256, **checkpoint_in(file).provenance} for file in files]
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


def _per_class(reports: Mapping[str, Mapping[str, Any]], entry: str, digits: int) -> str:
    """Return the table of a score by class."""
    names = dict.fromkeys(name for report in reports.values() for name in report.get(entry, {}))
    return _table(['class', *reports], [
        [name, *(_number(report.get(entry, {}).get(name), digits)
                 for report in reports.values())] for name in names])


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table."""
    return '\n'.join('| ' + ' | '.join(cell.replace('|', '\\|') for cell in row) + ' |'
                     for row in (head, ['---'] * len(head), *rows))


def _number(value: float | None, digits: int) -> str:
    """Return a score, or a dash where there is none."""
    return '-' if value is None else f'{value:.{digits}f}'
