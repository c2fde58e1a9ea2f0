# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Training itself: it learns, it stops when it must, and it goes on as if it had not stopped."""

from dataclasses import replace
import json

import pytest
import torch

from bdc_occ_ros.errors import InvalidConfigError, InvalidTrainingStateError, NonFiniteLossError
from bdc_occ_ros.network.network import OccupancyNetwork
from bdc_occ_ros.training.augmentation import AugmentationConfig
from bdc_occ_ros.training.forward import run_network
from bdc_occ_ros.training.loop import run_training, TrainingLog, TrainingSession, Validation
from bdc_occ_ros.training.losses import IGNORED_LABEL
from bdc_occ_ros.training.recipe import LossWeights, Recipe
from bdc_occ_ros.training.saved_training import Origin, resume_training, save_training
from bdc_occ_ros.training.source_scores import score_source
from bdc_occ_ros.training.trainer import Trainer

CPU = torch.device('cpu')
RECIPE = Recipe(steps=4, batch=4, micro_batch=2, warmup_steps=2, seed=3,
                augmentation=AugmentationConfig(mirror=0.5))


def equal(first, second):
    return all(torch.equal(a, b) for a, b in zip(first.state_dict().values(),
                                                 second.state_dict().values(), strict=True))


def train(trainer, folder, **settings):
    reports = []
    is_resumed = settings.pop('is_resumed', False)
    session = TrainingSession(folder, settings.pop('origin', Origin('made')), log_every=1,
                              **settings)
    return run_training(trainer, session, is_resumed=is_resumed, observe=reports.append), reports


def test_one_batch_is_learned_by_heart(tiny_config, made_source):
    recipe = Recipe(steps=60, batch=2, warmup_steps=5, learning_rate=1e-2, ema_start=0,
                    precision='float32')
    trainer = Trainer(tiny_config, recipe, made_source, CPU)
    batch = made_source.load([0, 1], CPU)
    trainer.load_batch = trainer._batches._load = lambda step: batch
    reports = [trainer.take_step() for _ in range(60)]
    first, last = reports[0].parts, reports[-1].parts
    assert set(first) == {'occupancy', 'heatmap', 'boxes', 'depth'}
    assert last['occupancy'] < 0.15 * first['occupancy']
    assert last['heatmap'] < 0.1 * first['heatmap'] and last['boxes'] < 0.5 * first['boxes']
    assert last['depth'] < first['depth']


@pytest.mark.parametrize('workers', [0, 2])
def test_a_stopped_training_ends_with_the_same_bits(tiny_config, made_source, tmp_path, workers):
    through = Trainer(tiny_config, RECIPE, made_source, CPU)
    is_complete, whole = train(through, tmp_path)
    assert is_complete and len(whole) == 4
    folder = tmp_path / 'stopped'
    folder.mkdir()
    steps = []
    for session in range(4):
        trainer = Trainer(tiny_config, RECIPE, made_source, CPU, workers=workers)
        is_complete, reports = train(trainer, folder, seconds=0.0, is_resumed=session > 0)
        steps += reports
        assert is_complete == (session == 3) and len(reports) == 1
    assert steps == whole
    assert equal(trainer.network, through.network)
    assert equal(trainer.averaged.network, through.averaged.network)
    assert not equal(trainer.network, trainer.averaged.network)
    lines = [json.loads(line) for line in (folder / 'log.jsonl').read_text().splitlines()]
    assert [line['step'] for line in lines] == [1, 2, 3, 4]
    assert lines[-1]['samples'] == 16 and lines[-1]['loss'] == whole[-1].loss


def test_log_lines_after_the_last_saved_step_are_taken_back(tiny_config, made_source, tmp_path):
    train(Trainer(tiny_config, RECIPE, made_source, CPU), tmp_path, seconds=0.0)
    with (tmp_path / 'log.jsonl').open('a') as file:
        file.write('{"step": 2, "loss": 7}\n{"step": 3, "lo')
    train(Trainer(tiny_config, RECIPE, made_source, CPU), tmp_path, seconds=0.0, is_resumed=True)
    steps = [json.loads(line) for line in (tmp_path / 'log.jsonl').read_text().splitlines()]
    assert [line['step'] for line in steps] == [1, 2] and steps[1]['loss'] != 7


@pytest.mark.parametrize('line', ['{"step": 1, "lo', '[1]', '{"loss": 7}', '{"step": "1"}'])
def test_a_log_that_is_damaged_is_named(tmp_path, line):
    (tmp_path / 'log.jsonl').write_text(f'{{"step": 1}}\n{line}\n')
    with pytest.raises(InvalidTrainingStateError, match='log.jsonl: .*; every line is a JSON'):
        TrainingLog(tmp_path, 1)


def test_no_validation_is_lost_to_a_stop_within_it(tiny_config, made_source, tmp_path):
    class Broken:
        def load(self, numbers, device):
            if numbers_seen.append(numbers) or len(numbers_seen) == 2:
                raise KeyboardInterrupt
            return made_source.load(numbers, device)
    numbers_seen, settings = [], {'save_every': 1, 'validation': Validation(Broken(), [0], 1)}
    with pytest.raises(KeyboardInterrupt):
        train(Trainer(tiny_config, RECIPE, made_source, CPU), tmp_path, **settings)
    trainer = Trainer(tiny_config, RECIPE, made_source, CPU)
    assert train(trainer, tmp_path, is_resumed=True, **settings)[1][0].step == 2
    lines = [json.loads(line) for line in (tmp_path / 'log.jsonl').read_text().splitlines()]
    assert [line['step'] for line in lines if 'miou' in line] == [1, 2, 3, 4]


def test_another_training_is_not_gone_on_with(tiny_config, made_source, tmp_path):
    train(Trainer(tiny_config, RECIPE, made_source, CPU), tmp_path, seconds=0.0)
    other = replace(RECIPE, losses=LossWeights(depth=0.5))
    with pytest.raises(InvalidTrainingStateError, match='recipe losses depth is 0.05, not 0.5'):
        train(Trainer(tiny_config, other, made_source, CPU), tmp_path, is_resumed=True)
    config = replace(tiny_config, context_channels=4)
    with pytest.raises(InvalidTrainingStateError, match='config context_channels is 8, not 4'):
        train(Trainer(replace(config, nano=replace(config.nano, bev_channels=(16, 32))), RECIPE,
                      made_source, CPU), tmp_path, is_resumed=True)


@pytest.mark.parametrize('other, words', [
    (Origin('other', 'a1', 'b2'), 'data is .made., not .other.'),
    (Origin('made', 'seed', 'b2'), 'first_weights is .a1., not .seed.'),
    (Origin('made', 'a1', 'c3'), 'teacher is .b2., not .c3.')])
def test_a_training_goes_on_with_its_own_data_and_weights(tiny_config, made_source, tmp_path,
                                                          other, words):
    trainer = Trainer(tiny_config, RECIPE, made_source, CPU)
    path = tmp_path / 'state'
    save_training(path, trainer, Origin('made', 'a1', 'b2'))
    with pytest.raises(InvalidTrainingStateError, match=f'origin {words}; give what it was'):
        resume_training(path, trainer, other)
    resume_training(path, trainer, Origin('made', 'a1', 'b2'))


def test_a_state_that_would_run_a_program_is_refused(tiny_config, made_source, tmp_path):
    class Hostile:
        def __reduce__(self):
            return (pytest.fail, ('the pickle was run',))
    torch.save(Hostile(), tmp_path / 'state')
    with pytest.raises(InvalidTrainingStateError, match='more than tensors .*copy it again'):
        train(Trainer(tiny_config, RECIPE, made_source, CPU), tmp_path, is_resumed=True)


@pytest.fixture
def saved(tiny_config, made_source, tmp_path):
    trainer = Trainer(tiny_config, RECIPE, made_source, CPU)
    save_training(tmp_path / 'state', trainer, Origin('made'))
    assert [path.name for path in tmp_path.iterdir()] == ['state']
    return trainer, tmp_path / 'state'


def test_a_state_that_is_missing_or_truncated_is_refused(saved):
    trainer, path = saved
    whole = path.read_bytes()
    for kept in (0, 100, len(whole) // 2, -1):
        path.write_bytes(whole[:kept])
        with pytest.raises(InvalidTrainingStateError, match='zip file.; copy it again'):
            resume_training(path, trainer, Origin('made'))
    path.unlink()
    with pytest.raises(InvalidTrainingStateError, match='cannot be read: No such file'):
        resume_training(path, trainer, Origin('made'))
    path.mkdir()  # as earlier versions left it
    with pytest.raises(InvalidTrainingStateError, match='older versions'):
        resume_training(path, trainer, Origin('made'))


def test_a_state_with_a_flipped_bit_is_refused(saved):
    trainer, path = saved
    whole = path.read_bytes()
    for place in (len(whole) // 3, len(whole) // 2):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 4]) + whole[place + 1:])
        with pytest.raises(InvalidTrainingStateError, match='copy it again'):
            resume_training(path, trainer, Origin('made'))
    path.write_bytes(whole)
    resume_training(path, trainer, Origin('made'))


@pytest.mark.parametrize(('change', 'words'), [
    (lambda state: state.update(step='7'), "step is a number up to .*; got '7'"),
    (lambda state: state.update(step=True), 'step is a number'),
    (lambda state: state.update(step=10 ** 30), 'step is a number'),
    (lambda state: state.update(optimizer=[]), 'does not fit'),
    (lambda state: state.update(network={'x': 1}), 'does not fit'),
    (lambda state: state.update(random='no'), 'does not fit'),
    (lambda state: state['optimizer'].update(state={0: {'step': torch.zeros(3)}}), 'moments'),
    (lambda state: state['optimizer'].update(state={0: 'no'}), 'does not fit'),
    (lambda state: state['optimizer'].update(state={10 ** 9: {}}), 'does not fit')])
def test_a_state_made_by_hand_is_refused_before_a_step_is_taken(saved, change, words):
    trainer, path = saved
    content = torch.load(path, weights_only=True)
    change(content['state'])
    torch.save(content, path)
    with pytest.raises(InvalidTrainingStateError, match=f'does not fit the network: .*{words}|'
                       f'{words}'):
        resume_training(path, trainer, Origin('made'))
    assert trainer.step == 0


def test_a_config_made_by_hand_is_refused_in_one_line(saved):
    trainer, path = saved
    content = torch.load(path, weights_only=True)
    for value in ({'name': 'x' * 10 ** 6}, torch.zeros(3), [['y'] * 10 ** 5] * 9, None):
        torch.save(content | {'config': value}, path)
        with pytest.raises(InvalidTrainingStateError, match='its config|ambiguous') as caught:
            resume_training(path, trainer, Origin('made'))
        assert len(str(caught.value)) < 700


def test_a_file_of_something_else_is_refused(saved):
    trainer, path = saved
    torch.save({'format': 'other'}, path)
    with pytest.raises(InvalidTrainingStateError, match='format'):
        resume_training(path, trainer, Origin('made'))


def test_a_loss_that_is_not_finite_stops_with_its_parts(tiny_config, made_source):
    trainer = Trainer(tiny_config, RECIPE, made_source, CPU)
    with torch.no_grad():
        trainer.network.occ_head.predicter.bias[0] = float('nan')
    before = trainer.network.img_view_transformer.depth_net.weight.clone()
    with pytest.raises(NonFiniteLossError, match=r'step 1: .*occupancy nan, heatmap \d.*depth'):
        trainer.take_step()
    assert torch.equal(trainer.network.img_view_transformer.depth_net.weight, before)
    assert trainer.step == 0


def test_a_teacher_adds_its_part(tiny_config, made_source):
    recipe = replace(RECIPE, losses=LossWeights(distillation=1.0))
    with pytest.raises(InvalidConfigError, match='needs both'):
        Trainer(tiny_config, recipe, made_source, CPU)
    teacher = Trainer(tiny_config, replace(RECIPE, seed=9), made_source, CPU).network
    trainer = Trainer(tiny_config, recipe, made_source, CPU, teacher=teacher)
    weights = [parameter.clone() for parameter in teacher.parameters()]
    assert trainer.take_step().parts['distillation'] > 0
    assert all(map(torch.equal, weights, teacher.parameters()))


def test_a_teacher_must_speak_of_the_same(tiny_config, made_source):
    recipe = replace(RECIPE, losses=LossWeights(distillation=1.0))
    occupancy, image = tiny_config.occupancy, tiny_config.image
    names = ('another', *occupancy.class_names[1:])
    for change, words in (
            ({'occupancy': None}, 'the teacher tiny has none'),
            ({'occupancy': replace(occupancy, class_names=names)}, 'classes of the teacher'),
            ({'occupancy': replace(occupancy, num_heights=2)}, 'voxels of the'),
            ({'image': replace(image, width_px=image.width_px + 32)}, 'images of the teacher')):
        teacher = OccupancyNetwork(replace(tiny_config, **change))
        with pytest.raises(InvalidConfigError, match=words):
            Trainer(tiny_config, recipe, made_source, CPU, teacher=teacher)
    blind = replace(tiny_config, occupancy=None)
    with pytest.raises(InvalidConfigError, match='compares voxels, and tiny has none'):
        Trainer(blind, recipe, made_source, CPU, teacher=OccupancyNetwork(tiny_config))


def test_validation_counts_what_the_network_says(tiny_config, made_source, tmp_path):
    trainer = Trainer(tiny_config, replace(RECIPE, steps=1, bn_batches=2), made_source, CPU)
    network = trainer.averaged.network
    batch = made_source.load([1, 5, 2], CPU)
    known = batch.observed.clone()
    batch.semantics[batch.observed.nonzero()[::7].unbind(dim=1)] = IGNORED_LABEL
    known &= batch.semantics != IGNORED_LABEL

    class Unsure:
        def load(self, numbers, device):
            return batch.part(numbers[0], numbers[-1] + 1)
    scores = score_source(network, Unsure(), [0, 1, 2], 2, CPU, 'float32', with_boxes=False)
    counts = scores.counts.sum(axis=0)
    with torch.no_grad():
        labels = run_network(network, batch, 'float32').occupancy_logits.argmax(dim=-1)
    for truth, said in ((1, 17), (2, 17), (17, 17)):
        expected = (batch.observed & (batch.semantics == truth) & (labels == said)).sum()
        assert counts[truth, said] == expected
    assert counts.sum() == known.sum() < batch.observed.sum() and not scores.average_precisions
    none = score_source(network, Unsure(), [], 2, CPU, 'float32', with_boxes=False)
    assert none.counts.shape == (0, 18, 18)
    train(trainer, tmp_path, validation=Validation(made_source, [1, 2], 5))
    line = json.loads((tmp_path / 'log.jsonl').read_text())
    assert line['step'] == 1 and 0 <= line['miou'] <= 1


def test_statistics_are_estimated_anew_from_the_batches(tiny_config, made_source, tmp_path):
    recipe = replace(RECIPE, steps=1, bn_batches=2, precision='float32')
    trainer = Trainer(tiny_config, recipe, made_source, CPU)
    norm = trainer.averaged.network.img_backbone.stem[1]
    seen = []
    norm.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].detach()))
    train(trainer, tmp_path)
    assert [len(maps) for maps in seen] == [4, 4]  # two samples of two cameras each
    mean = torch.stack([maps.mean(dim=(0, 2, 3)) for maps in seen]).mean(dim=0)
    torch.testing.assert_close(norm.running_mean, mean)
    assert norm.momentum == 0.1 and not norm.training
