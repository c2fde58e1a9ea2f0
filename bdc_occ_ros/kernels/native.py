# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Run operations in the library of CPU kernels."""

from collections.abc import Callable, Sequence
from functools import partial

from bdc_occ_ros.errors import BackendUnavailableError, InvalidOperationError
from bdc_occ_ros.kernels.library import KernelLibrary, load_library
from bdc_occ_ros.kernels.lowering import Lowering
from bdc_occ_ros.kernels.operations import Operation


class NativeBackend:
    """
    Run operations by kernels for one kind of processor.

    :param name: A backend of the library that this machine can run.
    :param threads: How many cores an operation is spread over; may be changed between runs.
    :param library: The library; the usual one if None.
    :raises KernelLibraryError: if the library cannot be used.
    :raises BackendUnavailableError: if this machine cannot run the backend.
    """

    def __init__(self, name: str, threads: int = 1, library: KernelLibrary | None = None) -> None:
        self.name = name
        self.threads = threads
        self._library = library or load_library()
        if not self._library.is_supported(name):
            supported = [other for other in self._library.backend_names()
                         if self._library.is_supported(other)]
            raise BackendUnavailableError(
                f'this machine has no backend {name!r}; it has {", ".join(supported)}')

    def compile(self, operations: Sequence[Operation]) -> Callable[[], None]:
        """
        Prepare operations; see operations.Backend.

        Weights are reordered for the backend here, once. Everything that the operations name is
        kept alive by the function that is returned.

        :raises InvalidOperationError: if maps and parameters do not fit together.
        """
        lowering = Lowering(partial(self._library.prepare, self.name))
        steps = lowering.steps(operations)

        def run() -> None:
            if self.threads < 1:
                raise InvalidOperationError(f'at least one thread must run; got {self.threads}')
            lowering.point_at_external_buffers()
            self._library.run(self.name, steps, self.threads)

        return run
