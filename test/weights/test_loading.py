# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Either kind of weights file in the predictor, and what the log says about it."""

import logging
import re
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from bdc_occ_ros.datatypes import Frame
from bdc_occ_ros.errors import InvalidConfigError, InvalidSettingError, UsageError
from bdc_occ_ros.kernels.selection import ChosenBackend, VARIABLE
from bdc_occ_ros.network.config import load_network_config
from bdc_occ_ros.network.network import OccupancyNetwork
from bdc_occ_ros.predictor import Predictor
from bdc_occ_ros.ros.node_config import ModelConfig
from bdc_occ_ros.ros.predictor_loading import load_predictor
from bdc_occ_ros.weights import loading as network_loading
from bdc_occ_ros.weights.checkpoint import Checkpoint, save_checkpoint
from bdc_occ_ros.weights.packed_checkpoint import pack_checkpoint, save_packed


def test_a_name_that_no_file_can_have_is_refused():
    with pytest.raises(InvalidConfigError, match="no network config 'xx"):
        network_loading.load_network('x' * 300, 'cpu', 0)


@pytest.fixture(scope='module')
def files(tiny_model, tmp_path_factory):
    """Write the same network as weights, packed, and packed as untrained."""
    torch.manual_seed(6)
    network = OccupancyNetwork(load_network_config(tiny_model)).eval()
    with torch.no_grad():
        for name, tensor in network.state_dict().items():
            if name.endswith('.b') or 'pr_bias' in name:
                tensor.normal_(0.0, 0.3)
    folder = tmp_path_factory.mktemp('files')
    paths = {name: folder / f'{name}.safetensors' for name in ('weights', 'packed', 'untrained')}
    save_checkpoint(paths['weights'], Checkpoint(network.config, network.state_dict(), {}))
    for name in ('packed', 'untrained'):
        save_packed(paths[name], pack_checkpoint(
            network, real_dtype='float32', is_trained=name == 'packed', source_sha256='',
            provenance={}))
    return paths


@pytest.fixture(autouse=True)
def plain_backend(monkeypatch):
    """Take the backend that every machine has."""
    monkeypatch.setenv(VARIABLE, 'reference')


def test_a_packed_file_predicts_what_the_weights_predict(files, nuscenes_rig, caplog):
    rng = np.random.default_rng(0)
    rig = nuscenes_rig.resized(200, 112)
    images = {name: rng.integers(0, 256, (112, 200, 3), dtype=np.uint8) for name in rig.names}
    frame = Frame(images, dict.fromkeys(images, 7), rig, stamp_ns=1234)
    with caplog.at_level(logging.INFO, logger='bdc_occ_ros'):
        predictors = [Predictor(files[name]) for name in ('weights', 'packed')]
    assert [predictor.backend for predictor in predictors] == [
        'PyTorch on cpu', 'packed on cpu, reference']
    assert [record.getMessage() for record in caplog.records] == [
        'tiny: backend PyTorch on cpu, since the weights are not packed',
        f'tiny: packed, on the CPU with backend reference, since {VARIABLE} names it']
    expected, found = (predictor(frame) for predictor in predictors)
    assert np.mean(expected.occupancy.labels == found.occupancy.labels) > 0.999
    assert found.boxes.class_names == expected.boxes.class_names and found.boxes.scores.size


def test_a_packed_file_knows_whether_it_was_trained(files):
    assert Predictor(files['packed']).is_trained
    assert not Predictor(files['untrained']).is_trained


def test_a_packed_file_runs_on_the_cpu_only(files, monkeypatch):
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: True)
    with pytest.raises(UsageError, match='packed networks run on the CPU; use device cpu'):
        Predictor(files['packed'], device='cuda')
    backend = SimpleNamespace(name='cuda')
    with monkeypatch.context() as forced, pytest.raises(UsageError, match='no BDC_OCC_BACKEND'):
        forced.setattr(network_loading, 'choose_backend', lambda: ChosenBackend(backend, 'forced'))
        Predictor(files['packed'])
    assert Predictor(files['packed'], device='auto').device.type == 'cpu'


def test_a_backend_that_does_not_exist_is_refused(files, monkeypatch):
    monkeypatch.setenv(VARIABLE, 'abacus')
    with pytest.raises(InvalidSettingError, match=f"{VARIABLE} is one of .*got 'abacus'"):
        Predictor(files['packed'])
    assert Predictor(files['weights']).backend == 'PyTorch on cpu'


def test_the_node_takes_either_kind_of_file(files):
    backends = [load_predictor(ModelConfig(weights=str(files[name]))).backend
                for name in ('weights', 'packed')]
    assert backends == ['PyTorch on cpu', 'packed on cpu, reference']


@pytest.mark.parametrize('kind, reason', [
    ('weights', 'made for CUDA .* cannot use it'), ('packed', 'packed networks run on the CPU')])
def test_a_gpu_that_is_not_used_is_named(files, monkeypatch, tmp_path, caplog, kind, reason):
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)
    monkeypatch.setattr(network_loading, 'GPU_FILES', (str(tmp_path / 'gpu'),))
    Predictor(files[kind], device='auto')
    assert not caplog.records
    (tmp_path / 'gpu').touch()
    Predictor(files[kind], device='cpu')
    assert not caplog.records
    Predictor(files[kind], device='auto')
    assert re.search(f'there is a GPU, and .*{reason}', caplog.text)


@pytest.mark.parametrize('has_bfloat16', [True, False])
def test_emulated_bfloat16_is_warned_of(tiny_model, monkeypatch, tmp_path, caplog, has_bfloat16):
    monkeypatch.setattr(network_loading, 'has_bfloat16', lambda: has_bfloat16)
    save_packed(tmp_path / 'short.safetensors', pack_checkpoint(
        OccupancyNetwork(load_network_config(tiny_model)), real_dtype='bfloat16', is_trained=False,
        source_sha256='', provenance={}))
    Predictor(tmp_path / 'short.safetensors')
    assert ('which this processor emulates' in caplog.text) is not has_bfloat16


@pytest.mark.parametrize('kind', ['weights', 'packed'])
def test_to_run_a_network_imports_nothing_that_only_training_needs(files, kind):
    program = ('import sys\nfrom bdc_occ_ros.predictor import Predictor\n'
               'assert Predictor(sys.argv[1]).is_trained\nprint(*sys.modules)')
    done = subprocess.run([sys.executable, '-c', program, files[kind]], check=True, text=True,
                          capture_output=True)
    unwanted = {'torch._dynamo', 'torch._inductor', 'sympy', 'scipy', 'matplotlib', 'nuscenes',
                'rosbags', 'rerun', 'torchvision', 'onnx'}
    assert not unwanted & set(done.stdout.split())
