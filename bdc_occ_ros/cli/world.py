# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Make drives through a made-up city: a data set on disk, or samples kept for training.

world make writes a nuScenes data set with Occ3D labels, which nuscenes-devkit and this package
read like the real one; world cache fills a folder with samples of a network's input size;
world shares compares how often classes occur with Occ3D; world bench measures the speed. An
interrupted run resumes where it stopped. Scenes follow from their seeds alone.
"""

import argparse
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import as_completed, ProcessPoolExecutor
import json
import multiprocessing
from pathlib import Path
from typing import Any, TYPE_CHECKING

from bdc_occ_ros.cli.bag import image_size
from bdc_occ_ros.cli.training_arguments import chosen_device
from bdc_occ_ros.errors import UsageError
from bdc_occ_ros.world.seeds import parse_seeds, scene_name

if TYPE_CHECKING:
    from tqdm import tqdm

    from bdc_occ_ros.geometry.camera_rig import CameraRig
    from bdc_occ_ros.world.dataroot_making import DatarootSettings

DEFAULT_MODEL = 'bdc_occ_nano'
RIGS = ('all', 'nuscenes_n015', 'nuscenes_n008', 'nuscenes_n008_2018_05')


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """
    Declare the actions and their arguments.

    :param parser: Parser of this verb.
    """
    actions = parser.add_subparsers(dest='action', metavar='ACTION', required=True)
    make = actions.add_parser('make', help='write a data set', description='Write a data set.')
    make.add_argument('dataroot', type=Path, help='folder of the data set')
    make.add_argument('--keyframes-per-scene', type=int, default=40, metavar='K',
                      help='samples per scene, two a second (default and most: 40)')
    make.add_argument('--width', type=int, default=1600, help='of the images (default 1600)')
    make.add_argument('--height', type=int, help='of the images (default: 16 to 9)')
    make.add_argument('--sweeps', type=int, default=0, metavar='N', choices=range(6),
                      help='firings of all sensors between two samples, 0 to 5 (default 0)')
    make.add_argument('--version', default='v1.0-made', help='folder of the tables '
                      '(default v1.0-made)')
    make.add_argument('--val-seeds', type=seeds, metavar='SEEDS',
                      help='scenes of the split made_val; the others are made_train (default: '
                      'the last tenth of the new ones)')
    make.add_argument('--jobs', type=int, default=1, metavar='N',
                      help='processes, a scene each (default 1)')
    cache = actions.add_parser('cache', help='keep samples for training',
                               description="Render samples at the size of a network's input.")
    cache.add_argument('folder', type=Path, help='folder of the samples')
    shares = actions.add_parser('shares', help='count classes', description='Compare how often '
                                'classes occur among observed voxels with Occ3D-nuScenes.')
    bench = actions.add_parser('bench', help='measure the speed',
                               description='Keyframes per minute with images and labels: '
                               'mean over scenes, each at its quickest.')
    bench.add_argument('--sizes', nargs='+', type=image_size, metavar='WxH',
                       default=[(1600, 900), (704, 256), (352, 128)],
                       help='images (default 1600x900 704x256 352x128)')
    bench.add_argument('--batch', type=int, default=1, help='keyframes at once (default 1)')
    for action in (cache, shares):
        action.add_argument('--keyframes-per-scene', type=int, default=10, metavar='K',
                            help='spread over the drive, up to 40 (default 10)')
    cache.add_argument('--model', default=DEFAULT_MODEL, help='network by name or file (default '
                       f'{DEFAULT_MODEL})')
    for action in (make, cache, shares, bench):
        action.add_argument('--seeds', type=seeds, required=action is not bench,
                            default=range(4), metavar='SEEDS', help='scenes, as in 0-99,200')
        action.add_argument('--rig', default='all', choices=RIGS,
                            help='vehicle (default: all, one after another)')
        action.add_argument('--device', default='cpu', choices=('cpu', 'cuda'),
                            help='where to render (default cpu)')
        action.add_argument('--json', action='store_true', help='print the result as JSON')


def seeds(text: str) -> Sequence[int]:
    """
    Return the seeds of scenes.

    :param text: For example 0-99,200.
    """
    try:
        return parse_seeds(text)
    except UsageError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def run(args: argparse.Namespace) -> int:
    """
    Make, cache, count or measure.

    :return: Exit status 0.
    :raises UsageError: if there is no such device, or the numbers do not fit together.
    """
    chosen_device(args.device)
    actions = {'make': _make, 'cache': _cache, 'shares': _shares, 'bench': _bench}
    result, text = actions[args.action](args)
    print(json.dumps(result, indent=2) if args.json else text)
    return 0


def _make(args: argparse.Namespace) -> tuple[dict[str, Any], str]:
    """Write what is missing of a data set, then its tables."""
    from bdc_occ_ros.dataset.dataroot import assemble_dataroot, written_scenes
    from bdc_occ_ros.world.dataroot_making import DatarootSettings, require_settings
    height = args.width * 9 // 16 if args.height is None else args.height
    if (not 1 <= args.keyframes_per_scene <= 40 or args.jobs < 1 or args.width < 32
            or height < 18):
        raise UsageError('1 to 40 keyframes per scene, at least one job and images of at least '
                         f'32x18 are needed; got {args.keyframes_per_scene}, {args.jobs} and '
                         f'{args.width}x{height}')
    settings = DatarootSettings(args.version, args.width, height, args.keyframes_per_scene,
                                args.sweeps, args.rig, args.device)
    require_settings(args.dataroot, settings)
    written = set(written_scenes(args.dataroot, args.version))
    splits = _splits(args, written)
    missing = [seed for seed in args.seeds if scene_name(seed) not in written]
    with _progress(args, 'making', len(missing) * settings.keyframes) as bar:
        for count in _samples_made(args, settings, missing):
            bar.update(count)
    assemble_dataroot(args.dataroot, args.version, splits)
    num_scenes = len(written) + len(missing)
    result = {'dataroot': str(args.dataroot), 'version': args.version, 'scenes': num_scenes,
              'made': len(missing), 'samples': num_scenes * settings.keyframes,
              'width_px': settings.width_px, 'height_px': settings.height_px,
              'splits': {split: len(scenes) for split, scenes in splits.items()}}
    return result, (f'{args.dataroot}: {num_scenes} scenes, {len(missing)} of them new, '
                    f'{result["samples"]} samples of {args.width}x{settings.height_px}, '
                    f'{result["splits"]}')


def _splits(args: argparse.Namespace, written: Iterable[str]) -> dict[str, list[str]]:
    """Assign scenes to splits; those that have one keep it, so that no training sees its test."""
    from bdc_occ_ros.dataset.dataroot import defined_splits
    names = {*written, *map(scene_name, args.seeds)}
    defined = {'made_train': [], 'made_val': [], **defined_splits(args.dataroot, args.version)}
    splits = {split: {*scenes} for split, scenes in defined.items()}
    if unknown := sorted(set().union(*splits.values()) - names):
        raise UsageError(f'splits.json names {unknown[:5]}, which are not among the scenes; take '
                         'them out, or give their seeds too')
    divided = splits['made_train'] | splits['made_val']
    new_seeds = [seed for seed in args.seeds if scene_name(seed) not in divided]
    lacking = max(0, max(1, len(names) // 10) - len(splits['made_val']))
    wanted = set(map(scene_name, new_seeds[max(0, len(new_seeds) - lacking):]
                     if args.val_seeds is None else args.val_seeds))
    if unfit := sorted((wanted - names) | (wanted & splits['made_train'])):
        raise UsageError(f'--val-seeds: {unfit[:5]} are not among the scenes, or in made_train '
                         'already; scenes keep their split')
    splits['made_val'] |= wanted
    splits['made_train'] |= names - splits['made_val']
    return {split: sorted(scenes) for split, scenes in splits.items()}


def _samples_made(args: argparse.Namespace, settings: 'DatarootSettings', seeds: Sequence[int]
                  ) -> Iterator[int]:
    """Write scenes, and return again and again how many samples were written since."""
    import torch

    from bdc_occ_ros.world.dataroot_making import make_scene, SceneMaker
    rigs = _rigs(args)
    if args.jobs == 1:
        torch.set_num_threads(1)  # the same bytes as from several processes
        for seed in seeds:
            maker = SceneMaker(args.dataroot, settings, seed, rigs[seed % len(rigs)],
                               torch.device(args.device))
            yield from (1 for _ in maker.make())
        return
    with ProcessPoolExecutor(args.jobs, multiprocessing.get_context('spawn')) as pool:
        scenes = [pool.submit(make_scene, args.dataroot, settings, seed, rigs[seed % len(rigs)],
                              args.device) for seed in seeds]
        try:
            yield from (scene.result() for scene in as_completed(scenes))
        finally:
            pool.shutdown(cancel_futures=True)  # whoever stops does not wait for the rest


def _cache(args: argparse.Namespace) -> tuple[dict[str, Any], str]:
    """Make the samples that a folder lacks."""
    import torch

    from bdc_occ_ros.network.config import load_network_config
    from bdc_occ_ros.world.world_source import WorldSource
    source = WorldSource(args.seeds, load_network_config(args.model).frustum, _rigs(args),
                         args.keyframes_per_scene, args.folder)
    with _progress(args, 'making', len(source)) as bar:
        for number in range(len(source)):
            source.load([number], torch.device(args.device))
            bar.update()
    result = {'folder': str(args.folder), 'samples': len(source), 'scenes': len(args.seeds)}
    return result, f'{args.folder}: {len(source)} samples of {len(args.seeds)} scenes'


def _shares(args: argparse.Namespace) -> tuple[dict[str, Any], str]:
    """Count classes over some scenes."""
    import torch

    from bdc_occ_ros.classes import OCCUPANCY_CLASS_NAMES
    from bdc_occ_ros.dataset.class_shares import ClassShares
    from bdc_occ_ros.network.config import load_network_config
    from bdc_occ_ros.world.keyframes import KeyframeBatch
    from bdc_occ_ros.world.world_source import WorldSource
    source = WorldSource(args.seeds, load_network_config(DEFAULT_MODEL).frustum, _rigs(args),
                         args.keyframes_per_scene)
    shares = ClassShares()
    with _progress(args, 'counting', len(source)) as bar:
        for number in range(len(source)):
            timing = source.timing(number)
            truth = KeyframeBatch.of([timing], torch.device(args.device)).truth(
                timing.world_from_lidar_ego[None])
            shares.add(truth.classes, truth.observed)
            bar.update()
    rows = zip(OCCUPANCY_CLASS_NAMES, shares.shares(), shares.ratios(),
               shares.keyframes.tolist())
    result = {'keyframes': shares.num_keyframes, 'observed': shares.observed_share,
              'free_among_observed': shares.free_share,
              'classes': {name: {'share': share, 'ratio': ratio, 'keyframes': count}
                          for name, share, ratio, count in rows}}
    return result, '\n'.join(shares.lines())


def _bench(args: argparse.Namespace) -> tuple[dict[str, Any], str]:
    """Measure keyframes on one core, or on a GPU."""
    import torch

    from bdc_occ_ros.world.throughput import keyframe_costs, MOST_AT_ONCE
    if not 1 <= args.batch <= MOST_AT_ONCE:
        raise UsageError(f'1 to {MOST_AT_ONCE} keyframes at once are possible; got {args.batch}')
    torch.set_num_threads(1)
    device, rows = torch.device(args.device), []
    for width, height in args.sizes:
        costs = keyframe_costs(args.seeds, _rigs(args), (width, height), args.batch, device)
        rows.append({'size': f'{width}x{height}', 'streamed_per_minute': costs.streamed_per_minute,
                     'with_lidar_per_minute': costs.with_lidar_per_minute,
                     'ms': {part: 1000 * taken for part, taken in costs.seconds.items()}})
    lines = [f'{args.device}, {args.batch} at once; keyframes per minute (and core)',
             f'{"size":>10}{"streamed":>10}{"with LiDAR":>12}  ms per keyframe']
    lines += [f'{row["size"]:>10}{row["streamed_per_minute"]:10.0f}'
              f'{row["with_lidar_per_minute"]:12.0f}  '
              + ', '.join(f'{part} {taken:.1f}' for part, taken in row['ms'].items())
              for row in rows]
    return {'device': args.device, 'batch': args.batch, 'rows': rows}, '\n'.join(lines)


def _rigs(args: argparse.Namespace) -> tuple['CameraRig', ...]:
    """Return the vehicles."""
    from bdc_occ_ros.world.sensor_timing import published_rigs, RIG_NAMES
    return published_rigs(RIG_NAMES if args.rig == 'all' else (args.rig,))


def _progress(args: argparse.Namespace, what: str, total: int) -> 'tqdm':
    """Return a progress bar on standard error."""
    from tqdm import tqdm
    return tqdm(desc=what, total=total, unit='keyframe', disable=args.json)
