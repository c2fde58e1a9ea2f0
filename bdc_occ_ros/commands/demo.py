# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Render a drive, run the node on it over DDS, and draw what it saw.

Leaves in the output folder: occupancy.png, demo.rrd (for the Rerun viewer), drive (the bag that
was played, with its truth), recording (a bag of what the node published), node.log, demo.json.

Without --model the small network is packed with random weights, so that the node computes on bits
as it will with trained ones; where the compiled kernels are switched off it runs unpacked.
"""

import argparse
from dataclasses import asdict
import json
from pathlib import Path
import shutil

LEFTOVERS = ('drive', 'recording', 'occupancy.png', 'demo.rrd', 'node.log', 'demo.json',
             'untrained.safetensors')
DEFAULT_MODEL = 'bdc_occ_nano'
UNTRAINED = 'The network is untrained: its prediction means nothing yet.'


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """
    Declare the arguments.

    :param parser: Parser of this verb.
    """
    from bdc_occ_ros.commands.bag import image_size

    parser.add_argument('--output', default='demo', help='folder to write (default demo)')
    parser.add_argument('--seconds', type=float, default=10.0, help='length (default 10)')
    parser.add_argument('--seed', type=int, default=0, help='which scene (default 0)')
    parser.add_argument('--size', type=image_size, default=(800, 450), metavar='WxH',
                        help='size of the images (default 800x450)')
    parser.add_argument('--model', default='', help='network name or weights (.safetensors); '
                        'default: the small network, untrained and packed')
    parser.add_argument('--json', action='store_true', help='print the result as JSON')


def run(args: argparse.Namespace) -> int:
    """
    Run the demo.

    :param args: Parsed arguments.
    """
    from bdc_occ_ros.bags.scene_bag import num_render_processes
    from bdc_occ_ros.bags.scene_bag import write_scene_bag
    from bdc_occ_ros.calibration_file import load_calibration
    from bdc_occ_ros.camera_rig import CameraRig
    from bdc_occ_ros.commands.bag import DEFAULT_RIG
    from bdc_occ_ros.drawing.demo_results import draw_demo
    from bdc_occ_ros.drawing.demo_results import settle
    from bdc_occ_ros.ros.demo import play_to_node
    from bdc_occ_ros.ros.demo import stay_on_this_machine
    from bdc_occ_ros.share import share_path

    folder = Path(args.output)
    _clear(folder)
    rig = load_calibration(share_path('config', DEFAULT_RIG))
    rig = CameraRig(tuple(c.resized(*args.size) for c in rig.cameras), rig.key_camera)
    write_scene_bag(folder / 'drive', rig, seed=args.seed, seconds=args.seconds,
                    num_processes=num_render_processes(), show_progress=not args.json)
    stay_on_this_machine()
    result = play_to_node(folder / 'drive', folder / 'recording', folder / 'node.log',
                          model=args.model or _untrained(folder), show_progress=not args.json)
    settled = settle(folder, result.diagnostics)
    inference = result.diagnostics.get('inference', {})
    is_trained = inference.get('is_trained') == 'True'
    draw_demo(folder, rig, args.seed, '' if is_trained else UNTRAINED)
    summary = asdict(settled) | {
        'is_trained': is_trained, 'backend': inference.get('backend'),
        'playback': asdict(result.playback), 'node_exit_status': result.exit_status,
        'picture': str(folder / 'occupancy.png'), 'diagnostics': result.diagnostics}
    (folder / 'demo.json').write_text(json.dumps(summary, indent=2) + '\n')
    _report(args.json, summary, settled)
    return 0 if result.exit_status == 0 else 1


def _clear(folder: Path) -> None:
    """Make the folder, and remove what an earlier demo left in it."""
    from bdc_occ_ros.errors import UsageError

    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name in LEFTOVERS:
            path = folder / name
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    except OSError as error:
        raise UsageError(f'{folder} cannot be written: {error}') from error


def _untrained(folder: Path) -> str:
    """Return the file of the small network packed with random weights, or its name."""
    from bdc_occ_ros.config import load_network_config
    from bdc_occ_ros.kernels.extension import is_cpu_library_wanted
    from bdc_occ_ros.network_loading import load_network
    from bdc_occ_ros.packed_checkpoint import pack_checkpoint
    from bdc_occ_ros.packed_checkpoint import save_packed

    if not is_cpu_library_wanted():
        return DEFAULT_MODEL
    network = load_network(load_network_config(DEFAULT_MODEL), 'cpu', seed=0).network
    path = folder / 'untrained.safetensors'
    save_packed(path, pack_checkpoint(network, real_dtype='float32', is_trained=False,
                                      source_sha256='', provenance={'weights': 'untrained'}))
    return str(path)


def _report(as_json: bool, summary: dict, settled: object) -> None:
    """Print the result."""
    from bdc_occ_ros.bags.account import table

    if as_json:
        print(json.dumps(summary))
        return
    late = summary['playback']['lateness_ms']
    print(table(settled))
    print(f'  played late by     p50 {late[0]:.2f} ms   p95 {late[1]:.2f} ms   '
          f'p99 {late[2]:.2f} ms   largest {late[3]:.2f} ms')
    print(f'  computed by        {summary["backend"]}')
    print(f'  picture            {summary["picture"]}')
    if not summary['is_trained']:
        print(f'  {UNTRAINED}')
    if summary['node_exit_status'] != 0:
        print(f'  the node ended with status {summary["node_exit_status"]}; see node.log')
