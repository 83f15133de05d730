"""The authors' release against a slow implementation of what is known of it, in numpy and float64."""

import numpy as np
import pytest
import torch

from nesr_gui.inference.checkpoint import UnreadableModel, import_weights, load_checkpoint
from nesr_gui.inference.engine import encode
from nesr_gui.inference.model import load_model
from nesr_gui.networks.authors_release import CROP, ReleaseConfig, ReleasedNeSR, released
from nesr_gui.networks.nesr import parameter_count
from tests import tiny

F, BLOCKS = 32, 2


def release_state(features: int = F, blocks: int = BLOCKS, prefix: str = "") -> dict[str, torch.Tensor]:
    """Random weights under the names and in the shapes of the release."""
    rng = np.random.default_rng(0)
    f, e = features, "feature_encoder."
    shapes: dict[str, tuple[int, ...]] = {
        f"{e}input_conv2D.conv2d.weight": (f, 3, 3, 3), f"{e}input_prelu2D.weight": (1,),
        f"{e}head_conv2D.conv2d.weight": (f, f, 3, 3), f"{e}tail_conv2D.conv2d.weight": (f, f, 3, 3),
        f"{e}output_prelu2D.weight": (1,), f"{e}output_conv2D.conv2d.weight": (f, f, 3, 3),
        f"{e}tail_nonlocal.non_local.g.weight": (f // 8, f, 1, 1),
        f"{e}tail_nonlocal.non_local.theta.weight": (f // 8, f, 1, 1),
        f"{e}tail_nonlocal.non_local.W.weight": (f, f // 8, 1, 1),
        "conv_3d_1.weight": (32, 2, 3, 3, 3), "conv_3d_1.bias": (32,),
        "conv_3d_2.weight": (32, 32, 3, 3, 3), "conv_3d_2.bias": (32,),
    }  # fmt: skip
    for i in range(blocks):
        b = f"{e}backbone.{i}."
        for name, kernel in (("conv1", 3), ("conv2", 3), ("up_conv", 5), ("down_conv", 3)):
            shapes[f"{b}{name}.conv2d.weight"] = (f, f, kernel, kernel)
        shapes |= {f"{b}{name}.weight": (1,) for name in ("relu1", "relu2", "up_relu", "down_relu", "se.fc.1")}
        shapes |= {f"{b}se.conv.weight": (1, f, 1, 1)}
        shapes |= {f"{b}se.fc.0.weight": (f // 16, f), f"{b}se.fc.2.weight": (f, f // 16)}
    for layers, sizes in {**dict.fromkeys(("q", "k", "v"), (35, 32, 16, 16)), "2": (32, 128, 128, 256, 256, 1)}.items():
        name = f"layers_{layers}" if layers != "2" else "layers2"
        for i in range(len(sizes) - 1):
            shapes[f"imnet.{name}.{2 * i}.weight"] = (sizes[i + 1], sizes[i])
            shapes[f"imnet.{name}.{2 * i}.bias"] = (sizes[i + 1],)
    return {
        prefix + name: torch.from_numpy(
            rng.normal(0, (1.2 / np.prod(shape[1:])) ** 0.5 if shape[1:] else 0.2, shape)
        ).float()
        for name, shape in shapes.items()
    }


class Slow:
    """The release, from the facts: state-dict names, reflection, no biases in the encoder, loops over taps."""

    def __init__(self, state: dict[str, torch.Tensor], bands: int) -> None:
        self.w = {name: tensor.double().numpy() for name, tensor in state.items()}
        self.bands = bands

    def conv(self, x: np.ndarray, name: str) -> np.ndarray:
        weight = self.w[f"feature_encoder.{name}.conv2d.weight"]
        reach = weight.shape[-1] // 2
        padded = np.pad(x, ((0, 0), (reach, reach), (reach, reach)), mode="reflect")
        out = np.zeros((weight.shape[0], *x.shape[1:]))
        for dy in range(weight.shape[2]):
            for dx in range(weight.shape[3]):
                out += np.einsum(
                    "oc,chw->ohw", weight[:, :, dy, dx], padded[:, dy:, dx:][:, : x.shape[1], : x.shape[2]]
                )
        return out

    def prelu(self, x: np.ndarray, name: str) -> np.ndarray:
        return np.where(x > 0, x, self.w[f"feature_encoder.{name}.weight"][0] * x)

    def awca(self, x: np.ndarray, name: str) -> np.ndarray:
        score = np.einsum("c,chw->hw", self.w[f"feature_encoder.{name}.conv.weight"][0, :, 0, 0], x)
        share = np.exp(score - score.max())
        share /= share.sum()
        mean = np.array([(share * channel).sum() for channel in x])
        hidden = self.prelu(self.w[f"feature_encoder.{name}.fc.0.weight"] @ mean, f"{name}.fc.1")
        return x / (1 + np.exp(-(self.w[f"feature_encoder.{name}.fc.2.weight"] @ hidden)))[:, None, None]

    def quadrant(self, x: np.ndarray) -> np.ndarray:
        g, theta, out = (
            self.w[f"feature_encoder.tail_nonlocal.non_local.{name}.weight"][:, :, 0, 0] for name in ("g", "theta", "W")
        )
        flat = x.reshape(len(x), -1)
        t = theta @ flat
        cov = (t - t.mean(1, keepdims=True)) @ t.T / t.shape[1]
        soft = np.exp(cov) / np.exp(cov).sum(1, keepdims=True)
        return x + (out @ soft @ g @ flat).reshape(x.shape)

    def encoder(self, rgb: np.ndarray) -> np.ndarray:
        x = self.conv(self.prelu(self.conv(rgb, "input_conv2D"), "input_prelu2D"), "head_conv2D")
        res = x
        for i in range(BLOCKS):
            b = f"backbone.{i}"
            inner = self.conv(self.prelu(self.conv(x, f"{b}.conv1"), f"{b}.relu1"), f"{b}.conv2")
            inner = self.prelu(inner + x, f"{b}.relu2")
            res = self.prelu(self.conv(inner, f"{b}.up_conv") + res, f"{b}.up_relu")
            x = self.prelu(self.conv(self.awca(res, f"{b}.se"), f"{b}.down_conv") + x, f"{b}.down_relu")
        x = self.conv(self.prelu(self.conv(x, "tail_conv2D") + res, "output_prelu2D"), "output_conv2D")
        h, w = x.shape[1] // 2, x.shape[2] // 2
        top = np.concatenate([self.quadrant(x[:, :h, :w]), self.quadrant(x[:, :h, w:])], 2)
        return np.concatenate([top, np.concatenate([self.quadrant(x[:, h:, :w]), self.quadrant(x[:, h:, w:])], 2)], 1)

    def conv3d(self, x: np.ndarray, name: str) -> np.ndarray:
        weight, bias = self.w[f"{name}.weight"], self.w[f"{name}.bias"]
        padded = np.pad(x, ((0, 0), (1, 1), (1, 1), (1, 1)))
        out = np.broadcast_to(bias[:, None, None, None], (len(bias), *x.shape[1:])).copy()
        for a, b, c in np.ndindex(3, 3, 3):
            part = padded[:, a:, b:, c:][:, : x.shape[1], : x.shape[2], : x.shape[3]]
            out += np.einsum("oi,ilhw->olhw", weight[:, :, a, b, c], part)
        return out

    def mlp(self, x: np.ndarray, name: str, layers: int) -> np.ndarray:
        for i in range(layers):
            x = self.w[f"imnet.{name}.{2 * i}.weight"] @ x + self.w[f"imnet.{name}.{2 * i}.bias"]
            x = np.maximum(x, 0) if i < layers - 1 else x
        return x

    def __call__(self, rgb: np.ndarray) -> np.ndarray:
        features = self.encoder(rgb)
        profile = np.stack([features[int(band * len(features) / self.bands)] for band in range(self.bands)])
        codes = self.conv3d(self.conv3d(np.stack([profile, profile]), "conv_3d_1"), "conv_3d_2")
        codes = np.where(codes > 0, codes, 0.1 * codes)
        sizes = codes.shape[1:]
        places = list(np.ndindex(*sizes))
        tokens = [[*codes[:, a, b, c], *(-1 + (2 * i + 1) / n for i, n in zip((a, b, c), sizes, strict=True))]
                  for a, b, c in places]  # fmt: skip
        q, k, v = (np.array([self.mlp(np.array(t), f"layers_{s}", 3) for t in tokens]) for s in "qkv")
        product = q.T @ k
        product -= product.max(1, keepdims=True)
        soft = np.exp(product) / np.exp(product).sum(1, keepdims=True)
        answer = np.zeros(sizes)
        for place, value in zip(places, v, strict=True):
            mixed = [sum(soft[i, j] * value[j] for j in range(16)) for i in range(16)]
            answer[place] = self.mlp(np.array(mixed + mixed), "layers2", 5)[0]
        return answer


@pytest.mark.parametrize("shape", [(7, 6), (4, 5)])
def test_its_forward_pass_is_that_of_the_facts(shape):
    state = release_state()
    network = released(state)
    bands = tuple(400.0 + 50 * i for i in range(7))
    smaller = ReleasedNeSR(ReleaseConfig(F, BLOCKS, bands)).eval()
    smaller.load_state_dict(network.state_dict())
    rgb = torch.rand(1, 3, *shape, generator=torch.Generator().manual_seed(1))
    expected = Slow(state, 7)(rgb[0].double().numpy())
    assert expected.std() > 0.01
    with torch.no_grad():
        np.testing.assert_allclose(smaller(rgb)[0].numpy(), expected, atol=1e-5, rtol=1e-5)


def test_its_size_is_the_published_one():
    with torch.device("meta"):
        assert parameter_count(ReleasedNeSR(ReleaseConfig())) == 29_286_667


@pytest.mark.parametrize("prefix", ["", "module."])
@pytest.mark.parametrize("wrapped", [False, True])
def test_an_imported_file_is_a_model_that_says_what_it_is(tmp_path, prefix, wrapped):
    state = release_state(prefix=prefix)
    torch.save({"epoch": 3, "state_dict": state} if wrapped else state, tmp_path / "model.pth")
    import_weights(tmp_path / "model.pth", tmp_path / "m.safetensors")
    model, image = load_model(tmp_path / "m.safetensors", "cpu"), tiny.image(CROP + 6, 20)
    field = encode(image, model)
    assert "in blended tiles of 64 pixels" in field.provenance["model_notes"]
    assert field.provenance["model_notes"].count("64 pixels") == 1  # told once
    assert load_checkpoint(tmp_path / "m.safetensors").provenance["weights"] == "model.pth"
    assert len(field.bands) == 31
    np.testing.assert_allclose(field.band(455), (field.band(450) + field.band(460)) / 2, atol=1e-6)
    with torch.inference_mode():
        top = model.network(torch.from_numpy(image.values[:CROP]).permute(2, 0, 1)[None])[0].numpy()
    np.testing.assert_allclose(field.cube([400, 700]).values[:, :6], top[[0, 30], :6], atol=1e-6)


@pytest.mark.parametrize("content", ["text", "list", "other", "missing", "shape", "object"])
def test_a_wrong_file_is_one_sentence(tmp_path, content):
    path, state = tmp_path / "model.pth", release_state()
    if content == "text":
        path.write_text("no weights")
    elif content == "list":
        torch.save([torch.zeros(3)], path)
    elif content == "other":
        torch.save({"conv.weight": torch.zeros(3)}, path)
    elif content == "missing":
        torch.save({name: part for name, part in state.items() if name != "conv_3d_1.bias"}, path)
    elif content == "shape":
        torch.save({**state, "conv_3d_1.bias": torch.zeros(7)}, path)
    else:
        torch.save({"a": Slow(state, 3)}, path)
    with pytest.raises(UnreadableModel, match=r"^model\.pth cannot be imported: [^\n]+$"):
        import_weights(path, tmp_path / "m.safetensors")
    assert not (tmp_path / "m.safetensors").exists()
