"""The report of `nesr-gui evaluate`: the metrics of a model card beside those of baselines, and plots of failures."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import numpy as np
import numpy.typing as npt

from nesr_gui import metrics, resources
from nesr_gui.colorimetry import cie
from nesr_gui.fields.protocol import CalibratedField
from nesr_gui.inference import engine
from nesr_gui.inference.model import LoadedModel, load_model
from nesr_gui.io.atomic import atomic_write
from nesr_gui.io.registry import require_extra
from nesr_gui.spectral import FloatArray, RGBImage
from nesr_gui.training.camera_evaluation import evaluate_cameras, mean_rows
from nesr_gui.training.contributions import answers_camera_bands, contributions
from nesr_gui.training.datasets.cave import read_scenes
from nesr_gui.training.evaluation import (
    Continuity,
    Method,
    Score,
    baselines,
    evaluate_continuity,
    evaluate_scenes,
    mean_scores,
    model_method,
)
from nesr_gui.training.measuring import STRIDE, AnchoredScore, anchored_scores, mean_anchored_scores
from nesr_gui.training.robustness import (
    BRIGHTNESS_RANGES,
    IntervalQuality,
    attacks,
    camera_matrices,
    colour_error,
    exposure_stability,
    interval_quality,
    jpeg_scores,
    scene_colours,
    summary,
)
from nesr_gui.training.scenes import Scene
from nesr_gui.training.spectral_library import Library, read_libraries, without_charts, without_clusters
from nesr_gui.training.synthesis import painted_scene

if TYPE_CHECKING:
    from matplotlib.axes import Axes


SPOT = 16  # side in pixels of the squares that are averaged
SPOTS = 3  # shown of each scene, the worst first
APART = 5  # smallest distance between spots, in sides
WORST = 0.15  # RMSE at the upper end of the scale of error maps
COLOURS = ("#d55e00", "#0072b2", "#009e73")
PLOTS = (".png", ".svg", ".pdf")
ANCHORED = ("RMSE", "angle", "coverage", "width", "score")  # columns: the last is the interval score
BASELINE_LIBRARY = "capbone"  # the baselines are fitted on this set if a file has it, otherwise on all


def draw_failures(path: Path, model: LoadedModel, scenes: Sequence[Scene]) -> None:
    """Plot where and how a model fails, with a row per scene, for 8-bit sRGB photographs.

    Left the RMSE of every pixel over the bands without the chart; in the middle the spectra of the worst spots,
    measured (dashed) and reconstructed with their intervals; right the mean error at each band, and the range of 90 %
    of the errors.

    Args:
        path: the file to write: PNG, SVG or PDF by its suffix.
        model: the model.
        scenes: the scenes.

    Raises:
        MissingExtra: matplotlib is not installed.
    """
    figure = require_extra("matplotlib.figure", "plots", "train").Figure(
        figsize=(13, 3.6 * len(scenes)), layout="constrained"
    )
    for row, scene in zip(figure.subplots(len(scenes), 3, squeeze=False), scenes, strict=True):
        field = engine.encode(RGBImage(scene.photograph(eight_bit=True)), model)
        answers = field.cube(cie.CAMERA_BANDS).values
        error = metrics.rmse(answers, scene.cube, axis=0)
        error[~scene.outside_chart()] = np.nan
        places = worst_spots(error)
        _draw_map(row[0], scene.name, error, places)
        _draw_spots(row[1], field, scene, answers, places)
        _draw_bias(row[2], cie.CAMERA_BANDS.nm, (answers - scene.cube)[:, scene.outside_chart()])
    with atomic_write(path) as part, part.open("wb") as file:
        figure.savefig(file, format=path.suffix.lower().lstrip("."), dpi=80)


def worst_spots(error: FloatArray) -> list[tuple[slice, slice]]:
    """The squares of `SPOT` pixels with the highest mean error (H, W), far from each other and without NaN."""
    height, width = (size // SPOT for size in error.shape)
    means = error[: height * SPOT, : width * SPOT].reshape(height, SPOT, width, SPOT).mean((1, 3))
    means[np.isnan(means)] = -1
    rows, cols = np.mgrid[:height, :width]
    places: list[tuple[slice, slice]] = []
    while len(places) < SPOTS and means.max() >= 0:
        row, col = np.unravel_index(means.argmax(), means.shape)
        places.append((slice(row * SPOT, (row + 1) * SPOT), slice(col * SPOT, (col + 1) * SPOT)))
        means[np.hypot(rows - row, cols - col) <= APART] = -1
    return places


def _draw_map(axes: Axes, name: str, error: FloatArray, places: Sequence[tuple[slice, slice]]) -> None:
    shown = axes.imshow(error, cmap="magma", vmin=0, vmax=WORST)
    axes.figure.colorbar(shown, ax=axes, label="RMSE over the bands")
    for number, ((rows, cols), colour) in enumerate(zip(places, COLOURS, strict=False), 1):
        box = {"boxstyle": "circle", "facecolor": colour, "edgecolor": "white"}
        axes.text((cols.start + cols.stop) / 2, (rows.start + rows.stop) / 2, str(number), color="white", bbox=box,
                  ha="center", va="center", fontsize=8)  # fmt: skip
    axes.set_title(name)
    axes.set_axis_off()


def _draw_spots(
    axes: Axes, field: Any, scene: Scene, answers: FloatArray, places: Sequence[tuple[slice, slice]]
) -> None:
    nm = cie.CAMERA_BANDS.nm
    for (rows, cols), colour in zip(places, COLOURS, strict=False):
        axes.plot(nm, scene.cube[:, rows, cols].mean((1, 2)), color=colour, linestyle="dashed")
        axes.plot(nm, answers[:, rows, cols].mean((1, 2)), color=colour)
        if isinstance(field, CalibratedField):
            (bounds,) = field.prediction_interval_blocks(nm, rows=rows, cols=cols)
            axes.fill_between(nm, bounds.lower.mean((1, 2)), bounds.upper.mean((1, 2)), color=colour, alpha=0.15, lw=0)
    axes.set(title="the worst spots: measured (dashed), answered", xlabel="wavelength (nm)", ylabel="reflectance")


def _draw_bias(axes: Axes, nm: npt.NDArray[np.float64], differences: FloatArray) -> None:
    low, high = np.percentile(differences, [5, 95], axis=1)
    axes.fill_between(nm, low, high, color="0.85", label="90 % of pixels")
    axes.plot(nm, differences.mean(1), color="black", label="mean")
    axes.axhline(0, color="0.5", linewidth=0.8)
    axes.set(title="answer - truth", xlabel="wavelength (nm)", ylabel="reflectance")
    axes.legend(loc="upper left")


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
    attacked: bool,
    cameras: Path | None,
    calibrated: bool,
    colours: Path | None,
    anchors: Sequence[int],
    device: str,
) -> dict[str, list[dict[str, Any]]]:
    """Print the metrics of models and baselines.

    Args:
        models: model files; the bundled model if empty.
        scenes: folder of test scenes in CAVE layout.
        train_scenes: folder of scenes to fit the baselines on.
        spectra: spectrum libraries to fit the baselines on, and to paint scenes with that are known at every nm.
        exact: whether photographs are in floating point instead of 8-bit sRGB.
        with_charts: whether colour charts count.
        brief: whether to report the accuracy alone.
        failures: file for plots of failures; None for none.
        attacked: whether to run the attacks of `robustness`.
        cameras: file of camera sensitivities for the attacks and for simulated photographs.
        calibrated: whether to test photographs of these cameras with the calibration by a chart and without.
        colours: file of reflectances for the attacks.
        anchors: numbers of measured spots to report the accuracy with; none by default.
        device: where the models run.

    Returns:
        The rows of each section of the report, for JSON.

    Raises:
        ValueError: a folder or file does not hold what it should, two models have the same name, no cameras are given
            to calibrate, or a model has no prior for measured spectra.
    """
    if calibrated and cameras is None:
        raise ValueError("--chart needs cameras to simulate; add --cameras with a file of their sensitivities (.npz)")
    loaded = _loaded(models or [resources.default_model()], device)
    _check_needs(loaded, cameras, colours, anchors, failures)
    tested = _scenes(scenes, with_charts)
    known = _scenes(train_scenes, with_charts) if train_scenes else []
    learned, held = without_clusters(without_charts(read_libraries(spectra))) if spectra else ([], [])
    fitted = [library for library in learned if library.name == BASELINE_LIBRARY] or learned
    methods = baselines(known, fitted, eight_bit=not exact)
    report: dict[str, list[Any]] = {"accuracy": _accuracy(tested, methods, loaded, exact, with_charts)}
    if not brief:
        report |= _robustness(tested, loaded)
        report["between bands"] = _continuity(held, methods, loaded)
        report["contributions"] = _contributions(tested, loaded)
    if attacked:
        report["attacks"] = _attacks(tested, loaded, cameras, colours)
    if anchors:
        report["anchors"] = _anchors(tested, loaded, anchors)
    if calibrated and cameras is not None:
        report["cameras"] = _cameras(tested, loaded, cameras)
    if failures:
        draw_failures(failures, loaded[0], tested)
    return {name: [row if isinstance(row, dict) else asdict(row) for row in rows] for name, rows in report.items()}


def _check_needs(
    models: Sequence[LoadedModel],
    cameras: Path | None,
    colours: Path | None,
    anchors: Sequence[int],
    failures: Path | None,
) -> None:
    """Check what the later parts of a report need, as an error there would lose all that was found before.

    Raises:
        ValueError: a file has another form, a model has no prior, or failures cannot be plotted.
    """
    if failures is not None:
        require_extra("matplotlib", "plots", "train")
        if failures.suffix.lower() not in PLOTS:
            raise ValueError(f"failures cannot be plotted to {failures.name}; give a name that ends in "
                             f"{', '.join(PLOTS[:-1])} or {PLOTS[-1]}")  # fmt: skip
    if cameras is not None:
        camera_matrices(cameras)
    if colours is not None:
        scene_colours(colours)
    if anchors and (without := [model.name for model in models if model.checkpoint.prior is None]):
        raise ValueError(
            f"{', '.join(without)} has no prior for measured spectra, which --anchors needs; run nesr-gui calibrate, "
            "or leave out --anchors"
        )


def _loaded(paths: Sequence[Path], device: str) -> list[LoadedModel]:
    """The models; their names include the folder if files of several runs have the same name."""
    models = [load_model(path, device) for path in paths]
    if len({model.name for model in models}) == len(models):
        return models
    names = [f"{path.absolute().parent.name}/{model.name}" for path, model in zip(paths, models, strict=True)]
    if alike := {name for name in names if names.count(name) > 1}:
        raise ValueError(f"several models are called {', '.join(sorted(alike))}; give each of them once")
    return [replace(m, checkpoint=replace(m.checkpoint, name=name)) for m, name in zip(models, names, strict=True)]


def _scenes(folder: Path, with_charts: bool) -> list[Scene]:
    return [replace(scene, chart=None) if with_charts else scene for scene in read_scenes(folder)]


def _accuracy(
    scenes: Sequence[Scene], methods: dict[str, Method], models: Sequence[LoadedModel], exact: bool, with_charts: bool
) -> list[Score]:
    click.echo(
        f"{'float' if exact else '8-bit sRGB'} photographs of the default camera, whole frame, "
        f"charts {'in' if with_charts else 'out'}; angle in degrees and masked figures over pixels of mean truth > 0.02"
    )
    click.echo(f"{'scene':24}{'method':28}" + "".join(f"{name:>13}" for name in Score.NAMES))
    scores = []
    for row in evaluate_scenes(scenes, {**methods, **{m.name: model_method(m) for m in models}}, eight_bit=not exact):
        scores.append(row)
        _print(row)
    means = mean_scores(scores)
    for row in means if len(scenes) > 1 else []:
        _print(row)
    return [*scores, *means]


def _robustness(scenes: Sequence[Scene], models: Sequence[LoadedModel]) -> dict[str, list[Any]]:
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
        if (quality := interval_quality(model, scene)) is not None:
            _print_intervals(quality)
            report["intervals"].append({**who, **asdict(quality)})
    return report


def _contributions(scenes: Sequence[Scene], models: Sequence[LoadedModel]) -> list[dict[str, Any]]:
    rows = []
    for model in models:
        if not answers_camera_bands(model.network):
            click.echo(
                f"\ncontributions of the parts of {model.name} are not evaluated: it answers "
                f"{len(model.network.bands)} bands; the {len(cie.CAMERA_BANDS)} of 400-700 nm by 10 nm are needed"
            )
            continue
        click.echo(f"\ncontribution of each part of {model.name}: means over the scenes without it")
        click.echo(f"{'without':64}{'RMSE':>10}{'angle':>10}{'change':>10}")
        for row in contributions(model.network, scenes):
            click.echo(f"{row.without:64}{row.rmse:10.4f}{row.angle:10.2f}{row.change:10.1%}")
            rows.append({"method": model.name, **asdict(row)})
    return rows


def _anchors(scenes: Sequence[Scene], models: Sequence[LoadedModel], counts: Sequence[int]) -> list[dict[str, Any]]:
    rows = []
    for model in models:
        click.echo(f"\n{model.name} with measured spectra of some spots, 8-bit sRGB, every {STRIDE}th row and column")
        click.echo(f"{'scene':24}{'spots':>16}" + "".join(f"{name:>10}" for name in ANCHORED))
        made: list[AnchoredScore] = []
        for row in itertools.chain.from_iterable(anchored_scores(model, scene, counts) for scene in scenes):
            _print_anchored(row)
            made.append(row)
        means = mean_anchored_scores(made)
        for row in means:
            _print_anchored(row)
        rows += [{"method": model.name, **asdict(row)} for row in (*made, *means)]
    return rows


def _print_anchored(row: AnchoredScore) -> None:
    spots = f"{row.anchors} {row.chosen}"
    figures = f"{row.rmse:10.4f}{row.angle:10.2f}{row.coverage:10.3f}{row.width:10.4f}{row.interval_score:10.4f}"
    click.echo(f"{row.scene:24}{spots:>16}{figures}")


def _attacks(
    scenes: Sequence[Scene], models: Sequence[LoadedModel], cameras: Path | None, colours: Path | None
) -> list[dict[str, Any]]:
    rows = []
    for model in models:
        click.echo(f"\nattacks on {model.name}: means over the scenes; coverage of the 90 % intervals")
        click.echo(f"{'attack':56}{'scenes':>8}{'RMSE':>10}{'angle':>10}{'MRAE':>10}{'coverage':>10}")
        made = list(attacks(model, scenes, cameras, colours))
        for name, count, rmse, angle, mrae, coverage in summary(made):
            click.echo(f"{name:56}{count:8}{rmse:10.4f}{angle:10.2f}{mrae:10.3f}{coverage:10.3f}")
        rows += [{"method": model.name, **asdict(row)} for row in made]
    return rows


def _cameras(scenes: Sequence[Scene], models: Sequence[LoadedModel], cameras: Path) -> list[dict[str, Any]]:
    rows = []
    for model in models:
        click.echo(
            f"\nunknown cameras with {model.name}: means over the scenes; what a chart removes of the extra error"
        )
        head = f"{'RMSE':>8}{'angle':>8}{'coverage':>10}{'width':>8}{'removed: RMSE':>15}{'angle':>8}"
        click.echo(f"{'scenes':16}{'tone curve':12}{'colours':20}{'camera':20}{head}")
        for mean in mean_rows(list(evaluate_cameras(model, scenes, cameras))):
            figures = f"{mean.rmse:8.4f}{mean.angle:8.2f}{mean.coverage:10.3f}{mean.width:8.4f}"
            parts = "" if np.isnan(mean.rmse_removed) else f"{mean.rmse_removed:15.0%}{mean.angle_removed:8.0%}"
            click.echo(f"{mean.scenes:16}{mean.tone:12}{mean.maker:20}{mean.knowledge:20}{figures}{parts}")
            rows.append({"method": model.name, **asdict(mean)})
    return rows


def _print_intervals(quality: IntervalQuality) -> None:
    parts = zip(BRIGHTNESS_RANGES, quality.by_brightness, strict=True)
    by_brightness = ", ".join(f"{low:g}-{min(high, 1):g}: {share:.3f}" for (low, high), share in parts)
    click.echo(f"  90 % intervals hold {quality.coverage:.3f} of the values (by mean truth {by_brightness})")
    deciles = ", ".join(f"{share:.2f}" for share in quality.by_wavelength)
    click.echo(f"  by tenths of the wavelengths: {deciles}")
    click.echo(f"  interval score {quality.interval_score:.4f}, of a constant band {quality.constant_score:.4f}")


def _continuity(held: Sequence[Library], methods: dict[str, Method], models: Sequence[LoadedModel]) -> list[Continuity]:
    if not held:
        return []
    click.echo("\npainted scene of spectra kept out of training, every nm; roughness relative to the truth's")
    rows = evaluate_continuity(painted_scene(held), methods, models)
    for row in rows:
        click.echo(
            f"{row.method:28} RMSE {row.rmse:.4f}, on the bands {row.on_bands:.4f}, between {row.between:.4f}, "
            f"roughness {row.roughness:.2f}"
        )
    return rows


def _print(row: Score) -> None:
    values = [getattr(row, name) for name in Score.NAMES]
    click.echo(f"{row.scene:24}{row.method:28}" + "".join(f"{value:13.4f}" for value in values))
