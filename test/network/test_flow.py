# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The flow table of the network package, step by step, so that it cannot go stale."""

import pytest
import torch

from bdc_occ_ros import network as flow
from bdc_occ_ros.network.config import load_network_config
from bdc_occ_ros.network.depth_to_bev import lift_to_bev
from bdc_occ_ros.network.network import OccupancyNetwork

FEATURES = {'bdc_occ_t': (6, 256, 16, 44), 'bdc_occ_nano': (6, 128, 16, 44)}
DEPTHS = {'bdc_occ_t': 88, 'bdc_occ_nano': 44}
CONTEXT = {'bdc_occ_t': 64, 'bdc_occ_nano': 32}
ENCODED = {'bdc_occ_t': (1, 256, 200, 200), 'bdc_occ_nano': (1, 128, 100, 100)}


@pytest.mark.parametrize('name', FEATURES)
def test_flow(name):
    config = load_network_config(name)
    with torch.device('meta'):
        network = OccupancyNetwork(config).eval()
        images = torch.empty(6, 3, config.image.height_px, config.image.width_px)
        rays = torch.empty(1, 6, config.depth.num_bins, *config.feature_shape, 3)
    features = network.img_neck(network.img_backbone(images))
    assert features.shape == FEATURES[name]
    probability, context = network.img_view_transformer(features)
    assert probability.shape == (6, DEPTHS[name], 16, 44)
    assert context.shape == (6, CONTEXT[name], 16, 44)
    bev = lift_to_bev(context[None], probability[None], rays, config.bev)
    assert bev.shape == (1, CONTEXT[name], 200, 200)
    encoded = network.img_bev_encoder_neck(network.img_bev_encoder_backbone(bev))
    assert encoded.shape == ENCODED[name]
    assert network.occ_head(encoded).shape == (1, 200, 200, 16, 18)


def test_the_table_names_files_that_exist(request):
    folder = request.config.rootpath / 'bdc_occ_ros'
    words = [word for word in flow.__doc__.split() if word.endswith('.py')]
    assert len(words) >= 7
    for word in words:
        assert any((folder / room / word).is_file() for room in ('', 'geometry', 'network')), word
