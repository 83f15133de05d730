"""Training is repeatable, resumable to the bit, learns, and ends where the network is dead."""

import dataclasses
import json
import signal
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

from nesr_gui.colorimetry import cie
from nesr_gui.networks.band_network import DiscreteConfig, DiscreteNetwork
from nesr_gui.networks.factorised_nesr import FactorisedNeSR
from nesr_gui.networks.nesr import NeSR
from nesr_gui.networks.registry import SYSTEMS, build
from nesr_gui.networks.spi import HALO
from nesr_gui.training import trainer as module
from nesr_gui.training.commands import as_fed, chosen_config
from nesr_gui.training.loss import TrainingLoss
from nesr_gui.training.sampler import Batch, PatchSampler, SamplerConfig, SpectralTable
from nesr_gui.training.spectral_library import interpolation
from nesr_gui.training.trainer import (
    SURROUNDINGS,
    Budget,
    ConstantNetwork,
    DivergedRun,
    OptimizerConfig,
    Trainer,
    TrainingConfig,
    least_squares,
    start_training,
)
from tests import tiny
from tests.training import worlds

SAMPLER = SamplerConfig(patch=16, crops=4, pixel_mosaics=2, library_mosaics=2, painted=2, collages=2, jpeg=0.5)
CLEAN = dataclasses.replace(SAMPLER, noise=0.0, jpeg=0.0, dimmest=1.0)
CONFIG = TrainingConfig(steps=6, pixels=64, between=3, window=8, sampler=SAMPLER)
FACTORISED = tiny.FACTORISED
NESR = worlds.PAPER
DISCRETE = DiscreteConfig("hscnn_r", 6, 1)
PARTS = ("squared", "relative", "angle", "colour")


def sampler(config: SamplerConfig = SAMPLER, device: str = "cpu", seed: int = 0) -> PatchSampler:
    libraries = [worlds.library("coarse", 10), worlds.library("fine", 1)]
    return PatchSampler(SpectralTable([worlds.scene("a")], libraries, config, device), config, seed)


def trainer(network, folder, config: TrainingConfig = CONFIG, start=None, device: str = "cpu") -> Trainer:
    return start_training(network, config, sampler(config.sampler, device, config.seed), folder, start)


def weights(trainer: Trainer) -> dict[str, torch.Tensor]:
    return {name: tensor.clone() for name, tensor in trainer.averaged.state_dict().items()}


@pytest.fixture
def impatient(monkeypatch) -> None:
    """Looks at every second step whether the network lives."""
    monkeypatch.setattr(module, "CHECK_STEPS", 2)


def test_a_full_disk_is_one_sentence_and_keeps_the_last_state(tmp_path):
    resource = pytest.importorskip("resource")
    run = trainer(DISCRETE, tmp_path / "run")
    run.save()
    kept = run._state.read_bytes()
    run.step = 1
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, limit[1]))  # a write beyond it fails as on a full disk
    try:
        with pytest.raises(OSError, match="state.pt"):
            run.save()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    assert run._state.read_bytes() == kept
    assert [path.name for path in run.folder.iterdir() if path.suffix == ".part"] == []


@pytest.mark.parametrize(
    ("network", "stops"),
    [(FACTORISED, (1,)), (FACTORISED, (3, 4)), (FACTORISED, (5,)), (NESR, (1, 4)), (DISCRETE, (1, 4))],
)
def test_resumed_equals_uninterrupted_to_the_bit(tmp_path, impatient, network, stops):
    alive = worlds.living(network)
    whole = trainer(network, tmp_path / "whole", start=alive)
    losses = [step.loss for step in whole.run()]
    interrupted: list[float] = []
    for stop in stops:
        part = trainer(network, tmp_path / "parts", start=alive if not interrupted else None)
        assert part.step == len(interrupted)
        run = part.run()
        while part.step < stop:
            interrupted.append(next(run).loss)
        run.close()
    last = trainer(network, tmp_path / "parts")
    assert last.step == stops[-1]
    interrupted += [step.loss for step in last.run()]
    assert interrupted == losses and len(set(losses)) == 6
    for name, tensor in weights(whole).items():
        assert torch.equal(weights(last)[name], tensor), name
    for name, tensor in whole.network.state_dict().items():
        assert torch.equal(last.network.state_dict()[name], tensor), name


@pytest.mark.parametrize(
    ("when", "number"),
    [
        ("within the update", signal.SIGINT),
        ("between update and mean", signal.SIGINT),
        ("between update and mean", signal.SIGTERM),
    ],
)
def test_ctrl_c_within_a_step_waits_for_its_end(tmp_path, when, number):
    """Or half a step would be saved, and made again by the run that is resumed."""
    alive = worlds.living(FACTORISED)
    whole = trainer(FACTORISED, tmp_path / "whole", start=alive)
    list(whole.run())
    stopped = trainer(FACTORISED, tmp_path / "parts", start=alive)

    def interrupt(*_: object) -> None:
        if stopped.step == 2:
            signal.raise_signal(number)

    register = {
        "within the update": stopped.optimizer.register_step_pre_hook,
        "between update and mean": stopped.optimizer.register_step_post_hook,
    }
    register[when](interrupt)
    before = signal.signal(number, signal.default_int_handler)  # as the command line does for both
    try:
        with pytest.raises(KeyboardInterrupt):
            list(stopped.run())
        assert signal.getsignal(number) is signal.default_int_handler
    finally:
        signal.signal(number, before)
    resumed = trainer(FACTORISED, tmp_path / "parts")
    assert resumed.step == stopped.step == 3
    list(resumed.run())
    for name, tensor in weights(whole).items():
        assert torch.equal(weights(resumed)[name], tensor), name


def test_a_network_is_trained_in_any_thread(tmp_path):
    """Only the main thread may choose what Ctrl-C does."""
    made = trainer(FACTORISED, tmp_path, start=worlds.living(FACTORISED))
    with ThreadPoolExecutor(1) as threads:
        assert len(threads.submit(lambda: list(made.run())).result()) == 6


def test_random_numbers_taken_elsewhere_change_no_step(tmp_path):
    quiet, disturbed = (trainer(FACTORISED, tmp_path / name).run() for name in "ab")
    losses = [step.loss for _, step in zip(range(3), quiet, strict=False)]
    for expected in losses:
        torch.rand(3)
        np.random.rand(3)
        assert next(disturbed).loss == expected
    quiet.close()
    disturbed.close()


def test_a_seed_is_a_run(tmp_path):
    def first_losses(folder: str, seed: int) -> list[float]:
        run = trainer(FACTORISED, tmp_path / folder, dataclasses.replace(CONFIG, seed=seed)).run()
        losses = [next(run).loss for _ in range(2)]
        run.close()
        return losses

    assert first_losses("a", 1) == first_losses("b", 1) != first_losses("c", 2)


@pytest.mark.parametrize(
    "changed",
    [
        {"config": dataclasses.replace(CONFIG, rate=1e-4)},
        {"config": dataclasses.replace(CONFIG, sampler=dataclasses.replace(SAMPLER, noise=0.1))},
        {"network": dataclasses.replace(FACTORISED, rank=6)},
    ],
)
def test_other_settings_do_not_resume(tmp_path, changed):
    made = trainer(FACTORISED, tmp_path)
    made.save()
    before = (tmp_path / "state.pt").read_bytes()
    with pytest.raises(ValueError, match=r"other settings \(.+\); name another folder"):
        trainer(**{"network": FACTORISED, "folder": tmp_path} | changed)
    assert (tmp_path / "state.pt").read_bytes() == before


def held_out(made: Trainer, network) -> float:
    """The mean loss over patches that no step saw."""
    losses = []
    for seed in range(5):
        made.sampler.generator.manual_seed(-1 - seed)
        with torch.no_grad():
            losses.append(TrainingLoss(network, made.sampler, made.loss.config)(made.sampler.draw()))
    return float(torch.stack(losses).mean())


@pytest.mark.parametrize(("network", "rate"), [(FACTORISED, 2e-2), (NESR, 1e-2), (DISCRETE, 3e-2)])
def test_it_learns(tmp_path, monkeypatch, device, network, rate):
    monkeypatch.setattr(module, "WARM_UP", 5)
    monkeypatch.setattr("nesr_gui.training.vital_signs.MIN_ACTIVE_UNITS", 0.0)  # so few units close by chance
    config = dataclasses.replace(CONFIG, steps=40, rate=rate, ramp=5, encoder_rate=1.0, averaging=0.9)
    torch.manual_seed(2)
    start = worlds.living(network) if network is NESR else build(network)  # which know nothing of colours yet
    made = trainer(network, tmp_path, config, start, device)
    before = held_out(made, made.averaged)
    for _ in made.run():
        pass
    assert held_out(made, made.averaged) < 0.6 * before


@pytest.mark.parametrize(
    "network",
    [
        DiscreteConfig("hscnn_r", 6, 1, bands=(400.0, 500.0, 600.0, 700.0)),
        DiscreteConfig("mst_plus_plus", 4, 1),
        dataclasses.replace(DISCRETE, skip=True, bands=(400.0, 500.0, 600.0, 700.0)),
        dataclasses.replace(NESR, profile="spectrum"),
        dataclasses.replace(NESR, attention="spatial"),
        dataclasses.replace(NESR, attention="none", spi=False),
        dataclasses.replace(FACTORISED, attention="none"),
        dataclasses.replace(FACTORISED, encoder="hscnn_r"),
        tiny.LOW_RANK,
        dataclasses.replace(tiny.LOW_RANK, encoder="none"),
    ],
)
@pytest.mark.parametrize("loss", [{}, {"squared": 0.0, "angle": 0.0, "colour": 0.0, "relative": 1.0}])
def test_every_kind_of_network_learns_from_the_same_patches(tmp_path, network, loss):
    made = trainer(network, tmp_path, dataclasses.replace(CONFIG, **loss), worlds.living(network))
    before = weights(made)
    run = made.run()
    assert all(np.isfinite(next(run).loss) for _ in range(2))
    run.close()
    assert any(not torch.equal(before[name], tensor) for name, tensor in weights(made).items())


def kill_encoder(network: torch.nn.Module) -> None:
    for parameter in network.encoder.parameters():
        parameter.data.zero_()


DEATHS = {
    "last hidden layer closed": (FACTORISED, lambda n: n.layers[-2].bias.data.fill_(-1e3), "layers.1 is dead"),
    "features zeroed": (FACTORISED, kill_encoder, "is dead"),
    "surroundings not read": (FACTORISED, lambda n: n.gather.weight.data.zero_(), "ignores the surroundings"),
    "coefficients constant": (FACTORISED, lambda n: n.layers[-1].weight.data.zero_(), "answers a constant"),
    "paper's, closed": (NESR, lambda n: n.mlp[0].bias.data.fill_(-1e3), "mlp.1 is dead"),
    "bands constant": (DISCRETE, lambda n: n.network.tail.weight.data.zero_(), "answers a constant"),
}


@pytest.mark.parametrize(("config", "kill", "message"), DEATHS.values(), ids=DEATHS)
def test_a_run_of_a_dead_network_ends_in_a_sentence(tmp_path, impatient, monkeypatch, config, kill, message):
    monkeypatch.setattr(module, "WARM_UP", 3)
    network = worlds.living(config)
    kill(network)
    settings = dataclasses.replace(CONFIG, rate=0.0, ramp=0)
    made = trainer(config, tmp_path, settings, network)
    with pytest.raises(ConstantNetwork, match=message) as ended:
        list(made.run())
    end = 6 if config is NESR else 4  # NeSR at the end of the run, others at the first check after the warm-up
    assert made.step == end
    assert f"after {end} steps; lower the learning rate" in str(ended.value) and "\n" not in str(ended.value)
    assert trainer(config, tmp_path, settings).step == end  # the state is saved


def test_a_finished_run_of_a_dead_network_stays_a_failed_run(tmp_path):
    network = worlds.living(FACTORISED)
    kill_encoder(network)
    settings = dataclasses.replace(CONFIG, rate=0.0, ramp=0)
    for start in (network, None):  # the second time the budget is spent already
        with pytest.raises(ConstantNetwork, match="is dead"):
            list(trainer(FACTORISED, tmp_path, settings, start).run())


def test_nesr_of_the_published_size_is_judged_only_at_the_end(tmp_path, impatient, monkeypatch):
    """At the paper’s initialisation it answers a near-constant, which is no reason to stop a run early."""
    monkeypatch.setattr(module, "WARM_UP", 1)
    small = dataclasses.replace(SAMPLER, patch=16, crops=2, pixel_mosaics=0, library_mosaics=2, painted=0, collages=0)
    config = dataclasses.replace(CONFIG, steps=4, ramp=0, sampler=small)
    made = trainer(as_fed(SYSTEMS["hscnn-r+nesr"].config), tmp_path, config)
    with pytest.raises(ConstantNetwork, match="after 4 steps"):
        for step in made.run():
            assert step.signs is None or step.signs.trouble is not None
    lines = [json.loads(line) for line in (tmp_path / "vital_signs.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [2, 4]


def test_nesr_that_comes_alive_before_the_end_is_no_failed_run(tmp_path, impatient, monkeypatch):
    monkeypatch.setattr(module, "WARM_UP", 1)
    made = trainer(NESR, tmp_path, dataclasses.replace(CONFIG, rate=0.0, ramp=0), worlds.living(NESR))
    alive = made.network.mlp[0].bias.detach().clone()
    made.network.mlp[0].bias.data.fill_(-1e3)
    troubles = []
    for step in made.run():
        troubles.append(step.signs and step.signs.trouble)
        if step.number == 3:
            made.network.mlp[0].bias.data.copy_(alive)
    assert "mlp.1 is dead" in troubles[1] and troubles[3] is None and troubles[5] is None and made.spent == 1


def test_weights_that_are_no_numbers_are_not_saved(tmp_path):
    made = trainer(FACTORISED, tmp_path, start=worlds.living(FACTORISED))
    run = made.run()
    next(run)
    made.save()
    made.network.colour.bias.data.fill_(torch.nan)
    with pytest.raises(DivergedRun, match="diverged at step 2; choose a lower --rate"):
        next(run)
    assert trainer(FACTORISED, tmp_path).step == 1


def test_a_loss_that_grows_out_of_bounds_ends_the_run(tmp_path, monkeypatch):
    """As that of AWAN at four times the rate of the paper, which stays finite and is never small again."""
    monkeypatch.setattr(module, "LOGGED_STEPS", 2)
    made = trainer(DISCRETE, tmp_path, dataclasses.replace(CONFIG, steps=20))
    with pytest.raises(DivergedRun, match="diverged at step 6; choose a lower --rate"):
        for step in made.run():
            if step.number == 4:
                made.network.network.tail.bias.data += 1e3


def test_a_run_that_diverged_at_its_end_stays_a_failed_run(tmp_path, monkeypatch):
    """Its budget is spent, so that the same command would write the model."""
    monkeypatch.setattr(module, "LOGGED_STEPS", 2)
    config = dataclasses.replace(CONFIG, steps=4)
    made = trainer(DISCRETE, tmp_path, config)
    for _ in range(2):
        with pytest.raises(DivergedRun, match="diverged at step 4; choose a lower --rate"):
            for step in made.run():
                if step.number == 2:
                    made.network.network.tail.bias.data += 1e3
        made = trainer(DISCRETE, tmp_path, config)


def test_a_network_that_dies_on_the_way_is_noticed(tmp_path, impatient, monkeypatch):
    monkeypatch.setattr(module, "WARM_UP", 1)
    made = trainer(FACTORISED, tmp_path, dataclasses.replace(CONFIG, steps=20, ramp=0), worlds.living(FACTORISED))
    with pytest.raises(ConstantNetwork):
        for step in made.run():
            if step.number == 9:
                made.network.layers[-2].bias.data.fill_(-1e3)
    assert made.step == 10


def test_vital_signs_are_yielded_and_written(tmp_path, impatient):
    made = trainer(FACTORISED, tmp_path, start=worlds.living(FACTORISED))
    steps = list(made.run())
    assert [step.number for step in steps if step.signs] == [2, 4, 6]
    lines = [json.loads(line) for line in (tmp_path / "vital_signs.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [2, 4, 6]
    for line, step in zip(lines, (s for s in steps if s.signs), strict=True):
        assert line == {"step": step.number, **dataclasses.asdict(step.signs)}
        assert line["surroundings"] > 1e-3 and min(line["open_units"].values()) > 0.1


def test_a_run_begins_with_given_weights_or_with_a_straight_answer_to_colours(tmp_path):
    given = worlds.living(FACTORISED)
    made = trainer(FACTORISED, tmp_path / "given", start=given)
    for network in (made.network, made.averaged):
        assert all(torch.equal(network.state_dict()[name], t) for name, t in given.state_dict().items())
    fresh = trainer(FACTORISED, tmp_path / "fresh")
    torch.testing.assert_close(fresh.network.basis.linear.data, least_squares(fresh.sampler, 0), atol=0, rtol=0)
    made.save()
    resumed = trainer(FACTORISED, tmp_path / "given", start=fresh.network)  # a run that is there goes on
    assert torch.equal(resumed.network.basis.linear, given.basis.linear)


@pytest.mark.parametrize("network", [DISCRETE, NESR])
def test_a_linear_skip_starts_at_the_least_squares_answer_to_its_patches(tmp_path, network):
    changed = {"skip": True} if network is DISCRETE else {"profile": "spectrum"}
    made = trainer(dataclasses.replace(network, **changed), tmp_path)
    colours, spectra = [], []
    for step in range(40):
        made.sampler.seek(step)
        batch = made.sampler.draw()
        colours.append(batch.image.movedim(1, 3).flatten(0, 2))
        spectra.append(batch.truth.flatten(0, 2))
    expected = np.linalg.lstsq(torch.cat(colours).numpy(), torch.cat(spectra).numpy(), rcond=None)[0].T
    weight = made.network.linear.weight.detach()[..., 0, 0].numpy()
    np.testing.assert_allclose(weight, expected, atol=0.03)  # which has no ridge
    assert abs(weight - 1 / 3).max() > 0.2


def test_the_straight_answer_is_that_of_least_squares(device):
    made = sampler(device=device)
    spectra = made.table.pixels(30_000, made.generator.manual_seed(0)).cpu().double().numpy()
    colours = np.maximum(spectra @ made.camera.cpu().double().numpy().T, 0)
    expected = np.linalg.lstsq(colours, spectra, rcond=None)[0].T
    np.testing.assert_allclose(least_squares(made, 0).cpu(), expected, atol=1e-3)


def test_the_weights_that_are_kept_are_a_running_mean(tmp_path):
    made = trainer(FACTORISED, tmp_path, dataclasses.replace(CONFIG, averaging=0.15), worlds.living(FACTORISED))
    expected, run = made.network.colour.weight.detach().clone(), made.run()
    for step in range(1, 4):
        next(run)
        keep = min(0.15, step / (step + 10))
        expected = keep * expected + (1 - keep) * made.network.colour.weight.detach()
        torch.testing.assert_close(made.averaged.colour.weight.detach(), expected)
    run.close()


class FactorisedOracle(FactorisedNeSR):
    """Answers with the truth, whose colour tilts by `tilt` from the shortest to the longest wavelength."""

    def __init__(self, batch: Batch, table: torch.Tensor) -> None:
        super().__init__(FACTORISED)
        self.batch, self.table, self.tilt = batch, table, 0.0

    def surroundings(self, rgb, group=1):
        return self.batch.truth.movedim(3, 1)

    def coefficients(self, context, rgb):
        return context

    def functions(self, nm):
        return self.table[(nm - 400).long()] * (1 + self.tilt * self.coord(nm.float())[:, None])


class NeSROracle(NeSR):
    """The same; its features are the truth, so that windows are those of the features."""

    def __init__(self, batch: Batch, table: torch.Tensor) -> None:
        super().__init__(dataclasses.replace(NESR, spi=False, attention="none"))
        self.batch, self.table, self.tilt = batch, table, 0.0

    def encode(self, rgb):
        return self.batch.truth.movedim(3, 1)

    def decode(self, features, query, inside=None, stride=1):
        pixels = features[:, :, HALO:-HALO, HALO:-HALO].movedim(1, 3)
        rows = self.table[(150 * query.coord + 150).round().long()]
        return (pixels @ (rows * (1 + self.tilt * query.coord[:, None])).T).movedim(3, 1)


class DiscreteOracle(DiscreteNetwork):
    """The same, on its bands."""

    def __init__(self, batch: Batch, table: torch.Tensor) -> None:
        super().__init__(DISCRETE)
        self.batch, self.tilt = batch, 0.0

    def forward(self, rgb):
        return (self.batch.truth * (1 + self.tilt * torch.linspace(-1, 1, 31))).movedim(3, 1)


def oracle(kind, part: str, sampler_config: SamplerConfig = CLEAN):
    """An oracle, its batch, and a loss of one part alone."""
    weights = {**dict.fromkeys(PARTS, 0.0), part: 1.0}
    made = sampler(sampler_config)
    made.generator.manual_seed(1)
    batch = made.draw()
    table = torch.from_numpy(interpolation(cie.CAMERA_BANDS, np.arange(400, 701)))
    network, config = kind(batch, table), dataclasses.replace(CONFIG, blind=0.0, **weights)
    return network, batch, TrainingLoss(network, made, config)


@pytest.mark.parametrize(
    ("kind", "part"),
    [(kind, part) for kind in (FactorisedOracle, DiscreteOracle) for part in PARTS]
    + [(NeSROracle, part) for part in PARTS[:3]],  # which answers at too few wavelengths to be photographed
)
def test_every_part_of_the_loss_is_zero_at_the_truth_and_nowhere_else(kind, part):
    network, batch, loss = oracle(kind, part)
    at_truth = float(loss(batch))
    network.tilt = 0.3
    tilted = float(loss(batch))
    assert at_truth < 1e-4 and tilted > 1e-3 and tilted > 30 * at_truth
    network.tilt = 0.6
    assert float(loss(batch)) > 1.3 * tilted


def test_colour_of_clipped_pixels_does_not_count():
    network, batch, loss = oracle(FactorisedOracle, "colour")
    network.tilt = 0.5
    batch.faithful[:] = 0
    assert float(loss(batch)) == 0
    batch.faithful[..., 1] = 1  # of each channel on its own
    alone = float(loss(batch))
    batch.faithful[:] = 1
    assert 0 < alone < float(loss(batch))


def gradients(blind: float, seed: int = 0) -> dict[str, float]:
    """How much each part of a network is told by one step."""
    network, config = worlds.living(FACTORISED), dataclasses.replace(CONFIG, blind=blind)
    made = sampler()
    made.generator.manual_seed(seed)
    TrainingLoss(network, made, config)(made.draw()).backward()
    parts: dict[str, float] = {}
    for name, parameter in network.named_parameters():
        told = 0.0 if parameter.grad is None else float(parameter.grad.abs().max())
        parts[name.split(".")[0]] = max(parts.get(name.split(".")[0], 0.0), told)
    return parts


def test_a_photograph_whose_surroundings_are_hidden_teaches_the_colour_alone():
    seeing, blind = gradients(0.0), gradients(1.0)
    assert set(SURROUNDINGS) < set(seeing)
    assert all(told > 0 for told in seeing.values())
    assert {part for part, told in blind.items() if told == 0} == set(SURROUNDINGS)


def test_the_surroundings_of_whole_photographs_are_hidden(monkeypatch):
    """Of the patches of a group all or none."""
    network, made = worlds.living(FACTORISED), sampler()
    contexts: list[torch.Tensor] = []
    plain = network.coefficients
    monkeypatch.setattr(network, "coefficients", lambda c, rgb: (contexts.append(c), plain(c, rgb))[1])
    for seed in range(10):
        made.generator.manual_seed(seed)
        TrainingLoss(network, made, dataclasses.replace(CONFIG, blind=0.5))(made.draw())
    hidden = torch.stack([context.flatten(1).abs().amax(1) == 0 for context in contexts]).view(10, -1, 2)
    assert torch.equal(hidden[..., 0], hidden[..., 1])
    assert 0.2 < hidden.float().mean() < 0.8


def test_what_sees_the_surroundings_gathers_speed(tmp_path):
    made = trainer(FACTORISED, tmp_path, dataclasses.replace(CONFIG, ramp=4, encoder_rate=0.5))
    names = {id(parameter): name for name, parameter in made.network.named_parameters()}
    slow, rest = ({names[id(p)].split(".")[0] for p in group["params"]} for group in made.optimizer.param_groups)
    assert slow == set(SURROUNDINGS) and rest == {"colour", "layers", "basis"}
    shares, run = [], made.run()
    for _ in range(5):
        next(run)
        first, second = (group["lr"] for group in made.optimizer.param_groups)
        shares.append(first / second)
    run.close()
    assert shares == pytest.approx([0.125, 0.25, 0.375, 0.5, 0.5])
    paper = trainer(NESR, tmp_path / "paper")
    assert paper._scales == [(CONFIG.encoder_rate, 0)]


def test_the_rate_begins_and_ends_as_stated():
    config = dataclasses.replace(CONFIG, steps=900).optimizer(FACTORISED)
    assert config.rate_at(0, 0.0) == pytest.approx(config.rate / 200)
    assert config.rate_at(900, 1.0) == pytest.approx(config.rate / 100)
    halved = OptimizerConfig(Budget(300_000), 1e-4, halvings=15)
    assert [halved.rate_at(step, step / 300_000) for step in (0, 19_999, 20_000, 299_999)] == pytest.approx(
        [1e-4, 1e-4, 5e-5, 1e-4 / 2**14]
    )


@pytest.mark.parametrize("name", ["awan", "awan+nesr", "a+"])
def test_what_is_not_chosen_stays(name):
    config = SYSTEMS[name].config
    assert chosen_config(config, None, None, spi=True) == config


@pytest.mark.parametrize("name", ["hscnn-r", "mst++", "awan+nesr"])
def test_what_learns_from_photographs_over_their_white_level_is_asked_about_such(name):
    assert as_fed(SYSTEMS[name].config).normalised
    assert build(FACTORISED).normalised and as_fed(FACTORISED) == FACTORISED


def test_bands_and_ablations_can_be_chosen():
    assert chosen_config(DiscreteConfig(), 7, None, spi=True).bands == (400, 450, 500, 550, 600, 650, 700)
    ablated = chosen_config(NESR, None, "none", spi=False)
    assert (ablated.attention, ablated.spi, ablated.features) == ("none", False, NESR.features)
    with pytest.raises(ValueError, match="leave them out with another system"):
        chosen_config(FACTORISED, None, "none", spi=False)
