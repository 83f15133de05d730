"""What `nesr-gui evaluate` prints: every figure of a model's card, beside the baselines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import click

from nesr_gui import resources
from nesr_gui.inference.model import Model, load_model
from nesr_gui.spectral import FloatArray
from nesr_gui.training.datasets.cave import read_scenes
from nesr_gui.training.evaluate import Method, Score, baselines, evaluate_scenes, mean_scores
from nesr_gui.training.failures import draw_failures
from nesr_gui.training.libraries import Library, read_libraries, without_charts, without_clusters
from nesr_gui.training.painted import Continuity, continuity, painted_scene
from nesr_gui.training.robustness import (
    BRIGHTNESSES,
    Trust,
    colour_error,
    exposure_stability,
    jpeg_scores,
    spectra_of,
    trust,
)
from nesr_gui.training.scenes import Scene

BASELINE_LIBRARY = "capbone"  # the set the baselines are fitted on where a file has it; all sets otherwise


def evaluate(
    models: Sequence[Path],
    *,
    scenes: Path,
    train_scenes: Path | None,
    spectra: Sequence[Path],
    exact: bool,
    with_charts: bool,
    brief: bool,
    failures: Path | None,
    device: str,
) -> dict[str, list[dict[str, Any]]]:
    """Print the figures of models and baselines; return them as rows by section, with `brief` those of accuracy."""
    judged, known = _scenes(scenes, with_charts), _scenes(train_scenes, with_charts) if train_scenes else []
    learned, held = without_clusters(without_charts(read_libraries(spectra))) if spectra else ([], [])
    fitted = [library for library in learned if library.name == BASELINE_LIBRARY] or learned
    methods = baselines(known, fitted, eight_bit=not exact)
    loaded = _loaded(models or [resources.default_model()], device)
    report: dict[str, list[Any]] = {"accuracy": _accuracy(judged, methods, loaded, exact, with_charts)}
    if not brief:
        report |= _robustness(judged, loaded)
        report["between bands"] = _continuity(held, methods, loaded)
    if failures:
        draw_failures(failures, loaded[0], judged)
    return {name: [row if isinstance(row, dict) else asdict(row) for row in rows] for name, rows in report.items()}


def _loaded(paths: Sequence[Path], device: str) -> list[Model]:
    """The models, called by their folders too where files of several runs are called alike."""
    models = [load_model(path, device) for path in paths]
    if len({model.name for model in models}) == len(models):
        return models
    names = [f"{path.absolute().parent.name}/{model.name}" for path, model in zip(paths, models, strict=True)]
    if alike := {name for name in names if names.count(name) > 1}:
        raise ValueError(f"several models are called {', '.join(sorted(alike))}; name each of them once")
    return [replace(m, checkpoint=replace(m.checkpoint, name=name)) for m, name in zip(models, names, strict=True)]


def _scenes(folder: Path, with_charts: bool) -> list[Scene]:
    return [replace(scene, chart=None) if with_charts else scene for scene in read_scenes(folder)]


def _accuracy(
    scenes: Sequence[Scene], methods: dict[str, Method], models: Sequence[Model], exact: bool, with_charts: bool
) -> list[Score]:
    click.echo(
        f"{'float' if exact else '8-bit sRGB'} photographs of the default camera, whole frame, "
        f"charts {'in' if with_charts else 'out'}; angle in degrees and masked figures over pixels of mean truth > 0.02"
    )
    click.echo(f"{'scene':24}{'method':28}" + "".join(f"{figure:>13}" for figure in Score.FIGURES))
    scores = []
    for row in evaluate_scenes(scenes, {**methods, **{m.name: model_method(m) for m in models}}, eight_bit=not exact):
        scores.append(row)
        _print(row)
    means = mean_scores(scores)
    for row in means if len(scenes) > 1 else []:
        _print(row)
    return [*scores, *means]


def model_method(model: Model) -> Method:
    """A model as what `evaluate_scenes` judges: photographs to spectra on its training bands."""

    def reconstructed(rgb: FloatArray) -> FloatArray:
        return spectra_of(model, rgb)

    return reconstructed


def _robustness(scenes: Sequence[Scene], models: Sequence[Model]) -> dict[str, list[Any]]:
    report: dict[str, list[Any]] = {"exposure": [], "colour": [], "jpeg": [], "intervals": []}
    for model, scene in ((model, scene) for model in models for scene in scenes):
        who = {"method": model.name, "scene": scene.name}
        click.echo(f"\n{model.name} on {scene.name}")
        for row in exposure_stability(model, scene):
            click.echo(f"  exposure ×{row.exposure:g}: median angle {row.angle:.3f}°, median change {row.relative:.3%}")
            report["exposure"].append({**who, **asdict(row)})
        median, most = colour_error(model, scene)
        click.echo(f"  re-rendered colour: ΔE2000 median {median:.2f}, 99th percentile {most:.2f}")
        report["colour"].append({**who, "median": median, "percentile_99": most})
        for score in jpeg_scores(model, scene):
            _print(score)
            report["jpeg"].append({**asdict(score), "quality": score.method, **who})
        if (held := trust(model, scene)) is not None:
            _print_trust(held)
            report["intervals"].append({**who, **asdict(held)})
    return report


def _print_trust(held: Trust) -> None:
    parts = zip(BRIGHTNESSES, held.by_brightness, strict=True)
    by_brightness = ", ".join(f"{low:g}-{min(high, 1):g}: {share:.3f}" for (low, high), share in parts)
    click.echo(f"  90 % intervals hold {held.coverage:.3f} of the values (by mean truth {by_brightness})")
    click.echo(f"  interval score {held.interval_score:.4f}, of a constant band {held.constant_score:.4f}")


def _continuity(held: Sequence[Library], methods: dict[str, Method], models: Sequence[Model]) -> list[Continuity]:
    if not held:
        return []
    click.echo("\npainted scene of spectra kept out of training, every nm; roughness relative to the truth's")
    rows = continuity(painted_scene(held), methods, models)
    for row in rows:
        click.echo(
            f"{row.method:28} RMSE {row.rmse:.4f}, on the bands {row.on_bands:.4f}, between {row.between:.4f}, "
            f"roughness {row.roughness:.2f}"
        )
    return rows


def _print(row: Score) -> None:
    figures = [getattr(row, figure) for figure in Score.FIGURES]
    click.echo(f"{row.scene:24}{row.method:28}" + "".join(f"{figure:13.4f}" for figure in figures))
