"""Models by name: those bundled, those of plug-ins, and those installed from a model folder.

A model folder, as hubs publish models, has `config.json` with the name and the SHA-256 of each file, the weights in
safetensors, and a model card. Nothing in it can run code, and it is installed only if every file is what it states.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from nesr_gui import plugins, resources
from nesr_gui.inference.checkpoint import UnreadableModel, load_checkpoint
from nesr_gui.io.atomic import atomic_write, atomic_write_set

FORMAT = "nesr_gui model 1"
CONFIG, WEIGHTS, CARD = "config.json", "model.safetensors", "README.md"
ENDING = ".safetensors"
MAX_CONFIG, MAX_CARD, MAX_WEIGHTS = 1 << 20, 16 << 20, 8 << 30  # bytes
PICKLES = (".pt", ".pth", ".pkl", ".pickle", ".ckpt", ".bin", ".joblib")
"""Endings of files that may run code when they are opened."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_DIGEST = re.compile(r"[0-9a-f]{64}")


def folder() -> Path:
    """The folder of the installed models of this user; it need not exist.

    It is in the folder for data that the window has from Qt, which commands do without, or that of the environment
    variable NESR_GUI_MODELS.
    """
    if stated := os.environ.get("NESR_GUI_MODELS"):
        return Path(stated)
    if sys.platform == "win32":
        data = Path(os.environ["APPDATA"])
    elif sys.platform == "darwin":
        data = Path.home() / "Library" / "Application Support"
    else:
        stated = os.environ.get("XDG_DATA_HOME", "")
        data = Path(stated) if Path(stated).is_absolute() else Path.home() / ".local" / "share"
    return data / "nesr_gui" / "models"


def models() -> dict[str, Path]:
    """All models by name, the default first: bundled, of plug-ins, and installed."""
    found = {path.stem: path for path in resources.models()}
    for path in plugins.load(plugins.Kind.MODELS, _accept).values():
        found.setdefault(path.stem, path)
    for path in sorted(folder().glob(f"*{ENDING}")):
        found.setdefault(path.stem, path)
    return found


def find(path: Path) -> Path:
    """The file of a model that is given by its path or, without folder and extension, by its name.

    Raises:
        FileNotFoundError: there is neither such a file nor such a model; the message lists the names.
    """
    if path.is_file() or len(path.parts) != 1 or path.suffix == ENDING:
        return path
    if (found := models()).get(path.name) is None:
        raise FileNotFoundError(f"there is no model file {path}, and no model of that name; there are "
                                f"{', '.join(found)}")  # fmt: skip
    return found[path.name]


def _accept(plugin: plugins.Plugin, value: object) -> Path:
    """The model file of a plug-in, a path or a function that returns one.

    Raises:
        TypeError: it is neither.
        ValueError: there is no such model file, or its name is taken.
    """
    path = plugins.require(plugin, value() if callable(value) else value, Path)
    if path.suffix != ENDING or not path.is_file():
        raise ValueError(f"there is no model file {path}")
    others = (*resources.models(), *plugins.accepted(plugins.Kind.MODELS).values())
    if path.stem in {other.stem for other in others}:
        raise ValueError(f"there is another model called {path.stem}")
    return path


@dataclass(frozen=True)
class _Package:
    """A verified model folder: the name of the model, and the files that it consists of."""

    name: str
    weights: Path
    card: Path


def install(source: Path, *, replace: bool = False) -> Path:
    """Install a model folder, or a zip file of one, for this user.

    Args:
        source: the folder, its `config.json`, or a zip file.
        replace: whether an installed model of the same name and other content is replaced.

    Returns:
        The installed model file, with its card beside it.

    Raises:
        FileNotFoundError: there is no such folder or file.
        UnreadableModel: it is no model folder, a file is missing, is a pickle, or has another hash.
        FileExistsError: there is another model of its name.
    """
    with _unpacked(source) as place:
        package = _verify(place, source.name)
        target = folder() / f"{package.name}{ENDING}"
        found = models().get(package.name)
        if found is not None and _sha256(found) != _sha256(package.weights):
            if found != target:
                raise FileExistsError(f"{package.name} is a model of this program or a plug-in; give it another name")
            if not replace:
                raise FileExistsError(
                    f"another model called {package.name} is installed; run nesr-gui models install --replace, or "
                    f"nesr-gui models remove {package.name}"
                )
        elif found is not None and found != target:
            return found
        target.parent.mkdir(parents=True, exist_ok=True)
        card = target.with_suffix(".md")
        with atomic_write_set(card, target) as part:
            shutil.copyfile(package.card, part / card.name)
            shutil.copyfile(package.weights, part / target.name)
    return target


def remove(name: str) -> Path:
    """Remove an installed model.

    Raises:
        FileNotFoundError: no model of that name was installed by this user.
    """
    target = folder() / f"{name}{ENDING}"
    if not _NAME.fullmatch(name) or not target.is_file():
        raise FileNotFoundError(f"no model called {name} is installed in {folder()}")
    target.unlink()
    target.with_suffix(".md").unlink(missing_ok=True)
    return target


def write_folder(model: Path, out: Path) -> None:
    """Write the folder of a model, which `install` accepts, from its file and the card beside it.

    Raises:
        FileNotFoundError: there is no such model.
        FileExistsError: `out` exists and is not empty.
        UnreadableModel: the file is no model of this program, or its name has other characters than `A-Za-z0-9._-`.
    """
    model = find(model)
    checkpoint = load_checkpoint(model)
    if not _NAME.fullmatch(model.stem):
        raise UnreadableModel(f"{model.stem!r} cannot be the name of a model; use letters, digits, dots, - and _")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise FileExistsError(f"{out} exists and is not an empty folder; choose another one")
    out.mkdir(parents=True, exist_ok=True)
    card = model.with_suffix(".md")
    text = card.read_text(encoding="utf-8") if card.is_file() else f"# {model.stem}\n\nThis model has no card.\n"
    contents = {WEIGHTS: model.read_bytes(), CARD: text.encode()}
    config = {
        "format": FORMAT,
        "name": model.stem,
        "sha256": {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()},
        "provenance": checkpoint.provenance,
    }
    contents[CONFIG] = (json.dumps(config, indent=1, ensure_ascii=False) + "\n").encode()
    for name, content in contents.items():
        with atomic_write(out / name) as part:
            part.write_bytes(content)


@contextmanager
def _unpacked(source: Path) -> Iterator[Path]:
    """The folder of a source; that of a zip file is temporary, and only the files of a model are unpacked."""
    if source.is_dir():
        yield source
    elif source.name == CONFIG and source.is_file():
        yield source.parent
    elif source.is_file():
        with tempfile.TemporaryDirectory(prefix="nesr-model-") as place:
            _unpack(source, Path(place))
            yield Path(place)
    else:
        raise FileNotFoundError(f"there is no model folder or zip file {source}")


def _unpack(source: Path, place: Path) -> None:
    """Unpack the files of a model, which may be in one folder of the archive."""
    limits = {CONFIG: MAX_CONFIG, CARD: MAX_CARD, WEIGHTS: MAX_WEIGHTS}
    try:
        with zipfile.ZipFile(source) as archive:
            _refuse_pickles([member.filename for member in archive.infolist()], source.name)
            for member in archive.infolist():
                path = PurePosixPath(member.filename)
                if path.name not in limits or len(path.parts) > 2 or member.is_dir():
                    continue
                if member.file_size > limits[path.name]:
                    raise UnreadableModel(f"{source.name} has a {path.name} of {member.file_size:,} bytes")
                with archive.open(member) as packed, (place / path.name).open("wb") as file:
                    shutil.copyfileobj(packed, file)
    except (zipfile.BadZipFile, NotImplementedError, EOFError, RuntimeError) as error:
        raise UnreadableModel(f"{source.name} is no zip file, or is damaged; expected a zipped model folder") from error


def _verify(place: Path, name: str) -> _Package:
    """Check the folder of a model; `name` is that of its source, for messages."""
    _refuse_pickles([path.name for path in place.iterdir()], name)
    config = _config(place / CONFIG, name)
    for file in (WEIGHTS, CARD):
        path = place / file
        if path.is_symlink() or not path.is_file():
            raise UnreadableModel(f"{name} lacks {file}; expected {CONFIG}, {WEIGHTS} and {CARD}")
        if _sha256(path) != config["sha256"][file]:
            raise UnreadableModel(f"{file} in {name} is not the file that was published: its SHA-256 differs from that "
                                  f"in {CONFIG}; download it again")  # fmt: skip
    load_checkpoint(place / WEIGHTS)
    return _Package(config["name"], place / WEIGHTS, place / CARD)


def _config(path: Path, source: str) -> dict[str, Any]:
    if not path.is_file():
        raise UnreadableModel(f"{source} lacks {CONFIG}; expected {CONFIG}, {WEIGHTS} and {CARD}")
    try:
        if path.stat().st_size > MAX_CONFIG:
            raise ValueError("it is too large")
        config = json.loads(path.read_text(encoding="utf-8"))
        digests = config["sha256"]
        if config["format"] != FORMAT or not _NAME.fullmatch(config["name"]) or config["name"].endswith("."):
            raise ValueError("its format or name is invalid")
        if not isinstance(digests, Mapping) or not all(_DIGEST.fullmatch(digests[file]) for file in (WEIGHTS, CARD)):
            raise ValueError("its hashes are invalid")
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise UnreadableModel(f"{CONFIG} in {source} does not describe a model of this program ({error})") from error
    return {"name": config["name"], "sha256": dict(digests)}


def _refuse_pickles(names: list[str], source: str) -> None:
    if unsafe := next((name for name in names if name.lower().endswith(PICKLES)), None):
        raise UnreadableModel(
            f"{source} contains {unsafe}, which may run code when it is opened; only safetensors are installed"
        )


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
