# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Draw a bag or a saved snapshot as a PNG: images, bird's eye, cubes and boxes.

Of a bag with images the truth is drawn where it has one; of a bag that recorded the node, what
the node published.
"""

import argparse
import json
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """
    Declare the arguments.

    :param parser: Parser of this verb.
    """
    parser.add_argument('input', help='a bag, or a snapshot (.npz)')
    parser.add_argument('-o', '--output', required=True, metavar='PNG', help='picture to write')
    parser.add_argument('--at', type=float, metavar='S',
                        help='seconds after the first set (default: in the middle)')
    parser.add_argument('--json', action='store_true', help='print the result as JSON')


def run(args: argparse.Namespace) -> int:
    """
    Draw one picture.

    :param args: Parsed arguments.
    """
    from bdc_occ_ros.drawing.sheet import draw_sheet
    from bdc_occ_ros.drawing.sources import source_of_bag
    from bdc_occ_ros.drawing.sources import source_of_snapshot
    from bdc_occ_ros.errors import UsageError

    path = Path(args.input)
    if not path.exists():
        raise UsageError(f'{path} does not exist')
    source = source_of_snapshot(path) if path.suffix == '.npz' else source_of_bag(path, args.at)
    boxes = source.columns[0].boxes if source.columns else None
    draw_sheet(args.output, source.title, source.frame, boxes, source.columns)
    result = {'output': args.output, 'stamp_ns': source.stamp_ns,
              'has_images': source.frame is not None,
              'has_occupancy': any(column.occupancy is not None for column in source.columns),
              'boxes': len(boxes or ())}
    print(json.dumps(result) if args.json else
          f'{args.output}: {source.title}, {result["boxes"]} boxes')
    return 0
