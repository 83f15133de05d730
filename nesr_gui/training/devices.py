"""The devices that train a network: one, or several started by Lightning Fabric's launcher `fabric run`."""

from __future__ import annotations

import importlib.util
import os
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, TypeVar

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from nesr_gui.inference.model import resolve_device

if TYPE_CHECKING:
    from lightning_fabric import Fabric

EXTRAS = {"lightning_fabric": "lightning-fabric", "matplotlib": "matplotlib", "sklearn": "scikit-learn"}
Value = TypeVar("Value")


def check_extras() -> None:
    """Check that the optional packages of experiments are installed.

    Raises:
        ValueError: a package is missing; the message names it.
    """
    missing = [name for module, name in EXTRAS.items() if importlib.util.find_spec(module) is None]
    if missing:
        raise ValueError(f"experiments need {', '.join(missing)}, not installed here; install nesr-gui[train]")


class Devices:
    """The device of this process, and its place among the processes that train the same network.

    Without Fabric there is one process. With it, each process computes the gradient of its share of every batch, and
    the gradients are averaged.
    """

    def __init__(self, device: torch.device | str, fabric: Fabric | None = None) -> None:
        self.device, self.fabric = torch.device(device), fabric
        self.count = fabric.world_size if fabric else 1
        self.is_main = fabric.is_global_zero if fabric else True

    @classmethod
    def launched(cls, device: str, precision: str = "32-true") -> Devices:
        """The devices of `fabric run` if it started this process, otherwise one device.

        Args:
            device: `auto`, `cpu`, `cuda` or any other name that torch knows; `fabric run` overrides it.
            precision: the precision that the run records and `TrainingLoss` applies.

        Raises:
            ValueError: `fabric run` was given another precision, which the manifest of the run would not record.
        """
        from lightning_fabric import Fabric

        if (given := os.environ.get("LT_PRECISION", precision)) != precision:
            raise ValueError(
                f"fabric run was given --precision {given}; give it after the name of the experiment instead"
            )
        if os.environ.get("LT_CLI_USED") == "1":
            fabric = Fabric()  # its processes are running already
        else:
            fabric = Fabric(accelerator=resolve_device(device), devices=1)
            fabric.launch()
        return cls(fabric.device, fabric)

    def share(self, batch: int) -> slice:
        """The patches that this process computes of a batch of that size.

        Raises:
            ValueError: the batch is no multiple of the number of devices.
        """
        if batch % self.count:
            raise ValueError(f"a batch of {batch} cannot be shared by {self.count} devices; change one of them")
        size, rank = batch // self.count, self.fabric.global_rank if self.fabric else 0
        return slice(size * rank, size * (rank + 1))

    def setup(self, module: nn.Module, optimizer: Optimizer) -> tuple[nn.Module, Optimizer]:
        """The module and its optimiser on the device, wrapped if several devices train."""
        if self.fabric:
            return self.fabric.setup(module, optimizer)
        return module.to(self.device), optimizer

    def backward(self, loss: Tensor) -> None:
        """Accumulate the gradients of a loss, averaged over devices."""
        if self.fabric:
            self.fabric.backward(loss)
        else:
            loss.backward()  # type: ignore[no-untyped-call]

    def broadcast(self, value: Value) -> Value:
        """The value that the main process has, on every process."""
        return self.fabric.broadcast(value) if self.fabric else value

    def barrier(self) -> None:
        """Wait until every process has come this far."""
        if self.fabric:
            self.fabric.barrier()

    def main_first(self) -> AbstractContextManager[object]:
        """A block that the main process runs before the others."""
        return self.fabric.rank_zero_first() if self.fabric else nullcontext()
