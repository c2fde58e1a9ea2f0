# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The base of modules that hand work to the bit engine; inference only."""

import copy
from typing import Any

from torch import nn

from bdc_occ_ros.kernels.backend import Backend
from bdc_occ_ros.kernels.selection import choose_backend


class EngineModule(nn.Module):
    """
    A module with a backend and with what is compiled for it.

    What is compiled takes parameters as they are at that moment, and is forgotten when parameters
    are loaded or moved. Copies share the backend and compile for themselves.
    """

    def __init__(self) -> None:
        super().__init__()
        self._backend: Backend | None = None
        self._compiled: dict[Any, Any] = {}

    @property
    def backend(self) -> Backend:
        """What runs the module: the one that was set, else what `choose_backend` chooses."""
        if self._backend is None:
            self._backend = choose_backend().backend
        return self._backend

    def use_backend(self, backend: Backend) -> None:
        """Choose what runs the module."""
        self._backend = backend
        self._compiled.clear()

    def _apply(self, *args: Any, **kwargs: Any) -> nn.Module:
        self._compiled.clear()
        return super()._apply(*args, **kwargs)

    def _load_from_state_dict(self, *args: Any, **kwargs: Any) -> None:
        self._compiled.clear()
        super()._load_from_state_dict(*args, **kwargs)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, '_compiled': {}}

    def __deepcopy__(self, memo: dict[int, Any]) -> 'EngineModule':
        copied = memo[id(self)] = self.__new__(type(self))
        memo[id(self._backend)] = self._backend  # shared: it stands for a library
        copied.__setstate__(copy.deepcopy(self.__getstate__(), memo))
        return copied


def use_backend(network: nn.Module, backend: Backend) -> None:
    """Choose what runs the modules inside a network."""
    for module in network.modules():
        if isinstance(module, EngineModule):
            module.use_backend(backend)
