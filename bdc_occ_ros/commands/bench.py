# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Measure the synchronizer and the transport.

bench sync runs made-up camera streams with known truth through the synchronizer: late, lost,
repeated and unstamped images, bag loops, dead cameras, wrong clocks. A set is due if all its
images come before a newer set is complete; every due set must be formed, none may mix triggers,
and every other set has its cause. Beside it stands message_filters' ApproximateTimeSynchronizer
(queue 10, slop 0.05 s) where that is installed. Exit status 1 tells that a case failed.

bench transport sends camera images between two processes over DDS and accounts for each.
"""

import argparse
import json
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bdc_occ_ros.bench_sync import OtherReplay

FORMATS = ('raw', 'jpeg', 'both')
TRANSPORTS = ('default', 'large_data', 'profile', 'all')


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """
    Declare the arguments of sync and transport.

    :param parser: Parser of this verb.
    """
    subjects = parser.add_subparsers(dest='subject', metavar='SUBJECT', required=True)
    sync = subjects.add_parser('sync', help='the synchronizer',
                               description='Run made-up streams through the synchronizer.')
    sync.add_argument('--cases', default='', metavar='T1,T2,...', help='only these (default all)')
    sync.add_argument('--seed', type=int, default=0, help='seed of the noise (default 0)')
    sync.add_argument('--json', action='store_true', help='print the rows as JSON')
    transport = subjects.add_parser('transport', help='the transport of images',
                                    description='Send images from one process to another.')
    transport.add_argument('--seconds', type=float, default=30.0, help='length (default 30)')
    transport.add_argument('--rate-hz', type=float, default=12.0,
                           help='images per second and camera (default 12)')
    transport.add_argument('--format', choices=FORMATS, default='both',
                           help='format of the images (default both)')
    transport.add_argument('--cameras', type=int, default=6, help='number of streams (default 6)')
    transport.add_argument('--size', default='1600x900', metavar='WxH',
                           help='size of the images (default 1600x900)')
    transport.add_argument('--transport', choices=TRANSPORTS, default='profile',
                           help='settings of Fast DDS (default profile, as the node uses)')
    transport.add_argument('--json', action='store_true', help='print the rows as JSON')


def run(args: argparse.Namespace) -> int:
    """
    Measure.

    :param args: Parsed arguments.
    :return: 0, or 1 if a case failed or an image vanished uncounted.
    """
    if args.subject == 'transport':
        from bdc_occ_ros.ros import bench_transport
        return bench_transport.run(args)
    return _run_sync(args)


def _run_sync(args: argparse.Namespace) -> int:
    from bdc_occ_ros.bench_sync import as_record
    from bdc_occ_ros.bench_sync import as_table
    from bdc_occ_ros.bench_sync import choose_cases
    from bdc_occ_ros.bench_sync import compare
    from bdc_occ_ros.bench_sync import judge
    cases = choose_cases(args.cases, args.seed)
    other = _message_filters()
    records = [as_record(judge(case), compare(case, other) if other else None) for case in cases]
    print(json.dumps(records, indent=2) if args.json else as_table(records))
    return int(not all(record['passed'] for record in records))


def _message_filters() -> 'OtherReplay | None':
    """Return what runs message_filters' synchronizer, or say that it is not installed."""
    try:
        from bdc_occ_ros.ros.stock_synchronizer import replay_stock
    except ModuleNotFoundError as error:
        print(f'without message_filters beside ours: {error.name} is not installed',
              file=sys.stderr)
        return None
    return replay_stock
