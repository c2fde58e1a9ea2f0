# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Weights that come with the package are whole, small, described, and found by name."""

import json
import logging

import pytest
import torch
import yaml

from bdc_occ_ros.network.config import load_network_config
from bdc_occ_ros.network.network import OccupancyNetwork
from bdc_occ_ros.predictor import Predictor
from bdc_occ_ros.share import share_path
from bdc_occ_ros.weights import loading
from bdc_occ_ros.weights.model_card import MAX_BYTES, require_shippable
from bdc_occ_ros.weights.packed_checkpoint import pack_checkpoint, save_packed
from bdc_occ_ros.weights.weights_file import read_weights_file

NAME = 'bdc_occ_nano_half'
SHIPPED = sorted(share_path('models').glob('*.safetensors'))


@pytest.mark.parametrize('path', SHIPPED or [pytest.param(None, marks=pytest.mark.skip(
    reason='no weights lie in models/'))], ids=lambda path: path.stem if path else 'none')
def test_every_shipped_file_is_what_its_manifest_says(path):
    file = read_weights_file(path)
    require_shippable(file)
    manifest = yaml.safe_load(path.with_suffix('.yaml').read_text())
    assert manifest['sha256'] == file.sha256 and manifest['file'] == path.name
    assert manifest['bytes'] == path.stat().st_size <= MAX_BYTES
    assert manifest['config'] == json.loads(json.dumps(file.manifest['config']))
    assert manifest['classes'] == file.manifest['classes']
    assert manifest['grid'] == file.manifest['grid']
    assert manifest['stages'][-1] == file.manifest['provenance']
    assert manifest['results']['weights_sha256'] in (file.sha256, manifest['source_sha256'])
    card = path.with_suffix('.md').read_text()
    assert f'| mIoU, % | {manifest["results"]["miou"]:.1f} |' in card and file.sha256 in card
    predictor = Predictor(path.stem)
    assert predictor.is_trained and predictor.weights_sha256 == file.sha256


def test_nothing_lies_in_models_without_its_weights():
    stems = {path.stem for path in SHIPPED} | {'README', 'NOTICE'}
    assert {path.stem for path in share_path('models').glob('*.*')} == stems


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Return a share folder in which one network has weights."""
    (tmp_path / 'models').mkdir()
    torch.manual_seed(1)
    network = OccupancyNetwork(load_network_config(NAME)).eval()
    save_packed(tmp_path / 'models' / f'{NAME}.safetensors', pack_checkpoint(
        network, real_dtype='float32', is_trained=True, source_sha256='', provenance={}))
    monkeypatch.setattr(loading, 'share_folder', lambda: tmp_path)
    return tmp_path


def test_a_name_means_the_weights_that_come_with_it(folder, caplog):
    with caplog.at_level(logging.INFO, logger='bdc_occ_ros'):
        predictor = Predictor(NAME)
    assert predictor.is_trained and predictor.backend.startswith('packed on cpu')
    file = folder / 'models' / f'{NAME}.safetensors'
    assert caplog.records[0].getMessage() == (
        f'{NAME}: with the weights that come with this package, {file}')


def test_a_config_file_or_a_name_without_weights_stays_untrained(folder):
    for model in (share_path('config', f'model_{NAME}.yaml'), load_network_config(NAME)):
        predictor = Predictor(model)
        assert not predictor.is_trained and predictor.weights_sha256 == ''
    assert loading.shipped_weights('bdc_occ_nano') is None
    assert loading.shipped_weights(f'../models/{NAME}') is None
