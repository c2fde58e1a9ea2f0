# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The GPU's kernels on the CPU, lane by lane, as cuda_emulation.cpp runs them."""

from collections.abc import Sequence
import ctypes
from pathlib import Path
import subprocess

import torch

from bdc_occ_ros.kernels.build import CUDA_BUILDER, find_compiler
from bdc_occ_ros.kernels.structures import BdcStep

PROGRAM = Path(__file__).with_suffix('.cpp')
FLAGS = ('-std=c++17', '-O2', '-ffp-contract=off', '-fPIC', '-shared', '-Wall', '-Wextra',
         '-Werror')
IS_AND = {'xor': 0, 'and': 1}


def build(folder: Path) -> ctypes.CDLL:
    """Compile the emulation and open it."""
    library = folder / 'emulation.so'
    subprocess.run([*find_compiler(), *FLAGS, '-I', CUDA_BUILDER.sources, PROGRAM, '-o', library],
                   check=True)
    opened = ctypes.CDLL(str(library))
    opened.emulate.restype = ctypes.c_int64
    opened.emulate.argtypes = ctypes.POINTER(BdcStep), ctypes.c_int32
    return opened


class EmulatedLibrary:
    """
    What CudaLibrary does, on tensors of the CPU.

    :param library: What build returns.
    :param product: xor for compute capability 8.x, and for 9.0.
    """

    def __init__(self, library: ctypes.CDLL, product: str) -> None:
        self._library = library
        self._is_and = IS_AND[product]

    def run(self, steps: Sequence[BdcStep], device: torch.device) -> None:
        """Run steps; fail where a rule of the GPU is broken."""
        assert device.type == 'cpu'
        for step in steps:
            broken = self._library.emulate(step, self._is_and)
            assert broken == 0, f'{broken} rules are broken; the first is printed above'
