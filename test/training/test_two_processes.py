# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Two processes with the environment that torchrun gives learn what one learns alone."""

import json
from pathlib import Path
import socket
import subprocess
import sys

import torch

from bdc_occ_ros.network.config import load_network_config
from bdc_occ_ros.training.recipe import Recipe
from bdc_occ_ros.training.trainer import Trainer

STEPS = '''
import sys
from test_two_processes import RECIPE
import torch
from made_source import MadeSource
from bdc_occ_ros.network.config import load_network_config
from bdc_occ_ros.evaluation.process_group import process_group
from bdc_occ_ros.training.trainer import Trainer
torch.set_num_threads(1)
config = load_network_config(sys.argv[1])
with process_group() as group:
    trainer = Trainer(config, RECIPE, MadeSource(config, 12), torch.device('cpu'), group=group)
    reports = [trainer.take_step() for _ in range(RECIPE.steps)]
    torch.save({'losses': [report.loss for report in reports],
                'norms': [report.gradient_norm for report in reports],
                'network': trainer.network.state_dict()}, f'{sys.argv[2]}/{group.rank}.pt')
'''
SESSIONS = '''
from pathlib import Path
import sys
from dataclasses import replace
from test_two_processes import RECIPE
import torch
from made_source import MadeSource
from bdc_occ_ros.network.config import load_network_config
from bdc_occ_ros.evaluation.process_group import process_group
from bdc_occ_ros.training.loop import run_training, TrainingSession, Validation
from bdc_occ_ros.training.saved_training import origin_of
from bdc_occ_ros.training.trainer import Trainer
torch.set_num_threads(1)
config, out = load_network_config(sys.argv[1]), Path(sys.argv[2])
with process_group() as group:
    said, networks = [], []
    for folder, seconds in (('parts', 0), ('parts', None), ('whole', None)):
        trainer = Trainer(config, replace(RECIPE, bn_batches=1), MadeSource(config, 12),
                          torch.device('cpu'), group=group)
        (out / folder).mkdir(exist_ok=True)
        session = TrainingSession(out / folder, origin_of('made', None), seconds, save_every=1,
                                  validation=Validation(MadeSource(config, 5), range(5), 2))
        said.append(run_training(trainer, session, is_resumed=len(said) == 1,
                                 observe=lambda report: None))
        networks.append(trainer.averaged.network.state_dict())
    torch.save({'said': said, 'networks': networks}, out / f'{group.rank}.pt')
'''
# The statistics of a micro-batch of one are those of a process that has one sample.
RECIPE = Recipe(steps=3, batch=2, micro_batch=1, warmup_steps=0, precision='float32')


def run_two(program, *arguments):
    """Run a program as torchrun would in two processes."""
    folders = [str(Path(__file__).parents[level]) for level in range(2)]
    with socket.socket() as free:
        free.bind(('127.0.0.1', 0))
        port = free.getsockname()[1]
    environment = {'PYTHONPATH': ':'.join(folders), 'OMP_NUM_THREADS': '1', 'WORLD_SIZE': '2',
                   'MASTER_ADDR': '127.0.0.1', 'MASTER_PORT': str(port)}
    running = [subprocess.Popen(
        [sys.executable, '-c', program, *map(str, arguments)],
        env={**environment, 'RANK': str(rank)}, stderr=subprocess.PIPE, text=True)
        for rank in range(2)]
    for process in running:
        _, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors


def test_two_processes_equal_one_with_the_whole_batch(tiny_model, made_source, tmp_path):
    run_two(STEPS, tiny_model, tmp_path)
    first, second = (torch.load(tmp_path / f'{rank}.pt', weights_only=True) for rank in range(2))
    trainer = Trainer(load_network_config(tiny_model), RECIPE, made_source, torch.device('cpu'))
    reports = [trainer.take_step() for _ in range(RECIPE.steps)]
    alone = trainer.network.state_dict()
    torch.testing.assert_close(first['losses'], [report.loss for report in reports],
                               rtol=1e-4, atol=0)
    torch.testing.assert_close(first['norms'][0], reports[0].gradient_norm, rtol=1e-4, atol=0)
    assert first['losses'] == second['losses']
    for name, tensor in first['network'].items():
        assert torch.equal(tensor, second['network'][name]), name
        # running statistics are averaged there, and follow one sample after the other here
        if tensor.is_floating_point() and 'running' not in name:
            torch.testing.assert_close(tensor, alone[name], rtol=0, atol=1e-3)


def test_two_processes_stop_together_and_go_on_to_the_same_weights(tiny_model, tmp_path):
    run_two(SESSIONS, tiny_model, tmp_path)
    first, second = (torch.load(tmp_path / f'{rank}.pt', weights_only=True) for rank in range(2))
    assert first['said'] == second['said'] == [False, True, True]
    in_parts, whole = first['networks'][1:]
    assert all(torch.equal(tensor, whole[name]) for name, tensor in in_parts.items())
    others = second['networks'][1]
    assert all(torch.equal(tensor, others[name]) for name, tensor in in_parts.items())
    logs = [[json.loads(line) for line in (tmp_path / folder / 'log.jsonl').read_text().split('\n')
             if line] for folder in ('parts', 'whole')]
    scores = [{line['step']: line['miou'] for line in log if 'miou' in line} for log in logs]
    assert scores[0] == scores[1] and set(scores[0]) == {2, 3}
