# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Check a nuScenes data set, real or made in its format, before anyone trains on it.

Tables, files, calibrations and poses of all samples are looked at; of some samples images, LiDAR
points and labels are opened and compared: boxes with voxels and points, the camera mask with the
cameras, class shares with Occ3D. Mistakes are listed with what helps, and the exit status is 1. A
sample is drawn with boxes and voxels in its images.
"""

import argparse
from collections import Counter
from collections.abc import Iterator
import json
from pathlib import Path
from typing import Any, TYPE_CHECKING

from bdc_occ_ros.errors import UsageError

if TYPE_CHECKING:
    from bdc_occ_ros.dataset.check.check_dataset import DatasetCheck

NAMED_PER_CHECK = 10


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument('dataroot', type=Path, help='folder of the data set')
    parser.add_argument('--version', help='folder of its tables (default: the only one)')
    parser.add_argument('--split', help='which scenes (default: all)')
    parser.add_argument('--samples', type=int, default=100, metavar='N',
                        help='open N samples, evenly spread (default 100)')
    parser.add_argument('-o', '--picture', type=Path, metavar='PNG',
                        help="draw a sample: six images with boxes and voxels, and bird's eye")
    parser.add_argument('--json', action='store_true', help='print JSON')


def run(args: argparse.Namespace) -> int:
    """Check, draw and print; the exit status is 1 if there are mistakes."""
    from tqdm import tqdm

    from bdc_occ_ros.dataset.check.check_dataset import check_dataset
    from bdc_occ_ros.dataset.nuscenes_tables import versions_in
    versions = [args.version] if args.version else versions_in(args.dataroot)
    if len(versions) != 1 or args.samples < 1:
        raise UsageError(f'{args.dataroot}: one version of a data set and at least one sample are '
                         f'needed; there are {versions}, choose one with --version')
    check = check_dataset(args.dataroot, versions[0], args.split, args.samples,
                          lambda keys: tqdm(keys, 'opening', unit='sample', disable=args.json))
    if args.picture is not None and check.opened:
        _draw(args.picture, check)
    if args.json:
        print(json.dumps(_report(args, versions[0], check), indent=2))
    else:
        print('\n'.join(_lines(args, versions[0], check)))
    return 1 if check.issues else 0


def _draw(path: Path, check: 'DatasetCheck') -> None:
    """Draw the opened sample with the most objects."""
    from bdc_occ_ros.drawing.sheet import draw_sheet
    from bdc_occ_ros.drawing.sources import source_of_sample
    key = max(check.opened, key=lambda key: len(check.dataset.boxes(key)))
    source = source_of_sample(check.dataset, key)
    draw_sheet(path, source.title, source.frame, source.overlay, source.columns,
               f'{len(check.issues)} mistakes' if check.issues else '')


def _report(args: argparse.Namespace, version: str, check: 'DatasetCheck') -> dict[str, Any]:
    """Return the report as JSON values."""
    from bdc_occ_ros.classes import OCCUPANCY_CLASS_NAMES
    return {'dataroot': str(args.dataroot), 'version': version, 'split': args.split,
            'samples': 0 if check.dataset is None else len(check.dataset),
            'opened': len(check.opened), 'findings': [issue._asdict() for issue in check.issues],
            'figures': check.figures,
            'observed_share': check.shares.observed_share, 'free_share': check.shares.free_share,
            'class_shares': dict(zip(OCCUPANCY_CLASS_NAMES, check.shares.shares()))}


def _lines(args: argparse.Namespace, version: str, check: 'DatasetCheck') -> Iterator[str]:
    """Format the report as lines of text."""
    yield (f'{args.dataroot}, {version}: '
           + ('unusable tables' if check.dataset is None else
              f'{len(check.dataset)} samples, {len(check.opened)} of them opened'))
    for name, share in check.figures.items():
        yield f'  {name.replace("_", " "):45}' + ('     -' if share is None else f'{share:6.1%}')
    if check.shares.num_keyframes:
        yield from check.shares.lines()
    named: Counter[str] = Counter()
    for issue in check.issues:
        named[issue.check] += 1
        if named[issue.check] <= NAMED_PER_CHECK:
            yield f'{issue.check}: {issue.where}: {issue.problem}\n    {issue.cure}'
    for name, count in named.items():
        if count > NAMED_PER_CHECK:
            yield f'{name}: and {count - NAMED_PER_CHECK} more'
    yield f'{len(check.issues)} mistakes' if check.issues else 'no mistakes found'
