# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Render a drive, run the node on it over DDS, and draw what it saw beside the truth.

Leaves in the output folder: occupancy.png, demo.rrd (for the Rerun viewer), drive (the bag that
was played, with its truth), recording (a bag of what the node published), node.log, demo.json.

Without --model the node's own default network runs, with the weights that come with the package.
Where none do, it is packed with random weights, so that the node computes on bits as it will with
trained ones; where the compiled kernels are switched off as well it runs unpacked. The scene is
none of those that weights are trained or validated on.
"""

import argparse
from dataclasses import asdict
import json
from pathlib import Path
import shutil
from typing import Any, TYPE_CHECKING

from bdc_occ_ros.cli.bag import DEFAULT_SEED, image_size
from bdc_occ_ros.errors import UsageError
from bdc_occ_ros.files import replacing, writing

if TYPE_CHECKING:
    from bdc_occ_ros.bags.recording import Recording
    from bdc_occ_ros.bags.run_report import RunReport
    from bdc_occ_ros.geometry.camera_rig import CameraRig

LEFTOVERS = ('drive', 'recording', 'occupancy.png', 'demo.rrd', 'node.log', 'demo.json',
             'untrained.safetensors')
UNTRAINED = 'The network is untrained: its prediction means nothing yet.'


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument('--output', default='demo', help='folder to write (default demo)')
    parser.add_argument('--seconds', type=float, default=10.0, help='length (default 10)')
    parser.add_argument('--seed', type=int, default=DEFAULT_SEED,
                        help=f'which scene (default {DEFAULT_SEED})')
    parser.add_argument('--size', type=image_size, default=(704, 396), metavar='WxH',
                        help='size of the images (default 704x396)')
    parser.add_argument('--model', default='',
                        help="network name or weights (.safetensors); default: the node's own")
    parser.add_argument('--json', action='store_true', help='print the result as JSON')


def run(args: argparse.Namespace) -> int:
    """Run the demo."""
    from bdc_occ_ros.bags.bag_frames import RigBag
    from bdc_occ_ros.bags.recording import load_recording
    from bdc_occ_ros.bags.run_report import report_run
    from bdc_occ_ros.bags.scene_bag import write_scene_bag
    from bdc_occ_ros.cli.bag import DEFAULT_RIG
    from bdc_occ_ros.geometry.calibration_file import load_calibration
    from bdc_occ_ros.ros.replay.demo import play_to_node, stay_on_this_machine
    from bdc_occ_ros.share import share_path
    from bdc_occ_ros.sync.synthetic_triggers import NUSCENES_OFFSETS_NS

    folder = Path(args.output)
    _clear(folder)
    rig = load_calibration(share_path('config', DEFAULT_RIG)).resized(*args.size)
    write_scene_bag(folder / 'drive', rig, seed=args.seed, seconds=args.seconds,
                    show_progress=not args.json)
    stay_on_this_machine()
    result = play_to_node(folder / 'drive', folder / 'recording', folder / 'node.log',
                          model=args.model or _default_model(folder), show_progress=not args.json)
    recording = load_recording(folder / 'recording')
    report = report_run(RigBag(folder / 'drive').key_stamps_ns(), recording.received_ns,
                        max(NUSCENES_OFFSETS_NS.values()), result.diagnostics, recording.steps_ms)
    inference = result.diagnostics.get('inference', {})
    is_trained = inference.get('is_trained') == 'True'
    summary = asdict(report) | _drawn(folder, recording, rig, args.seed, is_trained) | {
        'is_trained': is_trained, 'backend': inference.get('backend'), 'seed': args.seed,
        'playback': asdict(result.playback), 'node_exit_status': result.exit_status,
        'picture': str(folder / 'occupancy.png'), 'diagnostics': result.diagnostics}
    with replacing(folder / 'demo.json', UsageError) as place:
        place.write_text(json.dumps(summary, indent=2) + '\n')
    _report(args.json, summary, report)
    return 0 if result.exit_status == 0 else 1


def _clear(folder: Path) -> None:
    """Make the folder, and remove what an earlier demo left in it."""
    with writing(folder, UsageError):
        folder.mkdir(parents=True, exist_ok=True)
        for name in LEFTOVERS:
            path = folder / name
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)


def _default_model(folder: Path) -> str:
    """Return the node's own network; without weights, the file of it packed with random ones."""
    from bdc_occ_ros.kernels.build import CPU_BUILDER
    from bdc_occ_ros.network.config import load_network_config
    from bdc_occ_ros.ros.node_config import ModelConfig
    from bdc_occ_ros.weights.loading import load_network, shipped_weights
    from bdc_occ_ros.weights.packed_checkpoint import pack_checkpoint, save_packed

    name = ModelConfig().name
    if shipped_weights(name) is not None or not CPU_BUILDER.is_wanted():
        return name
    network = load_network(load_network_config(name), 'cpu', seed=0).network
    path = folder / 'untrained.safetensors'
    save_packed(path, pack_checkpoint(network, real_dtype='float32', is_trained=False,
                                      source_sha256='', provenance={'weights': 'untrained'}))
    return str(path)


def _drawn(folder: Path, recording: 'Recording', rig: 'CameraRig', seed: int, is_trained: bool
           ) -> dict[str, Any]:
    """Draw the result in the middle, and return the scores of it and of all sets with truth."""
    from bdc_occ_ros.bags import TRUTH_FILE
    from bdc_occ_ros.bags.truth_file import load_truth
    from bdc_occ_ros.drawing.demo_pictures import draw_demo, middle_truth, write_rerun
    from bdc_occ_ros.evaluation.score_report import percent
    from bdc_occ_ros.evaluation.voxel_iou import score_sets

    shown = middle_truth(recording, rig, seed)
    shown_score = score_sets(recording.occupancies, [shown.occupancy]).mean_iou
    scores = score_sets(recording.occupancies, [
        truth.occupancy for truth in load_truth(folder / 'drive' / TRUTH_FILE)])
    notice = '' if is_trained else UNTRAINED
    draw_demo(folder, recording, shown, f'mIoU {100 * shown_score:.1f} %', notice)
    write_rerun(folder, rig, recording, notice)
    return {'miou': percent(scores.mean_iou), 'sets_scored': len(scores.by_stamp),
            'miou_of_picture': percent(shown_score)}


def _report(as_json: bool, summary: dict, report: 'RunReport') -> None:
    """Print the result."""
    if as_json:
        print(json.dumps(summary))
        return
    late = summary['playback']['lateness_ms']
    print(report.as_text())
    print(f'  played late by     p50 {late[0]:.2f} ms   p95 {late[1]:.2f} ms   '
          f'p99 {late[2]:.2f} ms   largest {late[3]:.2f} ms')
    print(f'  computed by        {summary["backend"]}')
    if summary['miou'] is not None:
        print(f'  mIoU               {summary["miou"]:6.1f} %  of the {summary["sets_scored"]} '
              f'sets with truth, {summary["miou_of_picture"]:.1f} % of the one in the picture')
    print(f'  picture            {summary["picture"]}')
    if not summary['is_trained']:
        print(f'  {UNTRAINED}')
    if summary['node_exit_status'] != 0:
        print(f'  the node ended with status {summary["node_exit_status"]}; see node.log')
