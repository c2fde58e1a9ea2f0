# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The GPU kernels' index arithmetic, run lane by lane on the CPU and compared bit for bit."""

from collections.abc import Sequence
from pathlib import Path

import cuda_emulation
import pytest
from real_maps import bits_output, Maker, real_output
import torch
from torch import nn

from bdc_occ_ros.binary.bdc_unit import BdcUnit
from bdc_occ_ros.binary.config import UnitConfig
from bdc_occ_ros.binary.engine_module import use_backend
from bdc_occ_ros.binary.packed_unit import PackedBdcUnit
from bdc_occ_ros.errors import InvalidOperationError
from bdc_occ_ros.kernels.build import has_compiler
from bdc_occ_ros.kernels.conventions import NEVER, pack_bits, words
from bdc_occ_ros.kernels.cuda_backend import CudaBackend
from bdc_occ_ros.kernels.operations import (
    Buffer,
    Convolution,
    Epilogue,
    IntegerSign,
    Map,
    Pack,
    Splat,
    SplatTable,
)
from bdc_occ_ros.kernels.reference import ReferenceBackend
from bdc_occ_ros.network.config import load_network_config
from bdc_occ_ros.network.network import OccupancyNetwork
from bdc_occ_ros.network.packed_network import pack_network

CHANNELS = (1, 31, 32, 33, 63, 64, 65, 96, 128, 256, 512)
SIZES = ((1, 1, 1), (1, 1, 7), (1, 2, 1), (2, 5, 6), (1, 2, 2), (1, 13, 11))


@pytest.fixture(scope='module', autouse=True)
def one_thread():
    """Keep PyTorch from waking threads for these small maps."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope='module')
def library(tmp_path_factory):
    """Compile the emulation, or skip."""
    if not has_compiler():
        pytest.skip('no C++ compiler: the emulation of a GPU is not compiled')
    return cuda_emulation.build(tmp_path_factory.mktemp('emulation'))


@pytest.fixture(params=cuda_emulation.IS_AND)
def emulated(request, library):
    """Return the kernels as one generation of GPUs runs them."""
    return CudaBackend('cpu', cuda_emulation.EmulatedLibrary(library, request.param))


def bits_of(maker: Maker, size: tuple[int, int, int], channels: int,
            words_before: int = 0, words_behind: int = 0) -> Map:
    """Make a map of random bits, perhaps between those of others."""
    first = 32 * words_before
    behind = 32 * words_behind
    total = first + (words(channels) * 32 + behind if behind else channels)
    batch, height, width = size
    tensor = torch.zeros(batch, height + 2, width + 2, words(total), dtype=torch.int32)
    tensor[:, 1:-1, 1:-1] = pack_bits(maker.values(*size, total) > 0)
    return Map(Buffer((*size, total), True, tensor), first, channels)


def weights_of(maker: Maker, out_channels: int, kernel: int, in_channels: int) -> torch.Tensor:
    return pack_bits(maker.values(out_channels, kernel, kernel, in_channels) > 0)


def out_size(size: tuple[int, int, int], stride: int) -> tuple[int, int, int]:
    return size[0], -(-size[1] // stride), -(-size[2] // stride)


def integer_sign(maker: Maker, channels: int) -> IntegerSign:
    low = (4 * maker.values(channels)).clamp(-100, 100).int()
    high = low + (6 * maker.values(channels)).abs().clamp(max=100).int()
    high[::3] = NEVER
    return IntegerSign(low, high, pack_bits(maker.values(channels) > 0))


def check(backend, *operations, written: Sequence[Map]) -> list[torch.Tensor]:
    """Run operations by the reference and by a backend; compare all memory of what they write."""
    memory = [target.buffer.tensor for target in written]
    before = [tensor.clone() for tensor in memory]
    ReferenceBackend().compile(operations)()
    expected = [tensor.clone() for tensor in memory]
    for tensor, values in zip(memory, before):
        tensor.copy_(values)
    backend.compile(operations)()
    for tensor, values in zip(memory, expected):
        torch.testing.assert_close(tensor, values, rtol=0, atol=0, equal_nan=True)
    return expected


@pytest.mark.parametrize('kernel', [1, 3])
@pytest.mark.parametrize('in_channels', CHANNELS)
def test_integers_and_their_bits(emulated, in_channels, kernel):
    maker = Maker(in_channels)
    for index, size in enumerate(SIZES):
        stride, out_channels = 1 + index % 2, (1, 33, 64, 70, 128, 31)[index]
        bits = bits_output((*out_size(size, stride), out_channels), words_before=index % 2)
        integers = real_output((*out_size(size, stride), out_channels), torch.int16, (index, 1))
        expected = check(emulated, Convolution(
            bits_of(maker, size, in_channels),
            weights_of(maker, out_channels, kernel, in_channels), stride, bits,
            integer_sign(maker, out_channels), integers), written=(bits, integers))
        assert expected[0].count_nonzero() or out_channels == 1


@pytest.mark.parametrize('height', [1, 2, 3, 4])
@pytest.mark.parametrize('stride', [1, 2])
def test_every_padding_class(emulated, stride, height):
    maker = Maker(height)
    for width in (1, 2, 3, 4):
        size = 2, height, width
        out = real_output((*out_size(size, stride), 65), torch.int16)
        check(emulated, Convolution(bits_of(maker, size, 70), weights_of(maker, 65, 3, 70),
                                    stride, integers=out), written=[out])


@pytest.mark.parametrize('dtype', [torch.float32, torch.bfloat16])
@pytest.mark.parametrize(('kernel', 'stride'), [(1, 1), (3, 1), (3, 2)])
def test_real_results_with_all_that_follows(emulated, kernel, stride, dtype):
    maker, size, channels = Maker(kernel + stride), (2, 9, 8), 96
    out_shape = (*out_size(size, stride), channels)
    out, bits = real_output(out_shape, dtype, (3, 2)), bits_output(out_shape, 1)
    epilogue = Epilogue(
        maker.values(channels), maker.values(channels), maker.activation(channels),
        gate=maker.values(2, channels).abs(), shortcut=maker.real((*out_shape[:3], 48), dtype),
        shortcut_scale=maker.values(channels), shortcut_offset=maker.values(channels),
        output=out, bits=bits, sign=maker.sign(channels))
    check(emulated, Convolution(bits_of(maker, size, 64), weights_of(maker, channels, kernel, 64),
                                stride, epilogue=epilogue), written=(out, bits))


def test_a_plain_affine_result(emulated):
    maker, size = Maker(5), (1, 6, 5)
    out = real_output((*size, 40))
    check(emulated, Convolution(
        bits_of(maker, size, 33), weights_of(maker, 40, 3, 33),
        epilogue=Epilogue(maker.values(40), maker.values(40), output=out)), written=[out])


def test_row_sums_beside_the_result(emulated):
    maker, size = Maker(6), (2, 5, 9)
    out, sums = real_output((*size, 70), slack=(1, 2)), real_output((2, 5, 70, 1))
    check(emulated, Convolution(
        bits_of(maker, size, 40), weights_of(maker, 70, 1, 40),
        epilogue=Epilogue(maker.values(70), maker.values(70), maker.activation(70),
                          sums=sums.buffer.tensor[..., 0], output=out)), written=(out, sums))


@pytest.mark.parametrize(('before', 'channels', 'behind'),
                         [(1, 128, 3), (2, 64, 0), (4, 256, 4), (3, 96, 1), (0, 32, 1)])
def test_slices_of_other_maps(emulated, before, channels, behind):
    maker, size = Maker(before), (1, 5, 7)
    out = real_output((*size, 64), torch.int16)
    check(emulated, Convolution(bits_of(maker, size, channels, before, behind),
                                weights_of(maker, 64, 3, channels), integers=out), written=[out])


def test_all_ones_and_all_opposites(emulated):
    shape = (1, 4, 4)
    source = Map(Buffer((*shape, 256), True, torch.zeros(1, 6, 6, 8, dtype=torch.int32)))
    source.buffer.tensor[:, 1:-1, 1:-1] = -1
    weights = torch.full((64, 3, 3, 8), -1, dtype=torch.int32)
    weights[1] = 0
    out = real_output((*shape, 64), torch.int16)
    expected, = check(emulated, Convolution(source, weights, integers=out), written=[out])
    assert expected[0, 1, 1, 0] == 9 * 256 and expected[0, 0, 0, 1] == -4 * 256


def test_more_tiles_than_one_in_both_directions(emulated):
    maker, size = Maker(3), (2, 10, 17)  # 340 pixels, 200 channels
    bits = bits_output((*size, 200))
    check(emulated, Convolution(bits_of(maker, size, 160), weights_of(maker, 200, 3, 160), 1,
                                bits, integer_sign(maker, 200)), written=[bits])


def test_row_sums_alone(emulated):
    maker, size = Maker(8), (1, 3, 4)
    sums = real_output((1, 3, 33, 1))
    check(emulated, Convolution(
        bits_of(maker, size, 40), weights_of(maker, 33, 1, 40), epilogue=Epilogue(
            maker.values(33), maker.values(33), sums=sums.buffer.tensor[..., 0])), written=[sums])


@pytest.mark.parametrize('dtype', [torch.float32, torch.bfloat16])
def test_splat(emulated, dtype):
    maker, shape, channels = Maker(1), (2, 5, 3, 4), 33
    points_m = 2 * maker.values(*shape, 3).clamp(-3, 3)
    table = SplatTable(points_m, (-4.0, -3.0, -9.0), (1.0, 0.5, 18.0), (12, 8), *(
        torch.zeros(count, dtype=torch.int32) for count in (97, 120, 120)))
    out = real_output((1, 12, 8, channels), dtype, (1, 0))
    operation = Splat(table, maker.values(*shape).to(dtype),
                      maker.real((2, 3, 4, channels), dtype, (0, 2)), out)
    expected, = check(emulated, table, operation, written=[out])
    assert expected.count_nonzero() > expected.numel() / 4


@pytest.mark.parametrize('version', [0, 1, 2, 3])
@pytest.mark.parametrize('stride', [1, 2])
def test_whole_units_with_pytorch_for_the_rest(emulated, version, stride):
    """What is not on bits may add in another order; see cuda_backend.py for the bound."""
    torch.manual_seed(10 * version + stride)
    unit = BdcUnit(64, 128, UnitConfig(version=version, with_bn=True), stride)
    for parameter in unit.parameters():
        parameter.data += 0.1 * torch.randn_like(parameter)
    packed = PackedBdcUnit(unit.eval())
    x = torch.randn(2, 8, 6, 64).permute(0, 3, 1, 2)
    packed.use_backend(ReferenceBackend())
    expected = packed(x)
    packed.use_backend(emulated)
    actual = packed(x)
    torch.testing.assert_close(actual, expected, rtol=1e-5, atol=1e-5)
    assert actual.std() > 0.1


def packed_network(config_file: Path) -> tuple[nn.Module, tuple[torch.Tensor, torch.Tensor]]:
    """Return an untrained network and what it takes from two cameras."""
    config, maker = load_network_config(config_file), Maker(0)
    torch.manual_seed(0)
    points_m = torch.tensor([18.0, 18.0, 2.5]) * torch.rand(
        1, 2, config.depth.num_bins, *config.feature_shape, 3).mul(2).sub(1)
    image = config.image
    return (pack_network(OccupancyNetwork(config)),
            (maker.values(1, 2, 3, image.height_px, image.width_px).clamp(-3, 3), points_m))


@pytest.mark.parametrize('name', ['model_tiny.yaml', 'model_tiny_published.yaml'])
def test_whole_networks(emulated, tiny_model, name):
    network, given = packed_network(tiny_model.with_name(name))
    with torch.inference_mode():
        use_backend(network, ReferenceBackend())
        expected, labels = network(*given).occupancy_logits, network.predict(*given).voxels.labels
        use_backend(network, emulated)
        torch.testing.assert_close(network(*given).occupancy_logits, expected,
                                   rtol=1e-4, atol=1e-4)
        same = network.predict(*given).voxels.labels == labels
    assert same.double().mean() >= 0.999 and expected.std() > 0.1


def test_no_images_at_all(emulated):
    out = real_output((0, 4, 4, 32), torch.int16)
    source = Map(Buffer((0, 4, 4, 32), True, torch.zeros(0, 6, 6, 1, dtype=torch.int32)))
    check(emulated, Convolution(source, weights_of(Maker(0), 32, 3, 32), integers=out),
          written=[out])


@pytest.mark.parametrize('dtype', [torch.float32, torch.bfloat16])
@pytest.mark.parametrize('channels', CHANNELS)
def test_packing(emulated, channels, dtype):
    maker = Maker(channels)
    for size in SIZES:
        out = bits_output((*size, channels), words_before=1)
        check(emulated, Pack(maker.real((*size, channels), dtype, (2, 1)), out,
                             maker.sign(channels)), written=[out])


def test_sizes_beyond_31_bits_are_refused(emulated):
    """Maps whose memory is still to come: nothing of that size is there."""
    for message, shape in (('less than 2.31 elements', (1, 2 ** 15, 2 ** 15, 64)),
                           ('a window may have 32767 products', (1, 2, 2, 3641))):
        weights = weights_of(Maker(0), 1, 3, shape[3])
        with pytest.raises(InvalidOperationError, match=message):
            emulated.compile([Convolution(Map(Buffer(shape, True)), weights)])


def test_rows_of_an_output_that_the_caller_brings_are_summed_where_it_is_float32(emulated):
    maker, size = Maker(0), (1, 4, 4)
    output, scale = Map(Buffer((*size, 64), False)), maker.values(64)
    run = emulated.compile([Convolution(
        bits_of(maker, size, 64), weights_of(maker, 64, 3, 64),
        epilogue=Epilogue(scale, scale, sums=torch.zeros(1, 4, 64), output=output))])
    output.buffer.tensor = torch.zeros(*size, 64, dtype=torch.float16)
    with pytest.raises(InvalidOperationError, match='row sums need'):
        run()
    output.buffer.tensor = torch.zeros(*size, 64)
    run()


def test_what_does_not_fit_is_refused(emulated):
    maker, size = Maker(0), (1, 4, 4)
    source, weights = bits_of(maker, size, 64), weights_of(maker, 64, 3, 64)
    scale = maker.values(64)
    wrong = {
        'sizes and channels': Convolution(source, weights, 2,
                                          integers=real_output((*size, 64), torch.int16)),
        'stride': Convolution(source, weights, 3),
        'of type torch.float32': Convolution(
            source, weights, epilogue=Epilogue(scale, scale, output=real_output(
                (*size, 64), torch.int16))),
        'row sums need': Convolution(source, weights, epilogue=Epilogue(
            scale, scale, gate=maker.values(1, 64), sums=torch.zeros(1, 4, 64))),
    }
    for message, operation in wrong.items():
        with pytest.raises(InvalidOperationError, match=message):
            emulated.compile([operation])
