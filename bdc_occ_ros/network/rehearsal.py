# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Whether a config is that of a network that can run, found out without memory or arithmetic."""

import torch

from bdc_occ_ros.errors import InvalidConfigError
from bdc_occ_ros.network.config import NetworkConfig
from bdc_occ_ros.network.network import OccupancyNetwork


def rehearse_network(config: NetworkConfig) -> OccupancyNetwork:
    """
    Build a network on device meta and run it on the image of one camera.

    :return: The network, with shapes and no values.
    :raises InvalidConfigError: if it cannot be built, or its layers do not fit together.
    """
    image = config.image
    try:
        with torch.device('meta'), torch.no_grad():
            network = OccupancyNetwork(config).eval()
            network(torch.empty(1, 1, 3, image.height_px, image.width_px),
                    torch.empty(1, 1, config.depth.num_bins, *config.feature_shape, 3))
    except (RuntimeError, ValueError) as error:
        raise InvalidConfigError(
            f'{config.name}: no such network can be built: {error}') from error
    return network
