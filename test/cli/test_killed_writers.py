# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Writers that are killed, or meet a full disk or a closed folder, leave nothing torn behind."""

import json
import logging
import os
from pathlib import Path
import re
import signal
import sys
import tempfile

from made_scenes import VERSION
from made_source import MadeSource
import numpy as np
import pytest
import torch

from bdc_occ_ros.cli.__main__ import main
from bdc_occ_ros.share import share_path
from bdc_occ_ros.training.training_data import DataChoice
from bdc_occ_ros.weights.checkpoint import load_checkpoint

pytest.importorskip('nuscenes', reason='nuscenes-devkit is not installed')
pytestmark = pytest.mark.filterwarnings('ignore:.*fork.*:DeprecationWarning')
MOMENTS = ('open', 'os.rename', 'os.mkdir', 'os.remove', 'os.rmdir')
NUM_KILLS = 10
LEFT = re.compile(r': what an interrupted program left of it is removed')


def in_a_child(arguments, log, folder, killed_at=None):
    """
    Run a verb in a child, which is killed at one of the moments at which it opens or moves files.

    :return: Its exit status, -9 if it was killed, and the kinds of all those moments.
    """
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        moments = []

        def watch(event, values):
            if event in MOMENTS and str(values[0]).startswith(str(folder.parents[1])):
                moments.append(event)
                if len(moments) == killed_at:
                    os.kill(os.getpid(), signal.SIGKILL)
        status = 99
        try:
            with log.open('a') as file:
                os.dup2(file.fileno(), 1)
                os.dup2(file.fileno(), 2)
                sys.stdout, sys.stderr = os.fdopen(1, 'w'), os.fdopen(2, 'w')
                logging.basicConfig(force=True)
                sys.addaudithook(watch)
                status = main(arguments)
                sys.stderr.flush()
        finally:
            os.write(writing, ' '.join(moments).encode())
            os._exit(status)
    os.close(writing)
    with os.fdopen(reading) as said:
        moments = said.read().split()
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), moments


@pytest.fixture
def verbs(made_dataroot, swept_dataroot, tiny_model, monkeypatch):
    """Return what long writers are told, by their verb; {} stands for the folder."""
    monkeypatch.setattr(DataChoice, 'open', lambda self, config: MadeSource(config, 6))
    network = str(share_path('config', 'model_bdc_occ_nano_half.yaml'))
    return {
        'bag': ['bag', 'write', '--dataroot', str(swept_dataroot), '--version', VERSION,
                '--scene', 'scene-0103', '-o', '{}/bag'],
        'world': ['world', 'make', '{}/made', '--seeds', '1-2', '--keyframes-per-scene', '1',
                  '--width', '64'],
        'train': ['train', '--config', str(tiny_model), '--data', 'world:0-5', '--out', '{}/run',
                  '--batch', '2', '--tune', 'warmup_steps=0', '--threads', '1', '--workers', '0',
                  '--steps', '3', '--save-every', '1', '--resume'],
        'evaluate': ['evaluate', '--dataroot', str(made_dataroot), '--version', VERSION, '--split',
                     'check', '--no-rays', '--samples', '1', '--worst', '1', '--model', network,
                     '-o', '{}/scores.json']}


def content_of(folder):
    """Return all files of a folder by name, without what is never twice the same."""
    found = {}
    for path in sorted(path for path in folder.rglob('*') if path.is_file()):
        content = path.read_bytes()
        if path.name == 'log.jsonl':
            content = [{**json.loads(line), 'time_s': 0} for line in content.splitlines()]
        elif path.suffix == '.safetensors':
            content = {name: tensor.tolist()
                       for name, tensor in load_checkpoint(path).tensors.items()}
        elif path.name == 'state':
            content = str(torch.load(path, weights_only=True))
        found[str(path.relative_to(folder))] = content
    return found


@pytest.mark.parametrize('verb', ['bag', 'world', 'train', 'evaluate'])
def test_a_killed_writer_begins_anew_or_goes_on_to_the_same_end(verb, verbs, tmp_path):
    def told(folder):
        (tmp_path / folder).mkdir(exist_ok=True)
        return [word.format(tmp_path / folder) for word in verbs[verb]]
    log = tmp_path / 'log'
    assert main(told('first')) == 0  # imports what the children need
    status, moments = in_a_child(told('whole'), log, tmp_path / 'whole')
    assert status == 0 and len(moments) > NUM_KILLS, log.read_text()
    killed, arguments = tmp_path / 'killed', told('killed')
    chosen = np.random.default_rng(7).integers(1, len(moments) + 1, NUM_KILLS - 1).tolist()
    for moment in (moments.index('os.rename') + 1, *chosen):  # the first leaves something torn
        status, _ = in_a_child(arguments, log, killed, moment)
        assert status in (0, -9, 2), log.read_text()
        if status == 2:  # a whole bag is there already
            assert 'exists already' in log.read_text()
        for path in killed.rglob('*'):
            if path.suffix == '.json' and not any('.unfinished' in part for part in path.parts):
                json.loads(path.read_text())
    if not (killed / 'bag').exists():
        assert in_a_child(arguments, log, killed)[0] == 0, log.read_text()
    assert LEFT.search(log.read_text())
    whole, again = content_of(tmp_path / 'whole'), content_of(killed)
    assert [name for name in again if '.unfinished' in name] == []
    assert again == whole


@pytest.mark.parametrize('verb', ['bag', 'world', 'train', 'evaluate'])
@pytest.mark.parametrize('fault', ['full', 'closed'])
def test_a_full_disk_or_a_closed_folder_is_one_line(verb, verbs, tmp_path, small_files, fault,
                                                    capsys, monkeypatch):
    monkeypatch.setattr(tempfile, 'tempdir', str(tmp_path))
    arguments = [word.format(tmp_path / 'folder') for word in verbs[verb]]
    (tmp_path / 'folder').mkdir()
    if fault == 'closed':  # for root as well, who may write into any folder: it is a file
        arguments = [word.replace(str(tmp_path / 'folder'), str(tmp_path / 'file'))
                     for word in arguments]
        (tmp_path / 'file').touch()
        assert main(arguments) == 2
    else:
        with small_files(10_000):
            assert main(arguments) == 2
    line = capsys.readouterr().err.splitlines()[-1]
    assert re.search('cannot be written', line) and str(tmp_path) in line
    assert not [path for path in Path(tmp_path).rglob('*') if path.is_file()
                and path.name not in ('file', 'log.jsonl') and path.stat().st_size in (0, 10_000)]
    assert not list(tmp_path.rglob('*.unfinished'))
