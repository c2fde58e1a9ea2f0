# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Score a network, or what the node recorded, on a split of a nuScenes data set with Occ3D labels.

Occupancy is scored by mIoU over the voxels that a camera sees and by RayIoU, boxes by nuScenes'
mAP and NDS. The data set may be the real one or one made in its format, with splits of its own
in splits.json. A recorded bag (bdc-occ bag record, while the node saw a bag of the data set) is
matched by the stamps of the key camera; samples of its scenes without a result are named.
Two controls show what a score is worth: the most frequent class per voxel of a training split
(--prior), and the same network with the images of another scene (--other-scene).

Without labels, --lidar scores a network by what a LiDAR met: a keyframe's folder, a nuScenes data
set, or a bag with images, PointCloud2 and TF. Every return in the grid that a camera looks at is a
ray; the first occupied voxel on it counts within 1, 2 and 4 m, ground and the rest apart. Beside
it stand a flat world, the voxel prior of made-up scenes and, of two scenes or more, the network
with the images of another one:

    bdc-occ evaluate --lidar KEYFRAME BAG --model bdc_occ_nano_half --pictures pictures

Several processes share the work when torchrun starts them:

    torchrun --nproc-per-node 4 -m bdc_occ_ros.cli evaluate --dataroot DIR --split val ...
"""

import argparse
from collections.abc import Iterable
import json
import os
from pathlib import Path
from typing import Any, TYPE_CHECKING

from bdc_occ_ros.cli.training_arguments import chosen_device
from bdc_occ_ros.errors import UsageError
from bdc_occ_ros.files import replacing, writing

if TYPE_CHECKING:
    from bdc_occ_ros.dataset.nuscenes_dataset import NuscenesDataset, SampleKey
    from bdc_occ_ros.evaluation.channel_gates import ChannelGates
    from bdc_occ_ros.evaluation.dataset_evaluation import Evaluation
    from bdc_occ_ros.evaluation.lidar_moments import Moment
    from bdc_occ_ros.evaluation.lidar_score import ScoredReturns
    from bdc_occ_ros.evaluation.prediction_sources import PredictionSource
    from bdc_occ_ros.evaluation.process_group import ProcessGroup
    from bdc_occ_ros.predictor import Prediction

OUTCOME_RGB = ((60, 220, 90), (255, 60, 50), (60, 130, 255))  # right, early, missed


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    subject = parser.add_mutually_exclusive_group(required=True)
    subject.add_argument('--dataroot', type=Path, help='folder of the data set')
    subject.add_argument('--lidar', type=Path, nargs='+', metavar='PATH', help='score by the LiDAR'
                         " of keyframes' folders, data sets or bags, without labels")
    parser.add_argument('--version', default='v1.0-trainval', help='folder of its tables '
                        '(default v1.0-trainval)')
    parser.add_argument('--split', default='val', help='which scenes (default val)')
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument('--model', help='weights, or a network by name or file')
    source.add_argument('--bag', type=Path, help='bag of what the node published')
    parser.add_argument('--device', default='cpu', help='cpu, cuda or auto (default cpu)')
    parser.add_argument('--samples', type=int, metavar='N',
                        help='only N samples, evenly spread')
    parser.add_argument('--no-rays', action='store_true', help='leave RayIoU out')
    parser.add_argument('--box-range', type=float, metavar='M',
                        help='score boxes no farther than this, where a grid ends before')
    parser.add_argument('--prior', metavar='SPLIT', help='also score the most frequent class of '
                        'every voxel in the labels of this split, which looks at no image')
    parser.add_argument('--other-scene', action='store_true',
                        help='also score what the network says of images of another scene')
    parser.add_argument('--pictures', type=Path, metavar='DIR',
                        help='draw the worst samples, prediction beside truth; with --lidar '
                        'every moment, its returns green where right, red where something stands '
                        'before them, blue where missed')
    parser.add_argument('--worst', type=int, default=3, metavar='N',
                        help='how many pictures (default 3)')
    parser.add_argument('--gates', type=Path, metavar='PNG',
                        help='draw the learned channel gates')
    parser.add_argument('-o', '--output', type=Path, metavar='FILE',
                        help='write the scores as JSON into a file as well')
    parser.add_argument('--json', action='store_true', help='print JSON instead of a table')


def run(args: argparse.Namespace) -> int:
    """Evaluate and print the scores; with torchrun only the first process prints."""
    from bdc_occ_ros.dataset.nuscenes_dataset import NuscenesDataset
    from bdc_occ_ros.evaluation.process_group import process_group
    from bdc_occ_ros.evaluation.score_report import report_as_text, score_report
    if args.gates is not None and args.bag is not None:
        raise UsageError('--gates belong to a network, which a bag does not hold; give --model')
    if args.worst < 1:
        raise UsageError(f'--worst: at least 1 picture is needed; got {args.worst}')
    _require_writable(args)
    if args.lidar is not None:
        return _score_by_lidar(args)
    dataset = NuscenesDataset(args.dataroot, args.version, args.split)
    source = _source(args, dataset)
    controls = _controls(args, dataset, source)
    with process_group() as group:
        whole = _evaluate(args, dataset, source, group)
        compared = {name: _evaluate(args, dataset, control, group, is_control=True)
                    for name, control in controls.items()}
    if whole is None:
        return 0
    report = score_report(source, dataset, whole, args.box_range)
    report |= {name: score_report(controls[name], dataset, evaluation, args.box_range)
               for name, evaluation in compared.items()}
    _give(args, report, report_as_text(report))
    if args.pictures is not None:
        _draw(args, dataset, source, whole)
    if whole.gates is not None:
        _draw_gates(args, source, whole.gates)
    return 0


def _score_by_lidar(args: argparse.Namespace) -> int:
    """Score a network by LiDAR sweeps, print the scores, and draw the returns."""
    from tqdm import tqdm

    from bdc_occ_ros.dataset.batch import evenly_spread
    from bdc_occ_ros.evaluation.lidar_evaluation import lidar_report_as_text, score_by_lidar
    from bdc_occ_ros.evaluation.lidar_moments import moments_in
    from bdc_occ_ros.predictor import Predictor
    if args.model is None:
        raise UsageError('--lidar scores a network; give --model')
    chosen_device(args.device)
    moments = [moment for path in args.lidar
               for moment in moments_in(path, args.version, args.split)]
    moments = [moments[place] for place in evenly_spread(args.samples, len(moments))]
    with tqdm(total=len(moments), desc='following rays', disable=args.json) as bar:
        def observe(*scored: Any) -> None:
            if args.pictures is not None:
                _draw_returns(args.pictures, *scored)
            bar.update()
        predictor = Predictor(args.model, device=args.device)
        report = {'model': str(args.model), 'weights_sha256': predictor.weights_sha256,
                  **score_by_lidar(predictor, moments, observe)}
    _give(args, report, lidar_report_as_text(
        {name: part for name, part in report.items() if isinstance(part, dict)}))
    return 0


def _give(args: argparse.Namespace, report: dict[str, Any], text: str) -> None:
    """Write a report where it is wanted, and print it."""
    document = json.dumps(report, indent=2)
    if args.output is not None:
        with replacing(args.output, UsageError) as place:
            place.write_text(f'{document}\n')
    print(document if args.json else text)


def _draw_returns(folder: Path, moment: 'Moment', prediction: 'Prediction',
                  returns: 'ScoredReturns') -> None:
    """Draw the returns of a sweep into its images, by how their rays end."""
    import numpy as np

    from bdc_occ_ros.drawing.perspective import ColoredPoints
    from bdc_occ_ros.drawing.sheet import Column, draw_sheet, Overlay
    colors = np.array(OUTCOME_RGB, np.uint8)[returns.outcomes]
    overlay = Overlay(points=ColoredPoints(returns.points_m, colors),
                      fixed_from_ego=moment.frame.fixed_from_output)
    draw_sheet(folder / f'{moment.name}.png', f'{moment.name}: returns right (green), blocked '
               'early (red), missed (blue)', moment.frame, overlay,
               (Column('prediction', *prediction),))


def _require_writable(args: argparse.Namespace) -> None:
    """Refuse outputs that cannot be written before the evaluation starts."""
    for path in (args.output, args.gates):
        if path is not None and (path.is_dir() or not os.access(
                path if path.exists() else path.parent, os.W_OK)):
            raise UsageError(f'{path} cannot be written: it is closed or a folder, or its folder '
                             'is missing or closed')
    if args.pictures is not None:
        with writing(args.pictures, UsageError):
            args.pictures.mkdir(parents=True, exist_ok=True)


def _source(args: argparse.Namespace, dataset: 'NuscenesDataset') -> 'PredictionSource':
    """Return the source of the predictions that are scored."""
    if args.bag is not None:
        from bdc_occ_ros.evaluation.prediction_sources import RecordingSource
        return RecordingSource(args.bag, dataset)
    from bdc_occ_ros.evaluation.prediction_sources import NetworkSource
    from bdc_occ_ros.predictor import Predictor
    chosen_device(args.device)
    return NetworkSource(Predictor(args.model, device=args.device), dataset, str(args.model))


def _controls(args: argparse.Namespace, dataset: 'NuscenesDataset', source: 'PredictionSource'
              ) -> dict[str, 'PredictionSource']:
    """Return what else is scored on the same samples."""
    from bdc_occ_ros.dataset.nuscenes_dataset import NuscenesDataset
    from bdc_occ_ros.evaluation.controls import OtherSceneSource, PriorSource
    controls: dict[str, PredictionSource] = {}
    if args.prior is not None:
        learned_from = NuscenesDataset(args.dataroot, args.version, args.prior)
        controls['voxel_prior'] = PriorSource(learned_from, dataset, source.keys)
    if args.other_scene:
        controls['other_scene'] = OtherSceneSource(source)
    return controls


def _evaluate(args: argparse.Namespace, dataset: 'NuscenesDataset', source: 'PredictionSource',
              group: 'ProcessGroup', is_control: bool = False) -> 'Evaluation | None':
    """Evaluate this process' share of the samples; the first process returns the whole."""
    from tqdm import tqdm

    from bdc_occ_ros.dataset.batch import evenly_spread
    from bdc_occ_ros.evaluation.dataset_evaluation import count_answers, Evaluation
    chosen = [source.keys[place] for place in evenly_spread(args.samples, len(source.keys))]
    with_rays = len(source.class_names) > 1 and not args.no_rays and not is_control
    evaluation = Evaluation(len(source.class_names), source.free_label, source.grid, with_rays)
    keys = chosen[group.rank::group.size]
    bar = tqdm(keys, 'control' if is_control else 'evaluating', unit='sample',
               disable=group.rank > 0 or args.json)
    if args.gates is None or is_control:
        count_answers(source, dataset, bar, evaluation)
    else:
        _count_with_gates(source, dataset, bar, evaluation)
    parts = group.gather(evaluation)
    if parts is None:
        return None
    whole, *others = parts
    for part in others:
        whole.merge(part)
    return whole


def _count_with_gates(source: 'PredictionSource', dataset: 'NuscenesDataset',
                      keys: 'Iterable[SampleKey]', evaluation: 'Evaluation') -> None:
    """Count what is right, and note the channel gates of every sample."""
    from bdc_occ_ros.evaluation.channel_gates import record_gates
    from bdc_occ_ros.evaluation.dataset_evaluation import count_answers
    with record_gates(source.network) as evaluation.gates:
        count_answers(source, dataset, keys, evaluation)
    for sample in evaluation.samples:
        label = dataset.label(sample.key)
        evaluation.gates.describe(sample.key.scene_name, label.semantics[label.mask_camera],
                                  len(source.class_names))


def _draw(args: argparse.Namespace, dataset: 'NuscenesDataset', source: 'PredictionSource',
          evaluation: 'Evaluation') -> None:
    """Draw the samples that went worst."""
    from bdc_occ_ros.dataset.taxonomy import LIDAR
    from bdc_occ_ros.datatypes import Occupancy
    from bdc_occ_ros.drawing.sheet import Column, draw_sheet, Overlay
    for place, (key, score) in enumerate(evaluation.worst(args.worst), start=1):
        frame, label = dataset.frame(key), dataset.label(key)
        prediction, boxes = source(key), dataset.boxes(key, LIDAR)
        overlay = Overlay(boxes, fixed_from_ego=dataset.world_from_ego(key, LIDAR))
        true, said = (Occupancy(source.grid, labels, label.mask_camera, source.class_names,
                                source.free_label, frame.stamp_ns)
                      for labels in (label.semantics, prediction.occupancy.labels))
        draw_sheet(args.pictures / f'worst_{place}_{key.token[:8]}.png',
                   f'{key.scene_name}: mIoU {100 * score:.1f}', frame, overlay,
                   (Column('truth', true, boxes), Column('prediction', said, prediction.boxes)),
                   '' if source.about.get('is_trained', True) else 'untrained')


def _draw_gates(args: argparse.Namespace, source: 'PredictionSource', gates: 'ChannelGates'
                ) -> None:
    """Draw the channel gates of the units."""
    from bdc_occ_ros.drawing.gate_picture import draw_gates
    draw_gates(args.gates, f'channel gates of {args.model}', gates, source.class_names)
