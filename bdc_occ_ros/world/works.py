# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Road works: a lane or a strip closed by cones and barriers, with machines and workers."""

import numpy as np

from bdc_occ_ros.world.chance import Chance
from bdc_occ_ros.world.construction import barrier, cone, construction_vehicle
from bdc_occ_ros.world.open_zones import mound
from bdc_occ_ros.world.people import pedestrian
from bdc_occ_ros.world.stage import OTHERS, Site, TERRAIN
from bdc_occ_ros.world.street_furniture import boxes
from bdc_occ_ros.world.vehicles import truck

_ACROSS = np.pi / 2
_SOIL = (0.24, 0.16, 0.09)


def road_works(site: Site, rng: Chance) -> None:
    """
    Set up works on a closed strip; b runs from the curb, the open lanes lie beyond the depth.

    :param site: The strip, with b from the open lanes to the curb.
    """
    kind = rng.integers(0, 5)
    for a_m in np.arange(0.5, site.width_m, 2.6 if kind < 3 else 1.6):
        model = barrier(rng, kind) if kind < 3 else cone(rng)
        site.stand(a_m, 0.4, model, _ACROSS)
    for end_m in (0.3, site.width_m - 0.3):
        for b_m in np.arange(1.1, site.depth_m - 0.4, 1.0):
            site.stand(end_m, b_m, cone(rng), rng.uniform(0, 6))
    middle_m = max(0.6 + 1.5, site.depth_m / 2 + 0.4)
    a_m = rng.uniform(5, 7)
    while a_m < site.width_m - 5:
        draw = rng.random()
        if draw < 0.4 and site.depth_m > 3.2:
            site.stand(a_m, middle_m, construction_vehicle(rng), rng.choice((0, np.pi)))
        elif draw < 0.6 and site.depth_m > 3.2:
            site.stand(a_m, middle_m, truck(rng))
        elif draw < 0.85:
            site.put(a_m, site.depth_m / 2 + 0.3,
                     mound(rng, 0.3 * site.depth_m, rng.uniform(0.5, 1.0), _SOIL), TERRAIN)
        else:
            site.put(a_m, site.depth_m - 0.8, boxes(rng), OTHERS)
        for _ in range(rng.integers(0, 3)):
            site.stand(a_m + 5 + rng.uniform(-0.4, 0.4), rng.uniform(1.2, site.depth_m - 0.5),
                       pedestrian(rng, True), rng.uniform(0, 6))
        a_m += rng.uniform(11, 13)
