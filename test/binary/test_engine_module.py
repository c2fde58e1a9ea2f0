# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Modules that run as a plan: what they read where it lies, keep, and leave behind."""

import gc

import torch

from bdc_occ_ros.binary.engine_module import LoweredModule, MAX_PLANS
from bdc_occ_ros.kernels.operations import Buffer, Combine
from bdc_occ_ros.kernels.reference import ReferenceBackend


class Doubled(LoweredModule):
    """Twice its input."""

    def lower(self, plan, source):
        result = plan.real(source.buffer.shape, torch.float32)
        plan.add(Combine(source, None, left_weight=2.0, output=result))
        return result


def doubled():
    module = Doubled()
    module.use_backend(ReferenceBackend())
    return module


def test_channels_last_is_read_where_it_lies_and_anything_else_is_copied_and_counted():
    twice = doubled()
    x = torch.randn(2, 64, 3, 5)
    result = twice(x.contiguous(memory_format=torch.channels_last))
    assert twice.num_copies == 0
    assert result.is_contiguous(memory_format=torch.channels_last)
    assert torch.equal(result, 2 * x)
    assert torch.equal(twice(x), 2 * x)
    assert twice.num_copies == 1


def test_every_kind_of_input_has_its_plan_and_the_oldest_makes_room():
    twice = doubled()
    plans = [twice.plan_for(((torch.Size((n, 2, 2, 32)), torch.float32),))
             for n in range(1, MAX_PLANS + 2)]
    assert len(set(map(id, plans))) == len(plans)
    kinds = torch.Size((MAX_PLANS, 2, 2, 32)), torch.float32
    assert twice.plan_for((kinds,)) is plans[-2]
    assert twice.plan_for(((torch.Size((1, 2, 2, 32)), torch.float32),)) is not plans[0]


def test_plans_made_in_inference_mode_run_outside_of_it():
    twice = doubled()
    x = torch.randn(1, 32, 2, 2).contiguous(memory_format=torch.channels_last)
    with torch.inference_mode():
        twice(x)
    assert torch.equal(twice(x), 2 * x)


def test_runs_leave_no_tensors_behind():
    twice = doubled()
    x = torch.randn(1, 32, 2, 2).contiguous(memory_format=torch.channels_last)

    def count():
        gc.collect()
        return sum(issubclass(type(thing), torch.Tensor | Buffer) for thing in gc.get_objects())
    twice(x)
    before = count()
    for _ in range(5):
        twice(x)
    assert count() == before
