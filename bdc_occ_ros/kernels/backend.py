# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What runs operations: the plain reference, or a library of compiled kernels."""

from collections.abc import Callable, Sequence
from typing import Protocol

from bdc_occ_ros.kernels.operations import Operation


class Backend(Protocol):
    """
    Runs recorded operations.

    :param name: reference, scalar, avx2, avx512, neon, neon_dotprod.
    """

    name: str

    def compile(self, operations: Sequence[Operation]) -> Callable[[], None]:
        """
        Prepare operations whose buffers are all allocated.

        Buffers whose tensor is None when this is called belong to the caller, who sets
        `Buffer.tensor` before every run, to a tensor of the same shape and dtype.

        :param operations: In the order in which they run.
        :return: A function that runs them once.
        """
        ...
