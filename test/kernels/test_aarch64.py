# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Which backend a core of aarch64 gets; what the backends compute is tested beside the others."""

import pytest
import qemu_backend
import torch

from bdc_occ_ros.errors import BackendUnavailableError, InvalidOperationError
from bdc_occ_ros.kernels.conventions import bit_map, pack_weights
from bdc_occ_ros.kernels.operations import Buffer, Convolution, Map
from bdc_occ_ros.kernels.reference import ReferenceBackend


@pytest.fixture
def old_core(aarch64_runner):
    """Return the kernels on a processor without dot products."""
    library = qemu_backend.QemuLibrary(aarch64_runner, 'cortex-a72')
    yield library
    library.close()


def random_convolution():
    """Return a convolution of random bits to integers, and where these go."""
    generator = torch.Generator().manual_seed(0)
    source = Buffer((1, 3, 5, 96), is_bits=True, tensor=bit_map(1, 3, 5, 96))
    source.tensor[:, 1:-1, 1:-1] = torch.randint(
        -2 ** 31, 2 ** 31, (1, 3, 5, 3), generator=generator, dtype=torch.int32)
    weights = pack_weights(torch.randn((40, 96, 3, 3), generator=generator))
    integers = torch.zeros((1, 3, 5, 40), dtype=torch.int16)
    target = Map(Buffer((1, 3, 5, 40), tensor=integers))
    return Convolution(Map(source), weights, integers=target), integers


def test_a_core_with_dot_products_gets_them(aarch64_library):
    assert aarch64_library.backend_names() == ['scalar', 'neon', 'neon_dotprod']
    assert all(map(aarch64_library.is_supported, aarch64_library.backend_names()))


def test_a_core_without_dot_products_gets_the_fallback(old_core):
    supported = [*filter(old_core.is_supported, old_core.backend_names())]
    assert supported == ['scalar', 'neon']
    assert not old_core.is_supported('neon_dotprod')


def test_the_fallback_computes_on_a_core_without_dot_products(old_core):
    operation, integers = random_convolution()
    qemu_backend.QemuBackend('neon', old_core).compile([operation])()
    computed = integers.clone()
    ReferenceBackend().compile([operation])()
    assert computed.count_nonzero() > 300
    assert torch.equal(computed, integers)


def test_dot_products_are_refused_where_there_are_none(old_core):
    with pytest.raises(BackendUnavailableError, match='neon_dotprod'):
        qemu_backend.QemuBackend('neon_dotprod', old_core)


def test_dot_products_by_force_are_an_error_and_no_illegal_instruction(old_core):
    image = old_core.image()
    with pytest.raises(InvalidOperationError, match='this machine'):
        old_core.run('neon_dotprod', 0, 1, 0, image.contents)
    with pytest.raises(InvalidOperationError, match='no convolution'):
        old_core.prepared_bytes('neon_dotprod', 1, 1, 1)
    assert old_core.is_supported('neon')
    assert old_core.prepared_bytes('neon', 1, 1, 1) == 4 * 16
