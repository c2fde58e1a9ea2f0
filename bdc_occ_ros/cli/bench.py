# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Measure the synchronizer, the transport, the packed kernels, whole networks and the node's start.

bench sync runs made-up camera streams with known truth through the synchronizer: late, lost,
repeated and unstamped images, bag loops, dead cameras, wrong clocks. A set is due if all its
images come before a newer set is complete; every due set must be formed, none may mix triggers,
and every other set has its cause. Beside it stands message_filters' ApproximateTimeSynchronizer
(queue 10, slop 0.05 s) where that is installed. Exit status 1 tells that a case failed.

bench transport sends camera images between two processes over DDS and accounts for each.

bench kernels times the layers of the networks on every backend, beside the roofline of this
machine and beside PyTorch, onnxruntime and OpenVINO as far as they are installed, taking turns.

bench network times a network from normalized images to labels, stage by stage, on a quiet machine
and with one core kept busy.

bench start times the node from the start of its process until it is active, part by part.
"""

import argparse
import json
import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bdc_occ_ros.bench.sync import OtherReplay

FORMATS = ('raw', 'jpeg', 'both')
STREAMS = ('float32', 'bfloat16', 'float16')
TRANSPORTS = ('default', 'large_data', 'profile', 'all')


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """
    Declare the arguments of every subject.

    :param parser: Parser of this verb.
    """
    subjects = parser.add_subparsers(dest='subject', metavar='SUBJECT', required=True)
    _add_sync(subjects.add_parser(
        'sync', help='the synchronizer',
        description='Run made-up streams through the synchronizer.'))
    _add_transport(subjects.add_parser(
        'transport', help='the transport of images',
        description='Send images from one process to another.'))
    _add_kernels(subjects.add_parser(
        'kernels', help='the packed kernels',
        description='Time packed layers beside their roofline and other engines.'))
    _add_network(subjects.add_parser(
        'network', help='whole networks',
        description='Time networks from normalized images to labels, stage by stage.'))
    _add_start(subjects.add_parser(
        'start', help='the start of the node',
        description='Start the node and time its parts; medians.'))
    for subject in subjects.choices.values():
        subject.add_argument('--json', action='store_true', help='print the rows as JSON')


def _add_sync(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('--cases', default='', metavar='T1,T2,...',
                        help='only these (default all)')
    parser.add_argument('--seed', type=int, default=0, help='seed of the noise (default 0)')


def _add_transport(parser: argparse.ArgumentParser) -> None:
    from bdc_occ_ros.cli.bag import image_size

    parser.add_argument('--seconds', type=float, default=30.0, help='length (default 30)')
    parser.add_argument('--rate-hz', type=float, default=12.0,
                        help='images per second and camera (default 12)')
    parser.add_argument('--format', choices=FORMATS, default='both',
                        help='format of the images (default both)')
    parser.add_argument('--cameras', type=int, default=6, help='number of streams (default 6)')
    parser.add_argument('--size', type=image_size, default=(1600, 900), metavar='WxH',
                        help='size of the images (default 1600x900)')
    parser.add_argument('--transport', choices=TRANSPORTS, default='profile',
                        help='settings of Fast DDS (default profile, as the node uses)')


def _add_kernels(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('--layers', default='', metavar='NAME,...',
                        help='only those whose names begin so (3x3-256, 1x1, unit, splat, ...)')
    parser.add_argument('--backends', default='', metavar='NAME,...',
                        help='only these (default all that are compiled and run here)')
    parser.add_argument('--peers', default='all', metavar='NAME,...',
                        help='torch_fp32, torch_bf16, ort_int8, openvino_binary; all, none')
    _add_threads(parser)
    parser.add_argument('--rounds', type=int, default=10, help='turns of each (default 10)')


def _add_network(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('--model', required=True, metavar='NAME,...',
                        help='names or files of configs; weights are drawn')
    parser.add_argument('--backends', default='', metavar='NAME,...',
                        help='float, bf16, packed, packed_bf16 (real-valued layers in bf16), int8 '
                        '(real-valued layers on eight bits), int8_spinning')
    parser.add_argument('--stream', choices=STREAMS,
                        help='type of the maps between packed units (default: the usual one)')
    _add_threads(parser)
    parser.add_argument('--rounds', type=int, default=5, help='turns of each (default 5)')
    parser.add_argument('--busy', action='store_true', help='repeat beside a busy core')


def _add_start(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('--model', default='',
                        help="network name or weights (.safetensors); default: the node's own")
    parser.add_argument('--rounds', type=int, default=5, help='starts (default 5)')


def _add_threads(parser: argparse.ArgumentParser) -> None:
    cores = len(os.sched_getaffinity(0))
    parser.add_argument('--threads', type=int, default=cores,
                        help=f'threads of everything (default {cores}, as there are cores)')


def run(args: argparse.Namespace) -> int:
    """
    Measure.

    :return: 0, or 1 if a case failed or an image vanished uncounted.
    """
    if args.subject == 'transport':
        from bdc_occ_ros.ros.bench import transport
        return transport.run(args)
    return {'sync': _run_sync, 'kernels': _run_kernels, 'network': _run_network,
            'start': _run_start}[args.subject](args)


def _run_start(args: argparse.Namespace) -> int:
    from bdc_occ_ros.ros.bench.start import measure_starts
    parts_ms = measure_starts(args.model, args.rounds)
    print(json.dumps(parts_ms, indent=2) if args.json else '\n'.join(
        f'{part:<30}{duration_ms:8.0f} ms' for part, duration_ms in parts_ms.items()))
    return 0


def _run_network(args: argparse.Namespace) -> int:
    from bdc_occ_ros.bench.machine import machine_line
    from bdc_occ_ros.bench.network import as_table, measure_networks, USUAL_STREAM
    rows = measure_networks(args.model, args.backends, args.threads, args.rounds, args.busy,
                            args.stream or USUAL_STREAM)
    if args.json:
        print(json.dumps(rows, indent=2))
    else:
        print(f'{machine_line(rows[0]["machine"])}; untrained weights, stream '
              f'{rows[0]["stream"]}\n{as_table(rows)}')
    return 0


def _run_kernels(args: argparse.Namespace) -> int:
    """Print rows as JSON when all are there, or as a table while they come."""
    from bdc_occ_ros.bench.kernels import heading, measure_kernels, table_line
    from bdc_occ_ros.bench.machine import machine_line
    rows = measure_kernels(args.layers, args.backends, args.peers, args.threads, args.rounds)
    if args.json:
        print(json.dumps(list(rows), indent=2))
        return 0
    for index, row in enumerate(rows):
        if index == 0:
            print(f'{machine_line(row["machine"])}\n{heading()}')
        print(table_line(row), flush=True)
    return 0


def _run_sync(args: argparse.Namespace) -> int:
    from bdc_occ_ros.bench.sync import as_record, as_table, choose_cases, compare, judge
    cases = choose_cases(args.cases, args.seed)
    other = _message_filters()
    records = [as_record(judge(case), compare(case, other) if other else None) for case in cases]
    print(json.dumps(records, indent=2) if args.json else as_table(records))
    return int(not all(record['passed'] for record in records))


def _message_filters() -> 'OtherReplay | None':
    """Return what runs message_filters' synchronizer, or say that it is not installed."""
    try:
        from bdc_occ_ros.ros.bench.stock_synchronizer import replay_stock
    except ModuleNotFoundError as error:
        print(f'without message_filters beside ours: {error.name} is not installed',
              file=sys.stderr)
        return None
    return replay_stock
