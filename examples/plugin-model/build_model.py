"""Make nesr_mallett/mallett-2019.safetensors: a factorised network whose learned part is zero."""

from pathlib import Path

import numpy as np
import torch

from nesr_gui.colorimetry.cie import mallett_basis
from nesr_gui.inference.checkpoint import save_checkpoint
from nesr_gui.networks.factorised_nesr import FactorisedConfig, FactorisedNeSR

torch.manual_seed(0)
config = FactorisedConfig("none", 1, 1, spi=False, attention="none", hidden=(1,), rank=1)
network = FactorisedNeSR(config)
for parameter in network.parameters():
    parameter.data.zero_()
network.basis.linear.data.copy_(torch.tensor(mallett_basis(np.array(config.bands)), dtype=torch.float32))
provenance = {
    "method": "Mallett and Yuksel (2019), Spectral Primary Decomposition for Rendering with sRGB Reflectance",
    "training": "none",
}
save_checkpoint(Path(__file__).parent / "nesr_mallett" / "mallett-2019.safetensors", network, provenance)
