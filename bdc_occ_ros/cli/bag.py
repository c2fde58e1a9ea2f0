# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Write, play, record and inspect bags, with or without an installed ROS.

bag write makes a rosbag2 bag of a rendered drive, of a scene of a nuScenes data set or of a
recorded keyframe, as this package likes it or as a public converter would; bag play publishes one
with its own timing and quality of service; bag record takes up what the node publishes; bag info
lists what is in one.

    bdc-occ bag write --dataroot DIR --version v1.0-mini --scene scene-0103 -o drive
"""

import argparse
from dataclasses import asdict
import json
from pathlib import Path
import re
from typing import TYPE_CHECKING

from bdc_occ_ros.errors import UsageError

if TYPE_CHECKING:
    from bdc_occ_ros.bags.formats import ConverterFormat
    from bdc_occ_ros.bags.rig_bag import BagSummary

DEFAULT_RIG = 'calibration_nuscenes_n015.yaml'
DEFAULT_SEED = 200029  # training takes seeds up to 9999, validation those from 100000 on


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the actions and their arguments."""
    actions = parser.add_subparsers(dest='action', metavar='ACTION', required=True)
    _add_write(actions.add_parser('write', help='write a bag', description='Write a bag.'))
    _add_play(actions.add_parser('play', help='play a bag', description='Play a bag.'))
    _add_record(actions.add_parser('record', help="record the node's outputs",
                                   description='Record until Ctrl-C.'))
    info = actions.add_parser('info', help='list what is in a bag',
                              description='List topics, times, and the dataset profile that fits.')
    info.add_argument('file', help='folder of the bag, or its .mcap or .db3 file')
    for action in actions.choices.values():
        action.add_argument('--json', action='store_true', help='print the result as JSON')


def _add_write(write: argparse.ArgumentParser) -> None:
    source = write.add_mutually_exclusive_group(required=True)
    source.add_argument('--scene', nargs='?', const='', metavar='NAME',
                        help='render a made-up drive, or take a scene of --dataroot')
    source.add_argument('--keyframe', metavar='DIR', help='a recorded keyframe of a real rig')
    write.add_argument('--dataroot', type=Path, metavar='DIR', help='nuScenes data set')
    write.add_argument('--version', default='v1.0-trainval', help='folder of its tables '
                       '(default v1.0-trainval)')
    write.add_argument('-o', '--output', required=True, help='folder to create')
    write.add_argument('--calibration', choices=('tf', 'file'), default='tf',
                       help='camera_info and /tf_static in the bag, or calibration.yaml beside '
                       'it; with a flavour: beside what the converter writes')
    write.add_argument('--flavour', metavar='NAME', help='write as a public converter does: '
                       'nuscenes2bag, nuscenes2bag_ros2, nuscenes_to_ros2bag, mcap_style, '
                       'dataset_bridge or autoware')
    write.add_argument('--seed', type=int, default=DEFAULT_SEED,
                       help=f'which scene to render (default {DEFAULT_SEED})')
    write.add_argument('--seconds', type=float, default=10.0,
                       help='length of the drive (default 10)')
    write.add_argument('--size', type=image_size, default=(800, 450), metavar='WxH',
                       help='size of the rendered images (default 800x450)')
    write.add_argument('--rig', help='calibration file of the rig to render (default nuScenes)')


def _add_play(play: argparse.ArgumentParser) -> None:
    play.add_argument('file', help='folder of the bag, or its .mcap or .db3 file')
    play.add_argument('--rate', type=float, default=1.0, help='speed (default 1)')
    play.add_argument('--loop', action='store_true', help='start over at the end')
    play.add_argument('--clock', action='store_true', help='publish /clock')
    play.add_argument('--start', type=float, default=0.0, metavar='S', help='seconds to skip')
    play.add_argument('--delay', type=float, default=1.0, metavar='S',
                      help='wait so long for subscribers to appear (default 1)')
    play.add_argument('--topics', nargs='+', help='play only these')


def _add_record(record: argparse.ArgumentParser) -> None:
    record.add_argument('-o', '--output', required=True, help='folder to create')
    record.add_argument('--namespace', default='', metavar='NS', help='namespace of the node')
    record.add_argument('--topics', nargs='+', help="these instead of the node's outputs")
    record.add_argument('--seconds', type=float, metavar='S', help='stop by itself after so long')


def image_size(text: str) -> tuple[int, int]:
    """Parse width and height, as in 800x450."""
    found = re.fullmatch(r'([1-9]\d{1,3})x([1-9]\d{1,3})', text)
    if found is None:
        raise argparse.ArgumentTypeError(f'a size such as 800x450 is needed; got {text!r}')
    return int(found[1]), int(found[2])


def run(args: argparse.Namespace) -> int:
    """Write, play, record or inspect a bag."""
    actions = {'write': _write, 'play': _play, 'record': _record, 'info': _info}
    return actions[args.action](args)


def _write(args: argparse.Namespace) -> int:
    """Write a bag and say what is in it."""
    from bdc_occ_ros.bags.formats import converter_format
    if bool(args.scene) != (args.dataroot is not None):
        raise UsageError('a scene of a data set needs both: --dataroot DIR --scene NAME')
    converter = converter_format(args.flavour) if args.flavour else None
    write = (_write_keyframe if args.keyframe else _write_drive if args.dataroot is None
             else _write_dataroot)
    summary = write(args, converter)
    if args.json:
        print(json.dumps(summary._asdict()))
    else:
        print(f'{summary.path}: {summary.num_images} images in {summary.num_sets} sets, '
              f'{summary.duration_s:.3f} s, {summary.num_truths} with truth')
    return 0


def _write_keyframe(args: argparse.Namespace, converter: 'ConverterFormat | None') -> 'BagSummary':
    from bdc_occ_ros.bags.keyframe import load_keyframe, write_keyframe_bag
    return write_keyframe_bag(args.output, load_keyframe(args.keyframe),
                              calibration=args.calibration, converter=converter)


def _write_dataroot(args: argparse.Namespace, converter: 'ConverterFormat | None') -> 'BagSummary':
    from bdc_occ_ros.bags.dataroot_bag import write_dataroot_bag
    from bdc_occ_ros.dataset.nuscenes_dataset import NuscenesDataset
    return write_dataroot_bag(
        args.output, NuscenesDataset(args.dataroot, args.version, None), args.scene,
        calibration=args.calibration, converter=converter, show_progress=not args.json)


def _write_drive(args: argparse.Namespace, converter: 'ConverterFormat | None') -> 'BagSummary':
    from bdc_occ_ros.bags.scene_bag import write_scene_bag
    from bdc_occ_ros.geometry.calibration_file import load_calibration
    from bdc_occ_ros.share import share_path
    rig = load_calibration(args.rig or share_path('config', DEFAULT_RIG)).resized(*args.size)
    return write_scene_bag(
        args.output, rig, seed=args.seed, seconds=args.seconds, calibration=args.calibration,
        converter=converter, show_progress=not args.json)


def _play(args: argparse.Namespace) -> int:
    from bdc_occ_ros.ros.replay.bag_player import play_bag

    playback = play_bag(args.file, topics=args.topics, rate=args.rate, has_clock=args.clock,
                        start_s=args.start, is_loop=args.loop, delay_s=args.delay)
    if args.json:
        print(json.dumps(asdict(playback)))
    else:
        p50, p95, p99, largest = playback.lateness_ms
        print(f'{playback.num_messages} messages in {playback.duration_s:.3f} s; late by '
              f'{p50:.2f} ms (p50), {p95:.2f} ms (p95), {p99:.2f} ms (p99), {largest:.2f} ms '
              '(largest)')
    return 0


def _record(args: argparse.Namespace) -> int:
    """Record and say how much of each topic."""
    from bdc_occ_ros.ros.replay.bag_recorder import record_topics

    counts = record_topics(args.output, namespace=args.namespace, topics=args.topics,
                           seconds=args.seconds)
    if args.json:
        print(json.dumps({'path': args.output, 'counts': dict(counts)}))
    else:
        print('\n'.join([f'{args.output}:',
                         *(f'{count:8} {topic}' for topic, count in counts.items())]))
    return 0


def _info(args: argparse.Namespace) -> int:
    from bdc_occ_ros.bags.bag_summary import summarize_bag

    summary = summarize_bag(args.file)
    print(json.dumps(asdict(summary), indent=2) if args.json else summary.as_text())
    return 0
