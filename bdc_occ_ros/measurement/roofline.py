# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""How fast this machine could compare bits if nothing but that had to be done."""

from bdc_occ_ros.kernels.backend import Backend
from bdc_occ_ros.measurement.alternation import Contestant

PROBE_MACS = 10 ** 9


def roofline_probe(backend: Backend, threads: int) -> Contestant | None:
    """
    Return what tells how many milliseconds PROBE_MACS take at the least.

    :param backend: Of the library of CPU kernels; the others have no roofline.
    :param threads: Threads.
    """
    return None
