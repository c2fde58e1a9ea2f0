# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The manifest of shipped weights as a page for people, in Markdown."""

from collections.abc import Mapping, Sequence
from typing import Any

OWN = 'this file'
CONTROLS = {'voxel_prior': 'voxel prior, no image', 'other_scene': 'images of another scene'}
SCORES = {'miou': ('mIoU, %', 1), 'rayiou': ('RayIoU, %', 1), 'mAP': ('mAP', 3), 'NDS': ('NDS', 3)}
MILLION, GIGA = 1e6, 1e9


def card_text(manifest: Mapping[str, Any]) -> str:
    """
    Write the card.

    :param manifest: Of the weights, see manifest_of.
    """
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
