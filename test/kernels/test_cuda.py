# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The kernels on a GPU against the reference, bit for bit; skipped where there is none."""

from cuda_oracle import count_bits
import pytest
from real_maps import bits_output, Maker, real_output, TYPES
from test_cuda_emulation import (
    bits_of,
    CHANNELS,
    integer_sign,
    out_size,
    packed_network,
    SIZES,
    weights_of,
)
import torch

from bdc_occ_ros.bench import cuda as cuda_bench
from bdc_occ_ros.bench.layers import Layer
from bdc_occ_ros.binary.bdc_unit import BdcUnit
from bdc_occ_ros.binary.config import UnitConfig
from bdc_occ_ros.binary.engine_module import use_backend
from bdc_occ_ros.binary.packed_unit import PackedBdcUnit
from bdc_occ_ros.errors import BackendUnavailableError, InvalidOperationError
from bdc_occ_ros.kernels.cuda_backend import CudaBackend
from bdc_occ_ros.kernels.library import check_capability, CudaLibrary
from bdc_occ_ros.kernels.operations import (
    Buffer,
    Convolution,
    Epilogue,
    Map,
    Pack,
    Splat,
    SplatTable,
)
from bdc_occ_ros.kernels.reference import ReferenceBackend

GPU = torch.device('cuda', 0)
NO_GPU = 'PyTorch finds no GPU; the emulation and the machine code are tested all the same'


@pytest.fixture(scope='module')
def library(cuda_build_result):
    """Open the kernels, or skip on a GPU that they refuse."""
    try:
        check_capability(torch.cuda.get_device_capability(GPU), torch.cuda.get_device_name(GPU))
    except BackendUnavailableError as error:
        pytest.skip(str(error))
    return CudaLibrary(cuda_build_result.library)


@pytest.fixture
def backend(library):
    """Return the kernels of this GPU."""
    return CudaBackend(GPU, library)


def on_gpu(source: Map) -> Map:
    """Copy a map and its surroundings."""
    buffer = source.buffer
    return Map(Buffer(buffer.shape, buffer.is_bits, buffer.tensor.to(GPU)), source.first_channel,
               source.num_channels)


def check(backend, make, *outputs: Map) -> None:
    """Run what make makes of outputs by the reference, and on copies of them by the GPU."""
    copies = [on_gpu(output) for output in outputs]
    ReferenceBackend().compile(make(*outputs))()
    backend.compile(make(*copies))()
    for output, copy in zip(outputs, copies):
        torch.testing.assert_close(copy.buffer.tensor.cpu(), output.buffer.tensor, rtol=0, atol=0,
                                   equal_nan=True)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason=NO_GPU)
class TestOnGpu:

    @pytest.mark.parametrize('kernel', [1, 3])
    @pytest.mark.parametrize('in_channels', CHANNELS)
    def test_integers_and_their_bits(self, backend, library, in_channels, kernel):
        maker = Maker(in_channels)
        for index, size in enumerate(SIZES):
            stride, channels = 1 + index % 2, (1, 33, 64, 70, 128, 31)[index]
            behind = index % 3 if in_channels % 32 == 0 else 0
            source = bits_of(maker, size, in_channels, index % 2, behind)
            weights = weights_of(maker, channels, kernel, in_channels)
            sign = integer_sign(maker, channels)
            shape = (*out_size(size, stride), channels)
            integers = real_output(shape, torch.int16, (index, 1))
            check(backend, lambda bits, integers: [Convolution(
                source, weights, stride, bits, sign, integers)],  # noqa: B023
                bits_output(shape, words_before=index % 2), integers)
            counted = count_bits(Convolution(on_gpu(source), weights.to(GPU), stride), library)
            assert torch.equal(counted.cpu().short(),
                               integers.buffer.tensor[..., index:index + channels])

    @pytest.mark.parametrize('dtype', TYPES)
    @pytest.mark.parametrize(('kernel', 'stride'), [(1, 1), (3, 1), (3, 2)])
    def test_real_results_with_all_that_follows(self, backend, kernel, stride, dtype):
        maker, size, channels = Maker(kernel + stride), (2, 19, 18), 96
        shape = (*out_size(size, stride), channels)
        source, sign = bits_of(maker, size, 64), maker.sign(channels)
        weights = weights_of(maker, channels, kernel, 64)
        parameters = [maker.values(channels) for _ in range(4)]
        activation, gate = maker.activation(channels), maker.values(2, channels).abs()
        shortcut = maker.real((*shape[:3], 48), dtype)
        check(backend, lambda out, bits: [Convolution(source, weights, stride, epilogue=Epilogue(
            *parameters[:2], activation, None, gate, shortcut, *parameters[2:], out, bits, sign))],
            real_output(shape, dtype, (3, 2)), bits_output(shape, 1))

    @pytest.mark.parametrize('dtype', TYPES)
    @pytest.mark.parametrize('channels', CHANNELS)
    def test_packing(self, backend, channels, dtype):
        maker = Maker(channels)
        for size in SIZES:
            source, sign = maker.real((*size, channels), dtype, (2, 1)), maker.sign(channels)
            check(backend, lambda out: [Pack(source, out, sign)],  # noqa: B023
                  bits_output((*size, channels), words_before=1))

    @pytest.mark.parametrize('dtype', TYPES)
    @pytest.mark.parametrize('channels', [1, 33, 64, 80])
    def test_splat(self, backend, channels, dtype):
        maker, shape = Maker(1), (2, 25, 6, 9)
        points_m = 2 * maker.values(*shape, 3).clamp(-3, 3)
        table = SplatTable(points_m, (-4.0, -3.0, -9.0), (1.0, 0.5, 18.0), (12, 8), *(
            torch.zeros(count, dtype=torch.int32) for count in (97, 2700, 2700)))
        probability = maker.values(*shape).to(dtype)
        context = maker.real((2, 6, 9, channels), dtype, (0, 2))
        check(backend, lambda out: [table, Splat(table, probability, context, out)],
              real_output((1, 12, 8, channels), dtype, (1, 0)))

    def test_whole_unit_in_a_graph(self, backend):
        torch.manual_seed(0)
        packed = PackedBdcUnit(BdcUnit(64, 128, UnitConfig(with_bn=True)).eval())
        x = torch.randn(2, 64, 16, 12).contiguous(memory_format=torch.channels_last)
        packed.use_backend(ReferenceBackend())
        expected, expected_of_negative = packed(x), packed(-x)
        packed.use_backend(backend)
        source = x.to(GPU)
        result = packed(source)
        torch.testing.assert_close(result.cpu(), expected, rtol=1e-5, atol=1e-5)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            captured = packed(source)
        source.copy_(-x)
        graph.replay()
        torch.testing.assert_close(captured.cpu(), expected_of_negative, rtol=1e-5, atol=1e-5)

    @pytest.mark.parametrize('name', ['model_tiny.yaml', 'model_tiny_published.yaml'])
    def test_whole_networks(self, backend, tiny_model, name):
        network, given = packed_network(tiny_model.with_name(name))
        with torch.inference_mode():
            use_backend(network, ReferenceBackend())
            expected = network.predict(*given).voxels.labels
            use_backend(network.to(GPU), backend)
            labels = network.predict(*(tensor.to(GPU) for tensor in given)).voxels.labels
        assert (labels.cpu() == expected).double().mean() >= 0.999

    def test_work_goes_to_the_current_stream(self, backend):
        maker, size = Maker(0), (1, 64, 64)
        real = on_gpu(maker.real((*size, 64)))
        out = on_gpu(bits_output((*size, 64)))
        run = backend.compile([Pack(real, out, maker.sign(64))])
        stream = torch.cuda.Stream()
        run()
        torch.cuda.synchronize()
        expected = out.buffer.tensor.clone()
        with torch.cuda.stream(stream):
            out.buffer.tensor.zero_()
            torch.cuda._sleep(50_000_000)
            run()
            assert not stream.query()
        stream.synchronize()
        assert torch.equal(out.buffer.tensor, expected)

    def test_maps_on_the_cpu_are_refused(self, backend):
        maker, source = Maker(0), Buffer((1, 4, 4, 32))
        run = backend.compile([Pack(Map(source), bits_output((1, 4, 4, 32)), maker.sign(32))])
        source.tensor = torch.zeros(1, 4, 4, 32)
        with pytest.raises(InvalidOperationError, match='dense and on cuda:0'):
            run()

    def test_the_benchmark_measures(self, library, monkeypatch, cuda_build_result):
        monkeypatch.setenv('BDC_OCC_CUDA_LIBRARY', str(cuda_build_result.library))
        monkeypatch.setattr(cuda_bench, 'LAYERS', (Layer(3, 64, 64, 40, 40),))
        rows = list(cuda_bench.measure(GPU))
        assert [row['op'] for row in rows] == ['cudnn_fp16', 'pack_f32', 'bits', 'affine_f16']
        assert all(row['ms'] > 0 for row in rows)


def test_without_a_gpu_the_benchmark_says_so(monkeypatch, capsys):
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)
    assert cuda_bench.main([]) == 0
    assert 'no GPU: nothing is measured' in capsys.readouterr().out


def test_without_a_gpu_the_backend_is_refused(monkeypatch):
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)
    with pytest.raises(BackendUnavailableError, match='finds no GPU cuda here; run on the CPU'):
        CudaBackend()
