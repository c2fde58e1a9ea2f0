# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Networks of a sweep see the same, go on where they stopped, and are compared by sample."""

import dataclasses
import json

from made_source import MadeSource
import numpy as np
import pytest
import torch

from bdc_occ_ros.bench.machine import describe_machine
from bdc_occ_ros.errors import InvalidConfigError, InvalidTrainingStateError, InvalidWeightsError
from bdc_occ_ros.evaluation.voxel_iou import ConfusionMatrix
from bdc_occ_ros.network.config import load_network_config
from bdc_occ_ros.network.cost import profile_network, total_cost
from bdc_occ_ros.network.network import OccupancyNetwork
from bdc_occ_ros.training.forward import run_network
from bdc_occ_ros.training.recipe import Recipe
from bdc_occ_ros.training.saved_training import samples_seen_by
from bdc_occ_ros.training.source_scores import SourceScores
from bdc_occ_ros.training.sweep import (
    Entry,
    load_scores,
    load_sweep,
    planned,
    Samples,
    SweepConfig,
    train_and_score,
)
from bdc_occ_ros.training.sweep_table import rows_as_json, rows_as_text, sweep_rows
from bdc_occ_ros.weights.checkpoint import Checkpoint, load_checkpoint, restore_network

CPU = torch.device('cpu')
RECIPE = Recipe(steps=3, batch=2, warmup_steps=1, precision='float32', bn_batches=1)
REACTNET = ('nano.bev_unit.version=0', 'nano.bev_unit.binarizer.before_sign=shift',
            'nano.bev_unit.binarizer.sign_gradient=polynomial',
            'nano.bev_unit.binarizer.activation=after_sum')


class AskedSource(MadeSource):
    """Keeps what it was asked for."""

    def __init__(self, config):
        super().__init__(config, 6)
        self.asked = []

    def load(self, numbers, device):
        self.asked += numbers
        return super().load(numbers, device)


def samples_for(model):
    config = load_network_config(model)
    return Samples(AskedSource(config), 'made', AskedSource(config), [0, 2, 3], 'other')


def sweep_of(model, *entries, seeds=(0,)):
    return SweepConfig(str(model), RECIPE, tuple(Entry(*entry) for entry in entries), seeds)


def carry_out(training, samples, folder, seconds=None):
    return train_and_score(training, samples, folder, CPU, seconds=seconds, workers=0,
                           machine=describe_machine(1), observe=lambda report: None)


def test_all_networks_take_the_same_samples_and_get_rows(tiny_model, tmp_path):
    sweep = sweep_of(tiny_model, ('v3',), ('fp', ('nano.bev_unit.is_binary=false',)),
                     ('reactnet', REACTNET))
    samples, asked = samples_for(tiny_model), []
    for training in planned(sweep):
        assert carry_out(training, samples, tmp_path)
        asked.append(samples.source.asked[:])
        samples.source.asked.clear()
    assert asked[0] == asked[1] == asked[2] and len(asked[0]) == 3 * 2 + 2
    results = [(training, load_scores(training, samples, tmp_path))
               for training in planned(sweep)]
    assert all(scores.counts.shape == (3, 18, 18) for _, scores in results)
    observed = samples.validation.load(samples.numbers, CPU).observed
    assert all(scores.counts.sum() == observed.sum() for _, scores in results)
    rows = sweep_rows(results, 'abc', 'v3')
    for row, (training, scores) in zip(rows, results):
        whole = ConfusionMatrix(18)
        whole.counts += scores.counts.sum(axis=0)
        assert row.miou.value == pytest.approx(100 * whole.mean_iou(17))
        cost = total_cost(profile_network(training.config))
        assert row.cost == cost
        assert row.gain.value == pytest.approx(row.miou.value - rows[0].miou.value)
    assert [row.cost.macs_1bit > 0 for row in rows] == [True, False, True]
    assert [line.split()[0] for line in rows_as_text(rows).splitlines()] == [
        'network', 'v3', 'fp', 'reactnet']
    assert rows[0].samples_seen == 6 and set(rows[0].average_precisions) >= {'car', 'bus'}


def test_counts_are_those_of_the_weights_that_were_written(tiny_model, tmp_path):
    sweep = sweep_of(tiny_model, ('v3',))
    training, = planned(dataclasses.replace(sweep, recipe=dataclasses.replace(
        RECIPE, precision='bfloat16')))
    samples = samples_for(tiny_model)
    carry_out(training, samples, tmp_path)
    network = restore_network(load_checkpoint(tmp_path / training.folder / 'weights.safetensors'))
    counts = load_scores(training, samples, tmp_path).counts
    for place, number in enumerate(samples.numbers):
        batch = samples.validation.load([number], CPU)
        with torch.no_grad():
            said = run_network(network, batch, 'float32').occupancy_logits.argmax(dim=-1)
        expected = np.zeros((18, 18), int)
        np.add.at(expected, (batch.semantics[batch.observed].int(), said[batch.observed]), 1)
        assert np.array_equal(counts[place], expected) and (expected > 0).sum() > 4


def test_a_stopped_training_goes_on_to_the_same_scores(tiny_model, tmp_path):
    training, = planned(sweep_of(tiny_model, ('v1', ('nano.bev_unit.version=1',))))
    samples = samples_for(tiny_model)
    assert carry_out(training, samples, tmp_path / 'whole')
    sessions = 1
    while not carry_out(training, samples, tmp_path / 'parts', seconds=0.0):
        assert load_scores(training, samples, tmp_path / 'parts') is None
        sessions += 1
    assert sessions == RECIPE.steps
    whole, parts = (load_scores(training, samples, tmp_path / name) for name in ('whole', 'parts'))
    assert np.array_equal(whole.counts, parts.counts)
    assert whole.average_precisions == parts.average_precisions
    samples.source.asked.clear()
    assert carry_out(training, samples, tmp_path / 'whole') and not samples.source.asked
    other = dataclasses.replace(samples, data='something else')
    with pytest.raises(InvalidTrainingStateError, match='holds the scores of another'):
        carry_out(training, other, tmp_path / 'whole')
    (tmp_path / 'whole' / training.folder / 'scores.json').write_text('{')
    with pytest.raises(InvalidTrainingStateError, match='remove the scores and sweep again'):
        load_scores(training, samples, tmp_path / 'whole')


def test_first_weights_are_taken_over_and_their_samples_count(tiny_model, tmp_path):
    still = dataclasses.replace(RECIPE, learning_rate=1e-12, bn_batches=0, ema_start=0)
    sweep = dataclasses.replace(sweep_of(tiny_model, ('v3',)), recipe=still)
    training, = planned(sweep)
    samples = samples_for(tiny_model)
    trained = OccupancyNetwork(training.config)
    first = Checkpoint(training.config, trained.state_dict(), {'samples_seen': '400'})
    assert carry_out(training, dataclasses.replace(samples, first_weights=first), tmp_path)
    written = load_checkpoint(tmp_path / training.folder / 'weights.safetensors').tensors
    name = 'img_bev_encoder_backbone.stages.0.0.binary_conv_relu.0.weight'
    torch.testing.assert_close(written[name], trained.state_dict()[name])
    with pytest.raises(InvalidTrainingStateError, match='holds the scores of another'):
        load_scores(training, samples, tmp_path)
    moved = {name: tensor + 1 for name, tensor in first.tensors.items()}
    others = dataclasses.replace(samples, first_weights=dataclasses.replace(first, tensors=moved))
    with pytest.raises(InvalidTrainingStateError, match='holds the scores of another'):
        load_scores(training, others, tmp_path)
    scores = SourceScores(np.ones((1, 18, 18), int), {})
    assert sweep_rows([(training, scores)], 'a', training.entry, 400)[0].samples_seen == 406


@pytest.mark.parametrize('said', ['many', '', '-1', '9' * 5000])
def test_samples_that_are_no_number_are_refused(said):
    with pytest.raises(InvalidWeightsError, match='samples_seen .*, which is no number'):
        samples_seen_by(Checkpoint(None, {}, {'samples_seen': said}))


def test_rows_are_means_over_seeds_and_compare_the_seeds_that_both_have(tiny_model):
    sweep = sweep_of(tiny_model, ('a',), ('b', REACTNET), seeds=(3, 5))
    right, wrong = np.zeros((4, 18, 18), int), np.zeros((4, 18, 18), int)
    right[:, 4, 4] = 10
    wrong[:, 4, 4], wrong[:, 4, 17] = 4, 6
    plans = list(planned(sweep))
    assert [(p.entry, p.recipe.seed) for p in plans] == [('a', 3), ('b', 3), ('a', 5), ('b', 5)]
    scores = [SourceScores(counts, {'car': precision}) for counts, precision in (
        (right, 0.5), (wrong, 0.1), (wrong, 0.3))]
    # b with seed 5 is not there yet
    first, second = sweep_rows(list(zip(plans, scores)), 'abcd', 'a')
    assert first.miou == pytest.approx((70, 70, 70)) and first.miou_by_seed == pytest.approx(
        (100, 40))
    assert second.miou.value == pytest.approx(40) and second.gain == pytest.approx((-60,) * 3)
    assert (first.mean_ap, second.mean_ap) == pytest.approx((0.4, 0.1))
    _, behind = sweep_rows([(plans[0], scores[0]), (plans[3], scores[2])], 'abcd', 'a')
    assert behind.gain is None and behind.seeds == (5,)
    document = json.loads(json.dumps(rows_as_json([first, second])))
    assert document[0]['macs_1bit'] == first.cost.macs_1bit and document[0]['gain']['low'] == 0
    assert document[1]['gain'] == pytest.approx({'value': -60, 'low': -60, 'high': -60})
    alone, = sweep_rows([(plans[1], scores[1])], 'abcd', 'a')  # a failed: nothing to compare with
    assert alone.name == 'b' and alone.gain is None
    assert sweep_rows([], 'abcd', 'a') == []


def test_samples_of_one_scene_are_drawn_together(tiny_model):
    training, = planned(sweep_of(tiny_model, ('a',)))
    counts = np.random.default_rng(0).integers(0, 9, (6, 18, 18)) + 20 * np.eye(18, dtype=int)
    alone, = sweep_rows([(training, SourceScores(counts, {}))], 'abcdef', 'a')
    again, = sweep_rows([(training, SourceScores(np.repeat(counts, 5, axis=0), {}))],
                        [name for name in 'abcdef' for _ in range(5)], 'a')
    assert again.miou == pytest.approx(alone.miou)  # five times the samples, no new streets


def test_lists_are_read_and_checked(tiny_model, tmp_path):
    path = tmp_path / 'list.json'
    values = {'model': str(tiny_model), 'recipe': {'steps': 3}, 'seeds': [0, 1],
              'entries': [{'name': 'fp', 'changes': ['nano.bev_unit.is_binary=false']}]}
    path.write_text(json.dumps(values))
    sweep = load_sweep(path)
    assert [p.config.nano.bev_unit.is_binary for p in planned(sweep)] == [False, False]
    for change, reason in (({'entries': [{'name': 'a'}, {'name': 'a'}]}, 'names of their own'),
                           ({'entries': [{'name': '../a'}]}, 'names become folders'),
                           ({'seeds': []}, 'different seeds'),
                           ({'steps': 3}, 'unknown keys')):
        path.write_text(json.dumps(values | change))
        with pytest.raises(InvalidConfigError, match=reason):
            load_sweep(path)
    with pytest.raises(InvalidConfigError, match='all networks take the same samples'):
        list(planned(sweep_of(tiny_model, ('small', ('image.height_px=16',)))))
    with pytest.raises(InvalidConfigError, match='has no voxels'):
        list(planned(sweep_of('bdc_det_t', ('boxes',))))
