# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Score a network on a split of a nuScenes data set with Occ3D labels.

Occupancy is scored by mIoU over the voxels that a camera sees and by RayIoU, boxes by nuScenes'
mAP and NDS. The data set may be the real one or one made in its format, with splits of its own
in splits.json. Several processes share the work when torchrun starts them:

    torchrun --nproc-per-node 4 -m bdc_occ_ros.cli evaluate --dataroot DIR --split val ...
"""

import argparse
import json
import math
from pathlib import Path
from typing import Any
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bdc_occ_ros.dataset.nuscenes_dataset import NuscenesDataset
    from bdc_occ_ros.evaluation.dataset_evaluation import Evaluation
    from bdc_occ_ros.predictor import Predictor


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """
    Declare the arguments.

    :param parser: Parser of the verb.
    """
    parser.add_argument('--dataroot', type=Path, required=True, help='folder of the data set')
    parser.add_argument('--version', default='v1.0-trainval', help='folder of its tables '
                        '(default v1.0-trainval)')
    parser.add_argument('--split', default='val', help='which scenes (default val)')
    parser.add_argument('--model', required=True, help='weights, or a network by name or file')
    parser.add_argument('--device', default='cpu', help='cpu, cuda or auto (default cpu)')
    parser.add_argument('--samples', type=int, metavar='N',
                        help='only N samples, evenly spread; boxes are then not scored')
    parser.add_argument('--no-rays', action='store_true', help='leave RayIoU out')
    parser.add_argument('--box-range', type=float, metavar='M',
                        help='score boxes no farther than this, where a grid ends before')
    parser.add_argument('--pictures', type=Path, metavar='DIR',
                        help='draw the worst samples, prediction beside truth')
    parser.add_argument('--worst', type=int, default=3, metavar='N',
                        help='how many pictures (default 3)')
    parser.add_argument('--json', action='store_true', help='print JSON')


def run(args: argparse.Namespace) -> int:
    """
    Evaluate and print the scores; with torchrun only the first process prints.

    :param args: Parsed arguments.
    :return: Exit status 0.
    :raises InvalidDatasetError: if the data set cannot be used.
    """
    from bdc_occ_ros.dataset.nuscenes_dataset import NuscenesDataset
    from bdc_occ_ros.evaluation.process_group import process_group
    from bdc_occ_ros.predictor import Predictor
    dataset = NuscenesDataset(args.dataroot, args.version, args.split)
    predictor = Predictor(args.model, device=args.device)
    with process_group() as group:
        parts = group.gather(_evaluate(args, dataset, predictor, group.rank, group.size))
    if parts is None:
        return 0
    whole, *others = parts
    for part in others:
        whole.merge(part)
    if args.pictures is not None:
        _draw(args, dataset, predictor, whole)
    report = _report(args, dataset, predictor, whole)
    print(json.dumps(report, indent=2) if args.json else _as_text(report))
    return 0


def _evaluate(args: argparse.Namespace, dataset: 'NuscenesDataset', predictor: 'Predictor',
              rank: int, size: int) -> 'Evaluation':
    """Evaluate this process' share of the samples."""
    from tqdm import tqdm

    from bdc_occ_ros.datatypes import VoxelGrid
    from bdc_occ_ros.evaluation.dataset_evaluation import empty_evaluation
    from bdc_occ_ros.evaluation.dataset_evaluation import evaluate_samples
    count = len(dataset) if args.samples is None else min(args.samples, len(dataset))
    chosen = [dataset.keys[index * len(dataset) // count] for index in range(count)]
    head = predictor.config.occupancy
    with_rays = head is not None and not args.no_rays
    grid = VoxelGrid() if head is None else predictor.config.voxel_grid()
    evaluation = empty_evaluation(*((1, 0) if head is None else (head.num_classes,
                                                                 head.free_label)),
                                  grid, with_rays)
    bar = tqdm(chosen[rank::size], 'evaluating', unit='sample', disable=rank > 0 or args.json)
    return evaluate_samples(predictor, dataset, bar, evaluation)


def _report(args: argparse.Namespace, dataset: 'NuscenesDataset', predictor: 'Predictor',
            evaluation: 'Evaluation') -> dict[str, Any]:
    """Return all scores, in percent where the field gives them so."""
    report: dict[str, Any] = {'model': str(args.model), 'is_trained': predictor.is_trained,
                              'split': args.split, 'samples': len(evaluation.samples)}
    head = predictor.config.occupancy
    if head is not None:
        scores = evaluation.voxels.iou()
        report['miou'] = _percent(evaluation.voxels.mean_iou(head.free_label))
        report['per_class'] = {name: _percent(score)
                               for name, score in zip(head.class_names, scores)
                               if name != head.class_names[head.free_label]}
        if evaluation.rays is not None:
            report['rayiou'] = _percent(evaluation.rays.mean_iou())
    if evaluation.boxes and len(evaluation.boxes) == len(dataset):
        from bdc_occ_ros.evaluation.detection_scores import detection_scores
        boxes = detection_scores(dataset, evaluation.boxes, args.box_range)
        report |= {'mAP': boxes.mean_ap, 'NDS': boxes.nds, 'AP': dict(boxes.average_precisions),
                   'errors': dict(boxes.errors)}
    return report


def _draw(args: argparse.Namespace, dataset: 'NuscenesDataset', predictor: 'Predictor',
          evaluation: 'Evaluation') -> None:
    """Draw the samples that went worst."""
    from bdc_occ_ros.datatypes import Occupancy
    from bdc_occ_ros.drawing.sheet import Column
    from bdc_occ_ros.drawing.sheet import draw_sheet
    args.pictures.mkdir(parents=True, exist_ok=True)
    for place, (key, score) in enumerate(evaluation.worst(args.worst), start=1):
        frame, label = dataset.frame(key), dataset.label(key)
        prediction, boxes = predictor(frame), dataset.boxes(key)
        said = prediction.occupancy
        true = Occupancy(said.grid, label.semantics, label.mask_camera, said.class_names,
                         said.free_label, frame.stamp_ns)
        seen = Occupancy(said.grid, said.labels, label.mask_camera, said.class_names,
                         said.free_label, frame.stamp_ns)
        draw_sheet(args.pictures / f'worst_{place}_{key.token[:8]}.png',
                   f'{key.scene_name}: mIoU {100 * score:.1f}', frame, boxes,
                   (Column('truth', true, boxes), Column('prediction', seen, prediction.boxes)),
                   '' if predictor.is_trained else 'untrained')


def _percent(score: float) -> float | None:
    """Return a score on the scale of a hundred; None where there is none."""
    return None if math.isnan(score) else 100.0 * float(score)


def _as_text(report: dict[str, Any]) -> str:
    """Lay the scores out for people."""
    state = '' if report['is_trained'] else ' (untrained)'
    lines = [f'{report["model"]}{state} on {report["split"]}: {report["samples"]} samples']
    for name in ('miou', 'rayiou', 'mAP', 'NDS'):
        if report.get(name) is not None:
            lines.append(f'  {name:22}{report[name]:8.3f}')
    for name, score in report.get('per_class', {}).items():
        lines.append(f'    {name:20}' + ('       -' if score is None else f'{score:8.2f}'))
    for name, score in report.get('AP', {}).items():
        lines.append(f'    AP {name:17}{score:8.3f}')
    return '\n'.join(lines)
