# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Two processes with the environment that torchrun gives learn what one learns alone."""

from pathlib import Path
import socket
import subprocess
import sys

import torch

from bdc_occ_ros.config import load_network_config
from bdc_occ_ros.training.recipe import Recipe
from bdc_occ_ros.training.trainer import Trainer

PROGRAM = '''
import sys
from test_two_processes import RECIPE
import torch
from made_source import MadeSource
from bdc_occ_ros.config import load_network_config
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
# The statistics of a micro-batch of one are those of a process that has one sample.
RECIPE = Recipe(steps=3, batch=2, micro_batch=1, warmup_steps=0, precision='float32')


def test_two_processes_equal_one_with_the_whole_batch(tiny_model, made_source, tmp_path):
    folders = [str(Path(__file__).parents[level]) for level in range(2)]
    with socket.socket() as free:
        free.bind(('127.0.0.1', 0))
        port = free.getsockname()[1]
    environment = {'PYTHONPATH': ':'.join(folders), 'OMP_NUM_THREADS': '1', 'WORLD_SIZE': '2',
                   'MASTER_ADDR': '127.0.0.1', 'MASTER_PORT': str(port)}
    running = [subprocess.Popen(
        [sys.executable, '-c', PROGRAM, str(tiny_model), str(tmp_path)],
        env={**environment, 'RANK': str(rank)}, stderr=subprocess.PIPE, text=True)
        for rank in range(2)]
    for process in running:
        _, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors
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
