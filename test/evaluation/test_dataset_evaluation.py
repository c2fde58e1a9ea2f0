# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A split through a predictor: what is right scores one, what is wrong scores what it should."""

from dataclasses import replace
import json
import os
import subprocess
import sys
import tempfile
from types import SimpleNamespace

from made_scenes import VERSION
import numpy as np
import pytest

from bdc_occ_ros.classes import FREE_LABEL, OCCUPANCY_CLASS_NAMES
from bdc_occ_ros.cli.__main__ import main
from bdc_occ_ros.dataset.nuscenes_dataset import NuscenesDataset
from bdc_occ_ros.dataset.taxonomy import LIDAR
from bdc_occ_ros.datatypes import Occupancy
from bdc_occ_ros.errors import InvalidDatasetError, MeasurementError
from bdc_occ_ros.evaluation.dataset_evaluation import count_answers, Evaluation
from bdc_occ_ros.evaluation.detection_scores import detection_scores, submission_of
from bdc_occ_ros.evaluation.score_report import score_report
from bdc_occ_ros.geometry.voxel_grid import VoxelGrid
from bdc_occ_ros.predictor import Prediction
from bdc_occ_ros.share import share_path

pytest.importorskip('nuscenes', reason='nuscenes-devkit is not installed')

UNTRAINED = str(share_path('config', 'model_bdc_occ_nano.yaml'))


@pytest.fixture
def dataset(made_dataroot):
    return NuscenesDataset(made_dataroot, VERSION, 'check')


class Oracle:
    """Predicts the truth of a data set, spoiled by a function of labels and boxes."""

    def __init__(self, dataset, spoil_labels=lambda labels: labels,
                 spoil_boxes=lambda boxes: boxes):
        self._dataset, self._spoil = dataset, (spoil_labels, spoil_boxes)
        self._keys = {dataset.boxes(key).stamp_ns: key for key in dataset.keys}

    def __call__(self, frame):
        key = self._keys[frame.stamp_ns]
        labels = self._spoil[0](self._dataset.label(key).semantics.copy())
        occupancy = Occupancy(VoxelGrid(), labels, np.ones(labels.shape, bool),
                              OCCUPANCY_CLASS_NAMES, FREE_LABEL, frame.stamp_ns)
        return Prediction(occupancy, self._spoil[1](self._dataset.boxes(key, LIDAR)))


def score(dataset, oracle, with_rays=False, keys=None):
    evaluation = Evaluation(18, FREE_LABEL, VoxelGrid(), with_rays)
    return count_answers(lambda key: oracle(dataset.frame(key)), dataset, keys or dataset.keys,
                         evaluation)


def test_a_full_temporary_folder_is_no_fault_of_the_data_set(dataset, monkeypatch, tmp_path):
    evaluation = score(dataset, Oracle(dataset))
    source = SimpleNamespace(about={}, class_names=OCCUPANCY_CLASS_NAMES, free_label=FREE_LABEL)
    monkeypatch.setattr(tempfile, 'tempdir', str(tmp_path / 'none'))
    with pytest.raises(MeasurementError, match='none: cannot be written'):
        score_report(source, dataset, evaluation)


def test_the_truth_scores_one_everywhere(dataset):
    one = score(dataset, Oracle(dataset), with_rays=True, keys=dataset.keys[:1])
    assert one.rays.mean_iou() == 1.0 and one.rays.num_true[4] > 0
    evaluation = score(dataset, Oracle(dataset))
    assert evaluation.voxels.mean_iou(FREE_LABEL) == 1.0
    assert [sample.mean_iou for sample in evaluation.samples] == [1.0] * len(dataset)
    boxes = detection_scores(dataset, evaluation.boxes)
    assert boxes.average_precisions['car'] == pytest.approx(1.0)
    assert boxes.average_precisions['traffic_cone'] == pytest.approx(1.0)
    assert boxes.average_precisions['bus'] == 0.0  # there is none
    assert boxes.mean_ap == pytest.approx(0.2)


def test_the_worst_samples_are_found(dataset):
    number = iter(range(10))

    def spoil(labels):
        if next(number) == 2:
            labels[:] = FREE_LABEL
        return labels

    evaluation = score(dataset, Oracle(dataset, spoil))
    assert evaluation.worst(1) == [(dataset.keys[2], 0.0)]
    assert evaluation.voxels.iou()[4] == pytest.approx(3 / 4)


def test_boxes_far_off_or_beyond_the_limit_do_not_count(dataset):
    aside = Oracle(dataset, spoil_boxes=lambda boxes: replace(
        boxes, centers_m=boxes.centers_m + np.float32([0.0, 1.5, 0.0])))
    boxes = detection_scores(dataset, score(dataset, aside).boxes)
    assert boxes.average_precisions['car'] == pytest.approx(0.5)  # right at 2 m and 4 m only
    assert boxes.errors['trans_err'] > 0.5
    near = detection_scores(dataset, score(dataset, Oracle(dataset)).boxes, range_limit_m=5.0)
    assert near.average_precisions['car'] == 0.0  # none is as near as that


def test_attributes_velocities_and_sizes_are_those_of_the_devkit(dataset):
    evaluation = score(dataset, Oracle(dataset))
    errors = detection_scores(dataset, evaluation.boxes).errors
    entry = evaluation.boxes[dataset.keys[1].token][0]
    row = dataset.tables.get('sample_annotation',
                             dataset.tables.get('sample', dataset.keys[1].token)['anns'][0])
    assert entry['size'] == pytest.approx(row['size'], abs=1e-6)
    assert entry['translation'] == pytest.approx(row['translation'], abs=1e-3)
    assert np.abs(np.dot(entry['rotation'], row['rotation'])) == pytest.approx(1.0, abs=1e-6)
    assert entry['velocity'] == pytest.approx(
        dataset.tables.box_velocity(row['token'])[:2].tolist(), abs=1e-3)
    assert entry['attribute_name'] == 'vehicle.moving'
    assert max(errors.values()) <= 1.0


def test_parts_of_a_split_add_up_to_the_whole(dataset):
    oracle = Oracle(dataset, lambda labels: np.roll(labels, 1, axis=1))
    whole = score(dataset, oracle)
    first, second = (score(dataset, oracle, keys=dataset.keys[part::2]) for part in (0, 1))
    first.merge(second)
    assert np.array_equal(first.voxels.counts, whole.voxels.counts)
    assert first.boxes.keys() == whole.boxes.keys()
    assert {s.key for s in first.samples} == {s.key for s in whole.samples}


def test_results_for_another_split_are_refused(dataset):
    for results, reason in (({'other': []}, '1 of them for others'), ({}, 'got 0')):
        with pytest.raises(InvalidDatasetError, match=reason):
            detection_scores(dataset, results)


def test_boxes_of_some_samples_count_against_the_objects_of_these(dataset):
    results = score(dataset, Oracle(dataset)).boxes
    one = {dataset.keys[2].token: results[dataset.keys[2].token]}
    assert detection_scores(dataset, one).average_precisions['car'] == pytest.approx(1.0)
    empty = {key.token: [] for key in dataset.keys}
    assert detection_scores(dataset, empty | one).average_precisions['car'] < 0.3


def test_a_network_that_finds_nothing_scores_zero(dataset):
    scores = detection_scores(dataset, {key.token: [] for key in dataset.keys})
    assert (scores.mean_ap, scores.nds) == (0.0, 0.0)
    assert set(scores.average_precisions.values()) == {0.0} and len(scores.errors) == 5
    one_far_off = [dict(score(dataset, Oracle(dataset)).boxes[dataset.keys[0].token][0],
                        translation=[0.0, 0.0, 0.0], detection_score=0.0)]
    same = detection_scores(dataset, {key.token: one_far_off if key == dataset.keys[0] else []
                                      for key in dataset.keys})
    assert same.average_precisions == scores.average_precisions and same.nds == scores.nds


def test_only_the_best_boxes_are_submitted(dataset):
    boxes = dataset.boxes(dataset.keys[0])
    many = replace(boxes, **{
        name: np.repeat(getattr(boxes, name), 300, axis=0) for name in (
            'centers_m', 'sizes_m', 'yaws_rad', 'velocities_mps', 'labels')},
        scores=np.linspace(0, 1, 600))
    entries = submission_of(many, 'a', np.eye(4))
    assert len(entries) == 500 and entries[0]['detection_score'] == 1.0
    assert min(entry['detection_score'] for entry in entries) > 0.16


def test_the_verb_scores_and_draws_and_two_processes_agree(made_dataroot, tmp_path, capsys):
    arguments = ['evaluate', '--dataroot', str(made_dataroot), '--version', VERSION, '--split',
                 'check', '--model', UNTRAINED, '--no-rays', '--json']
    assert main([*arguments, '--pictures', str(tmp_path), '--worst', '1']) == 0
    alone = json.loads(capsys.readouterr().out)
    assert alone['samples'] == 4 and not alone['is_trained']
    assert len(alone['per_class']) == 17 and 'mAP' in alone
    assert [path.suffix for path in tmp_path.iterdir()] == ['.png']
    done = subprocess.run(
        [sys.executable, '-m', 'torch.distributed.run', '--standalone', '--nproc-per-node', '2',
         '-m', 'bdc_occ_ros.cli', *arguments], capture_output=True, text=True, timeout=300,
        env=os.environ | {'OMP_NUM_THREADS': '1', 'TQDM_DISABLE': '1'})
    assert done.returncode == 0, done.stderr
    together = json.loads(done.stdout[done.stdout.index('{'):])
    assert together == alone


def test_a_part_of_a_split_is_scored_into_a_file(made_dataroot, tmp_path, capsys):
    arguments = ['evaluate', '--dataroot', str(made_dataroot), '--version', VERSION, '--split',
                 'learn', '--model', UNTRAINED, '--no-rays', '--samples', '1', '-o']
    assert main([*arguments, str(tmp_path / 'scores.json')]) == 0
    text = capsys.readouterr().out
    assert f'{UNTRAINED} (untrained) on learn: 1 samples' in text and 'AP car' in text
    scores = json.loads((tmp_path / 'scores.json').read_text())
    assert scores['samples'] == 1 and 0.0 <= scores['miou'] <= 100.0 and len(scores['AP']) == 10
    for place in (['-o', str(tmp_path / 'absent' / 'scores.json')], ['-o', str(tmp_path)],
                  ['--pictures', str(tmp_path / 'scores.json')], ['--worst', '0'],
                  ['--gates', str(tmp_path / 'absent' / 'gates.png')]):
        capsys.readouterr()
        assert main([*arguments, str(tmp_path / 'again.json'), *place]) == 2
        assert capsys.readouterr().err.count('\n') == 1  # before anything is evaluated
    assert not (tmp_path / 'again.json').exists()
    assert main(['evaluate', '--dataroot', str(made_dataroot), '--split', 'val',
                 '--model', UNTRAINED]) == 2
