# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A backend that runs the GPU's kernels on the CPU, lane by lane, as cuda_emulation.cpp says."""

from collections.abc import Callable
from collections.abc import Sequence
import ctypes
from pathlib import Path
import subprocess

from bdc_occ_ros.errors import InvalidOperationError
from bdc_occ_ros.kernels.addresses import CPU
from bdc_occ_ros.kernels.compiler import find_compiler
from bdc_occ_ros.kernels.cuda_build import SOURCES
from bdc_occ_ros.kernels.cuda_lowering import CudaLowering
from bdc_occ_ros.kernels.operations import Operation
from bdc_occ_ros.kernels.operations import Pack

PROGRAM = Path(__file__).with_suffix('.cpp')
FLAGS = ('-std=c++17', '-O2', '-ffp-contract=off', '-fPIC', '-shared', '-Wall', '-Wextra',
         '-Werror')
IS_AND = {'xor': 0, 'and': 1}


def build(folder: Path) -> ctypes.CDLL:
    """Compile the emulation and open it."""
    library = folder / 'emulation.so'
    subprocess.run([*find_compiler(), *FLAGS, '-I', SOURCES, PROGRAM, '-o', library], check=True)
    opened = ctypes.CDLL(str(library))
    opened.emulate_convolution.restype = opened.emulate_pack.restype = ctypes.c_int64
    opened.refusal_text.restype = ctypes.c_char_p
    opened.refusal_text.argtypes = (ctypes.c_int64,)
    return opened


class EmulatedBackend:
    """
    Packing and binary convolutions as a GPU computes them.

    :param library: What build returns.
    :param product: xor for compute capability 8.x, and for 9.0.
    """

    def __init__(self, library: ctypes.CDLL, product: str) -> None:
        self.name = f'emulated-{product}'
        self._library = library
        self._is_and = IS_AND[product]

    def compile(self, operations: Sequence[Operation]) -> Callable[[], None]:
        """Lower the operations; running fails where a rule of the GPU is broken."""
        lowering = CudaLowering(CPU)
        structures = [lowering.lower(operation) for operation in operations]

        def run() -> None:
            lowering.point_at_external_buffers()
            for operation, structure in zip(operations, structures):
                self._check(self._emulate(operation, ctypes.byref(structure)))

        return run

    def _emulate(self, operation: Operation, structure: ctypes.Structure) -> int:
        """Run one operation."""
        if isinstance(operation, Pack):
            return self._library.emulate_pack(structure)
        return self._library.emulate_convolution(structure, self._is_and)

    def _check(self, result: int) -> None:
        """Raise what a result means."""
        if result > 0:
            raise InvalidOperationError(self._library.refusal_text(result).decode())
        assert result == 0, f'{-result} rules are broken; the first is printed above'
