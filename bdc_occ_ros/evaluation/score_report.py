# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Report all scores of an evaluation, as text and as JSON."""

from collections.abc import Mapping
import math
from typing import Any

from bdc_occ_ros.dataset.nuscenes_dataset import NuscenesDataset
from bdc_occ_ros.evaluation.dataset_evaluation import Evaluation
from bdc_occ_ros.evaluation.detection_scores import detection_scores
from bdc_occ_ros.evaluation.prediction_sources import PredictionSource

NUM_NAMED = 5
CONTROLS = {'voxel_prior': 'voxel prior', 'other_scene': 'other scene'}


def score_report(source: PredictionSource, dataset: NuscenesDataset, evaluation: Evaluation,
                 box_range_m: float | None = None) -> dict[str, Any]:
    """
    Return all scores: miou, per_class and rayiou in percent, mAP and NDS from 0 to 1.

    :param box_range_m: Cap on the ranges in which boxes count.
    """
    report = source.about | {
        'split': dataset.split, 'samples': len(evaluation.samples),
        'unmatched_samples': [f'{key.scene_name}/{key.token}' for key in evaluation.unanswered]}
    if evaluation.voxels.counts.any():
        names = zip(source.class_names, evaluation.voxels.iou())
        report['miou'] = percent(evaluation.voxels.mean_iou(source.free_label))
        report['per_class'] = {name: percent(score) for label, (name, score) in enumerate(names)
                               if label != source.free_label}
        if evaluation.rays is not None:
            report['rayiou'] = percent(evaluation.rays.mean_iou())
    if evaluation.boxes:
        boxes = detection_scores(dataset, evaluation.boxes, box_range_m)
        report |= {'mAP': boxes.mean_ap, 'NDS': boxes.nds, 'AP': dict(boxes.average_precisions),
                   'errors': {name: None if math.isnan(error) else error
                              for name, error in boxes.errors.items()}}
    return report


def percent(score: float) -> float | None:
    """Return a score from 0 to 1 on the scale of a hundred; None for nan."""
    return None if math.isnan(score) else 100.0 * float(score)


def report_as_text(report: Mapping[str, Any]) -> str:
    """Format the scores as text."""
    subject = report.get('model', report.get('bag'))
    state = '' if report.get('is_trained', True) else ' (untrained)'
    lines = [f'{subject}{state} on {report["split"]}: {report["samples"]} samples']
    if unmatched := report['unmatched_samples']:
        more = ' ...' if len(unmatched) > NUM_NAMED else ''
        lines.append(f'  {len(unmatched)} samples without a result: '
                     f'{", ".join(unmatched[:NUM_NAMED])}{more}')
    for name in ('miou', 'rayiou', 'mAP', 'NDS'):
        if report.get(name) is not None:
            lines.append(f'  {name:22}{report[name]:8.3f}')
    lines += [f'  miou, {words:16}{report[name]["miou"]:8.3f}' for name, words in CONTROLS.items()
              if report.get(name, {}).get('miou') is not None]
    for name, score in report.get('per_class', {}).items():
        lines.append(f'    {name:20}' + ('       -' if score is None else f'{score:8.2f}'))
    for name, score in report.get('AP', {}).items():
        lines.append(f'    AP {name:17}{score:8.3f}')
    if 'mAP' in report and not report.get('has_velocities', True):
        lines.append('  velocities were not recorded (topic detections/markers): NDS takes every '
                     'object as standing')
    return '\n'.join(lines)
