# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
The Params and OPs cells of the paper's Tables 1 and 2 beside our count of the same networks.

The cells are those of the one-frame networks without batch normalization in the units, counted
with a counter that gives binary convolutions zero (see profile.py); the accuracies printed beside
them in the paper belong to two-frame networks.
"""

from dataclasses import dataclass, replace

from bdc_occ_ros.network.config import load_network_config, NetworkConfig
from bdc_occ_ros.network.cost import Cost, profile_network, total_cost


@dataclass(frozen=True)
class PublishedRow:
    """
    Two cells of the paper (arXiv:2405.17037) and the network they belong to.

    :param method: Name in the paper.
    :param model: Name of our config.
    :param params_m: Params(M) cell.
    :param ops_g: OPs(G) cell.
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


@dataclass(frozen=True)
class ComparedRow:
    """
    A row of the paper and our count.

    :param cost: Our count of the same network.
    """

    published: PublishedRow
    cost: Cost

    @property
    def params_m(self) -> float:
        """Parameters as the authors count them, millions, to two digits as printed."""
        return round(self.cost.authors_params / 1e6, 2)

    @property
    def ops_g(self) -> float:
        """Operations as the authors count them, 1e9, to two digits as printed."""
        return round(self.cost.authors_ops / 1e9, 2)

    @property
    def misses(self) -> tuple[str, ...]:
        """Which cells differ in print: Params, OPs."""
        pairs = {'Params': (self.params_m, self.published.params_m),
                 'OPs': (self.ops_g, self.published.ops_g)}
        return tuple(name for name, (ours, theirs) in pairs.items() if ours != theirs)


def _without_normalization(config: NetworkConfig) -> NetworkConfig:
    """Return the network as the paper counted it."""
    unit = config.published.bev_unit
    if unit is None:
        return config
    bare = replace(unit, with_bn=False, with_identity_bn=False)
    return replace(config, published=replace(config.published, bev_unit=bare))


def compare_with_paper() -> list[ComparedRow]:
    """Count the networks of all rows."""
    return [ComparedRow(row, total_cost(profile_network(
        _without_normalization(load_network_config(row.model))))) for row in PUBLISHED_ROWS]
