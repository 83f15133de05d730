"""The devices that tests make tensors on: the processor, and a graphics processor where there is one."""

from __future__ import annotations

import pytest
import torch

DEVICES = ["cpu"] + [pytest.param("cuda", marks=pytest.mark.gpu)] * torch.cuda.is_available()
