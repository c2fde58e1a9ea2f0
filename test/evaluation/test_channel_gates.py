# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Gates are those that the units multiply by, assigned to the right samples, and drawn."""

import cv2
import numpy as np
import pytest
import torch
from torch import nn

from bdc_occ_ros.binary.bdc_unit import BdcUnit
from bdc_occ_ros.binary.config import UnitConfig
from bdc_occ_ros.binary.engine_module import use_backend
from bdc_occ_ros.binary.packed_unit import PackedBdcUnit
from bdc_occ_ros.drawing.gate_picture import draw_gates
from bdc_occ_ros.errors import UsageError
from bdc_occ_ros.evaluation.channel_gates import ChannelGates, record_gates
from bdc_occ_ros.kernels.reference import ReferenceBackend
from bdc_occ_ros.kernels.selection import choose_backend
from bdc_occ_ros.network.config import load_network_config
from bdc_occ_ros.network.network import OccupancyNetwork
from bdc_occ_ros.network.packed_network import pack_network
from bdc_occ_ros.weights.agreement import made_up_input


def test_recorded_gates_are_what_the_unit_multiplies_by(as_if_trained):
    network = as_if_trained(nn.Sequential(BdcUnit(8, 8, UnitConfig(version=1)),
                                          BdcUnit(8, 16, UnitConfig())), 0)
    x = torch.randn(3, 8, 4, 4, generator=torch.Generator().manual_seed(0))
    with record_gates(network) as gates, torch.no_grad():
        results = [network(sample[None]) for sample in x]
        network(x[:2])
    assert list(gates.by_unit) == ['1']
    unit = network[1]
    for sample, result, gate in zip(x, results, gates.by_unit['1']):
        with torch.no_grad():
            source = network[0](sample[None])
            unit.version = 1  # the same without the gate
            ungated = unit(source)
            unit.version = 3
        identity = torch.cat((source, source), 1)
        torch.testing.assert_close(
            identity + (ungated - identity) * torch.from_numpy(gate)[:, None, None], result)
    np.testing.assert_allclose(gates.by_unit['1'][3], np.mean(gates.by_unit['1'][:2], axis=0),
                               rtol=1e-5)
    network(x)
    assert len(gates.by_unit['1']) == 4  # the context is closed


@pytest.mark.parametrize('backend', [ReferenceBackend(), None], ids=['reference', 'chosen'])
def test_packed_units_show_the_gates_of_the_network_they_were_made_of(as_if_trained, tiny_model,
                                                                      backend):
    network = as_if_trained(OccupancyNetwork(load_network_config(tiny_model)), 0).eval()
    packed = pack_network(network)
    use_backend(packed, backend or choose_backend().backend)
    recorded = []
    for each in (network, packed):
        with record_gates(each) as gates, torch.inference_mode():
            each(*made_up_input(network.config, 0))
            each(*made_up_input(network.config, 1))
        recorded.append(gates.by_unit)
    names = [name for name, unit in packed.named_modules() if isinstance(unit, PackedBdcUnit)]
    assert len(names) >= 2 and {*names} <= {*recorded[1]}
    assert len(recorded[0]) == len(recorded[1])
    for name, expected in zip(recorded[0].values(), recorded[1].values()):
        np.testing.assert_allclose(name, expected, atol=0.02)
    assert np.ptp(np.stack(recorded[1][names[0]])) > 0.01


def test_networks_without_gates_are_refused():
    with pytest.raises(UsageError, match='units of version 3.*has none'), record_gates(
            BdcUnit(4, 4, UnitConfig(version=2))):
        pass


def gates_of(*samples):
    """Make gates of one unit: scene, gates and labels of every sample."""
    gates = ChannelGates({'unit': [np.array(values) for _, values, _ in samples]})
    for scene, _, labels in samples:
        gates.describe(scene, np.array(labels), 3)
    return gates


def test_means_by_scene_and_by_class_also_of_two_processes():
    gates = gates_of(('a', (0.2, 0.8), (0, 0, 0, 2)), ('b', (0.4, 0.4), (0, 2, 2, 2)))
    gates.merge(gates_of(('a', (0.6, 0.0), (2,))))
    by_scene, by_class = gates.by_scene('unit'), gates.by_class('unit', ('x', 'y', 'z'))
    np.testing.assert_allclose(by_scene['a'], (0.4, 0.4))
    np.testing.assert_allclose(by_scene['b'], (0.4, 0.4))
    np.testing.assert_allclose(by_class['x'], (0.25, 0.7))
    np.testing.assert_allclose(by_class['z'], (0.4, 0.4))
    assert list(by_class) == ['x', 'z']


def test_picture_shows_which_scene_opens_a_channel(tmp_path):
    values = np.full((4, 8), 0.5)
    values[:2, :4] = 0.9
    gates = ChannelGates({'first': list(values), 'second': list(values)})
    for scene, labels in (('a', (0, 0)), ('a', (0, 0)), ('b', ()), ('b', ())):
        gates.describe(scene, np.array(labels, int), 1)
    draw_gates(tmp_path / 'gates.png', 'gates', gates, ('car',))
    picture = cv2.imread(str(tmp_path / 'gates.png')).astype(int)
    red, blue = picture[..., 2] - picture[..., 0] > 60, picture[..., 0] - picture[..., 2] > 60
    assert picture.shape[1] == 17 * 80
    assert min(red.sum(), blue.sum()) > 2000
    with pytest.raises(UsageError, match='cannot be written'):
        draw_gates(tmp_path / 'none' / 'gates.png', 'gates', gates, ('car',))
