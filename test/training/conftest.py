# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A tiny network and samples for it."""

from made_source import MadeSource
import pytest

from bdc_occ_ros.network.config import load_network_config, NetworkConfig


@pytest.fixture(scope='session')
def tiny_config(tiny_model) -> NetworkConfig:
    """Return a network of 32x32x4 voxels."""
    return load_network_config(tiny_model)


@pytest.fixture(scope='session')
def made_source(tiny_config) -> MadeSource:
    """Return a dozen samples."""
    return MadeSource(tiny_config, 12)
