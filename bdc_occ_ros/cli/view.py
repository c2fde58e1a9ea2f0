# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Draw a bag, a saved snapshot or a sample of a data set as a PNG: images, bird's eye, cubes, boxes.

Of a bag with images the truth is drawn where it has one; of a bag that recorded the node, what
the node published. Of a nuScenes data set, real or made, the occupied cells of the label are
drawn into the images as well.
"""

import argparse
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

from bdc_occ_ros.errors import UsageError

NETWORK = 'bdc_occ_nano_half'  # what it is not given of the images is darker; all cut alike

if TYPE_CHECKING:
    from bdc_occ_ros.drawing.sources import Source


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument('input', type=Path,
                        help='a bag, a snapshot (.npz), or the folder of a nuScenes data set')
    parser.add_argument('-o', '--output', required=True, metavar='PNG', help='picture to write')
    parser.add_argument('--at', type=float, metavar='S', help='seconds after the first set, or '
                        'the first sample of the scene (default: in the middle)')
    parser.add_argument('--version', help='folder of the tables (default: the only one)')
    parser.add_argument('--scene', metavar='NAME', help='scene of a data set (default: the first)')
    parser.add_argument('--sample', metavar='TOKEN', help='sample of a data set')
    parser.add_argument('--json', action='store_true', help='print the result as JSON')


def run(args: argparse.Namespace) -> int:
    """Draw one picture."""
    from bdc_occ_ros.drawing.sheet import draw_sheet
    from bdc_occ_ros.geometry.rig_geometry import GeometryCache
    from bdc_occ_ros.network.config import load_network_config

    source = _source(args)
    overlay = source.overlay
    if source.frame is not None:
        rig, frustum = source.frame.rig, load_network_config(NETWORK).frustum
        preprocessors = GeometryCache(frustum).of(rig, rig.names).preprocessors
        overlay = overlay._replace(first_rows_px={
            name: used.first_row_px for name, used in zip(rig.names, preprocessors)})
    draw_sheet(args.output, source.title, source.frame, overlay, source.columns)
    boxes = [column.boxes for column in source.columns if column.boxes is not None]
    result = {'output': args.output, 'stamp_ns': source.stamp_ns, 'title': source.title,
              'has_images': source.frame is not None,
              'has_occupancy': any(column.occupancy is not None for column in source.columns),
              'boxes': len(boxes[0]) if boxes else 0}
    print(json.dumps(result) if args.json else
          f'{args.output}: {source.title}, {result["boxes"]} boxes')
    return 0


def _source(args: argparse.Namespace) -> 'Source':
    """Load what is to be drawn."""
    from bdc_occ_ros.dataset.nuscenes_tables import versions_in
    from bdc_occ_ros.drawing.sources import source_of_bag, source_of_snapshot

    if not os.path.exists(args.input):
        raise UsageError(f'{args.input} does not exist')
    versions = [args.version] if args.version else versions_in(args.input)
    if versions:
        return _sample(args, versions)
    if args.scene or args.sample:
        raise UsageError(f'{args.input} is no nuScenes data set: it has no folder of tables, as '
                         'v1.0-mini is one; --scene and --sample belong to data sets')
    if args.input.suffix == '.npz':
        return source_of_snapshot(args.input)
    return source_of_bag(args.input, args.at)


def _sample(args: argparse.Namespace, versions: list[str]) -> 'Source':
    """Find a sample of a data set."""
    from bdc_occ_ros.dataset.nuscenes_dataset import NuscenesDataset
    from bdc_occ_ros.drawing.sources import choose_sample, source_of_sample

    if len(versions) > 1:
        raise UsageError(f'{args.input} has {versions}; choose one with --version')
    dataset = NuscenesDataset(args.input, versions[0], split=None)
    return source_of_sample(dataset, choose_sample(dataset, args.sample, args.scene, args.at))
