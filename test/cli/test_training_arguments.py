# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Every process of torchrun takes a GPU of its own, whichever verb it carries out."""

from made_scenes import VERSION
import pytest
import torch

from bdc_occ_ros import predictor
from bdc_occ_ros.cli.__main__ import main
from bdc_occ_ros.cli.training_arguments import chosen_device
from bdc_occ_ros.errors import UsageError


@pytest.fixture
def taken(monkeypatch):
    """Return the devices that are made current on a machine that seems to have two GPUs."""
    devices = []
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: True)
    monkeypatch.setattr(torch.cuda, 'device_count', lambda: 2)
    monkeypatch.setattr(torch.cuda, 'set_device', devices.append)
    monkeypatch.setenv('LOCAL_RANK', '1')
    return devices


@pytest.mark.parametrize('name', ['cuda', 'auto'])
def test_a_process_takes_the_gpu_of_its_number(taken, name, monkeypatch):
    assert chosen_device(name) == torch.device('cuda', 1) and taken == [torch.device('cuda', 1)]
    monkeypatch.setenv('LOCAL_RANK', '2')
    with pytest.raises(UsageError, match='there are 2; let torchrun start that many'):
        chosen_device(name)


def test_evaluation_takes_it_too(taken, made_dataroot, monkeypatch):
    pytest.importorskip('nuscenes', reason='nuscenes-devkit is not installed')

    def stop(*arguments, **settings):
        raise UsageError('far enough')
    monkeypatch.setattr(predictor, 'Predictor', stop)
    assert main(['evaluate', '--dataroot', str(made_dataroot), '--version', VERSION, '--split',
                 'check', '--model', 'bdc_occ_nano', '--device', 'cuda']) == 2
    assert taken == [torch.device('cuda', 1)]


def test_other_devices_are_refused():
    with pytest.raises(UsageError, match="cpu, cuda or auto; got 'tpu'"):
        chosen_device('tpu')
