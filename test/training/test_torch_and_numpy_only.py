# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""World, training and mIoU run where there is nothing but PyTorch and NumPy."""

import json
from pathlib import Path
import subprocess
import sys

import yaml

BLOCKED = ('cv2', 'PIL', 'safetensors', 'nuscenes', 'tqdm', 'scipy', 'matplotlib',
           'rosbags', 'shapely', 'tensorboard')
PROGRAM = '''
import importlib
from importlib.machinery import PathFinder
import sys
import torch  # its own optional imports are its own affair
import torch.distributed

class Finder(PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        if name.partition('.')[0] in {blocked}:
            return None
        return super().find_spec(name, path, target)

for name in [name for name in sys.modules if name.partition('.')[0] in {blocked}]:
    del sys.modules[name]
sys.meta_path = [Finder if finder is PathFinder else finder for finder in sys.meta_path]
for path in {modules}:
    importlib.import_module(path)

from pathlib import Path
from made_source import MadeSource
from bdc_occ_ros.network.config import load_network_config
from bdc_occ_ros.training.loop import run_training, Sitting, Validation
from bdc_occ_ros.training.recipe import Recipe
from bdc_occ_ros.training.result import load_result, save_result
from bdc_occ_ros.training.saved_training import Origin
from bdc_occ_ros.training.trainer import Trainer
config = load_network_config(sys.argv[1])
folder = Path(sys.argv[2])
source = MadeSource(config, 4)
trainer = Trainer(config, Recipe(steps=1, batch=2), source, torch.device('cpu'))
sitting = Sitting(folder, Origin('made'), validation=Validation(source, [0, 1], 1))
assert run_training(trainer, sitting, is_resumed=False, observe=print)
path = save_result(folder, trainer.averaged.network, {{}})
assert path.is_dir(), 'without safetensors weights are written in parts'
assert load_result(path).config == config
found = sorted({{name.partition('.')[0] for name in sys.modules}} & set({blocked}))
assert not found, found
'''


def test_a_training_step_without_any_other_package(tiny_model, tmp_path):
    config = tmp_path / 'tiny.json'
    config.write_text(json.dumps(yaml.safe_load(tiny_model.read_text())))
    package = Path(__file__).parents[2] / 'bdc_occ_ros'
    modules = ['.'.join(path.relative_to(package.parent).with_suffix('').parts)
               for folder in ('world', 'training') for path in (package / folder).glob('*.py')]
    program = PROGRAM.format(blocked=BLOCKED, modules=modules)
    done = subprocess.run(
        [sys.executable, '-c', program, str(config), str(tmp_path)], capture_output=True,
        text=True, timeout=120,
        env={'PYTHONPATH': f'{package.parent}:{Path(__file__).parents[1]}',
             'OMP_NUM_THREADS': '1'})
    assert done.returncode == 0, done.stderr
    assert (tmp_path / 'log.jsonl').read_text().count('miou') == 1
