# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Compare the Params and OPs cells of the paper's Tables 1 and 2 with our count of the same networks.

The cells (arXiv:2405.17037) are those of the one-frame networks without batch normalization in the
units, counted with a counter that gives binary convolutions zero (see network/cost.py); the
accuracies printed beside them in the paper belong to two-frame networks.
"""

from dataclasses import replace
from typing import NamedTuple

from bdc_occ_ros.network.config import load_network_config, NetworkConfig
from bdc_occ_ros.network.cost import Cost, profile_network, total_cost


class PublishedRow(NamedTuple):
    """
    Hold two cells of the paper and the network they belong to.

    :param method: Name in the paper.
    :param model: Name of our config.
    :param miss: Why our count is known to differ, or nothing.
    """

    method: str
    model: str
    params_m: float
    ops_g: float
    miss: str = ''


PUBLISHED_ROWS = (
    PublishedRow('FlashOcc', 'flashocc_r50', 44.74, 248.57),
    PublishedRow('BDC-T', 'bdc_occ_t', 26.82, 129.90),
    PublishedRow('BDC-B', 'bdc_occ_b', 28.19, 134.02,
                 'Params: the cell is what BDC-T and the full-precision neck (1.377 M) add up to, '
                 'as if the slopes of the binary neck were still there'),
    PublishedRow('BEVDet (boxes)', 'bevdet_r50', 44.25, 148.77),
    PublishedRow('BDC-T (boxes)', 'bdc_det_t', 26.54, 101.36),
)


class ComparedRow(NamedTuple):
    """
    Compare a row of the paper with our count, by the authors' rules, to two digits as printed.

    :param params_m: Parameters, millions.
    :param ops_g: Operations, 1e9.
    :param misses: Which cells differ in print: Params, OPs.
    """

    published: PublishedRow
    cost: Cost
    params_m: float
    ops_g: float
    misses: tuple[str, ...]


def compare_with_paper() -> list[ComparedRow]:
    """Count the networks of all rows."""
    return [_compared(row, total_cost(profile_network(
        _without_normalization(load_network_config(row.model))))) for row in PUBLISHED_ROWS]


def _compared(row: PublishedRow, cost: Cost) -> ComparedRow:
    params_m, ops_g = (round(cost.authors_params / 1e6, 2), round(cost.authors_ops / 1e9, 2))
    differs = {'Params': params_m != row.params_m, 'OPs': ops_g != row.ops_g}
    return ComparedRow(row, cost, params_m, ops_g, tuple(filter(differs.get, differs)))


def _without_normalization(config: NetworkConfig) -> NetworkConfig:
    """Return the network as the paper counted it."""
    unit = config.published.bev_unit
    if unit is None:
        return config
    bare = replace(unit, with_bn=False, with_identity_bn=False)
    return replace(config, published=replace(config.published, bev_unit=bare))
