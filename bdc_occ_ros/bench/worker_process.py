# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Run an object in a process of its own: with its own variables, threads and memory."""

from collections.abc import Callable, Mapping
from multiprocessing import get_context
from multiprocessing.connection import Connection
import os
from typing import Any

from bdc_occ_ros.errors import MeasurementError


class WorkerProcess:
    """
    Make an object in a new process and call its methods from here; close it when done.

    :param make: What returns the object, as a module's function or class.
    :param variables: Environment variables beside ours.
    """

    def __init__(self, make: Callable[..., object], *arguments: Any,
                 variables: Mapping[str, str] | None = None) -> None:
        context = get_context('spawn')
        self._pipe, far_end = context.Pipe()
        self._process = context.Process(
            target=_serve, args=(far_end, make, arguments, dict(variables or {})), daemon=True)
        self._process.start()
        far_end.close()

    def call(self, method: str, *arguments: Any) -> Any:
        """
        Call a method of the object.

        :raises MeasurementError: if the process ended instead; it said why on standard error.
        """
        try:
            self._pipe.send((method, arguments))
            return self._pipe.recv()
        except (EOFError, BrokenPipeError, ConnectionResetError) as error:
            self._process.join()
            raise MeasurementError(f'the process of a measurement ended with exit status '
                                   f'{self._process.exitcode}; its message stands above'
                                   ) from error

    def close(self) -> None:
        """End the process; it may be at work."""
        self._process.kill()
        self._process.join()
        self._pipe.close()


def _serve(pipe: Connection, make: Callable[..., object], arguments: tuple[Any, ...],
           variables: dict[str, str]) -> None:
    """Answer calls until the pipe is closed."""
    os.environ.update(variables)
    served = make(*arguments)
    while True:
        try:
            method, arguments = pipe.recv()
        except EOFError:
            return
        pipe.send(getattr(served, method)(*arguments))
