# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""BDC_OCC_EXTENSION: which compiled kernels are built and loaded."""

import os

from bdc_occ_ros.errors import InvalidSettingError
from bdc_occ_ros.kernels.compiler import has_compiler

VARIABLE = 'BDC_OCC_EXTENSION'
CHOICES = ('off', 'cpu', 'cuda', 'auto')


def extension_choice() -> str:
    """
    Read BDC_OCC_EXTENSION; the one place that does.

    off never builds nor loads a library, cpu needs that of the CPU, cuda also that of the GPU,
    auto (the default) needs that of the CPU where a C++ compiler is found and builds that of the
    GPU where nvcc is found.

    :return: One of CHOICES.
    :raises InvalidSettingError: if it is none of them.
    """
    choice = os.environ.get(VARIABLE, 'auto')
    if choice not in CHOICES:
        raise InvalidSettingError(f'{VARIABLE} is one of {", ".join(CHOICES)}; got {choice!r}')
    return choice


def is_cpu_library_wanted() -> bool:
    """Return whether the library of CPU kernels is to be built and must be there."""
    choice = extension_choice()
    return choice in ('cpu', 'cuda') or (choice == 'auto' and has_compiler())
