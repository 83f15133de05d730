"""Makes a release: `prepare VERSION` writes its number everywhere, `build` checks, builds, hashes and tags it.

`rehearse FOLDER` builds the same without a tag. docs/releasing.md describes the steps in between. Nothing is uploaded.
"""

from __future__ import annotations

import argparse
import datetime
import hashlib
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VERSION = re.compile(r"\d+\.\d+\.\d+")
NUMBERS = {
    "nesr_gui/_version.py": r'(?<=__version__ = ")[^"]+',
    "CITATION.cff": r"(?<=^version: )\S+",
    "packaging/conda/recipe.yaml": r'(?<=^  version: ")[^"]+',
}
"""Files with the number of the version, and where in them; the first is what the program reads."""
METAINFO = "packaging/linux/nesr_gui.metainfo.xml"
UNRELEASED = "## Unreleased\n"


class NotReady(Exception):
    """What must be done before the release."""


def prepare(root: Path, version: str, date: datetime.date) -> None:
    """Write the number of a version into all files, and name the unreleased changes after it.

    Raises:
        NotReady: the number is not of the form 1.2.3, or there are no changes.
    """
    if not VERSION.fullmatch(version):
        raise NotReady(f"{version!r} is not a version; write three numbers, such as 0.2.0")
    changes = section(root, "Unreleased")
    if not changes:
        raise NotReady("CHANGELOG.md has no unreleased changes; describe what users notice")
    log = root / "CHANGELOG.md"
    heading = f"{UNRELEASED}\n## {version} ({date:%Y-%m-%d})\n"
    log.write_text(log.read_text(encoding="utf-8").replace(UNRELEASED, heading, 1), encoding="utf-8")
    for name, pattern in NUMBERS.items():
        substitute(root / name, pattern, version)
    substitute(root / METAINFO, r"(?<=<releases>\n)", f'    <release version="{version}" date="{date:%Y-%m-%d}"/>\n')


def substitute(path: Path, pattern: str, text: str) -> None:
    """Replace the only match of a pattern in a file."""
    replaced, count = re.subn(pattern, text, path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    if count != 1:
        raise NotReady(f"{path.name} has {count} places for the version; expected one")
    path.write_text(replaced, encoding="utf-8")


def section(root: Path, name: str) -> str:
    """Text of the section of the changelog called `name`, without its heading; empty if there is none."""
    text = (root / "CHANGELOG.md").read_text(encoding="utf-8")
    found = re.search(rf"^## {re.escape(name)}(?: \([\d-]+\))?\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    return found[1].strip() if found else ""


def check(root: Path) -> str:
    """Return the version that is ready to be released.

    Raises:
        NotReady: uncommitted changes, numbers that differ, no section of the changelog, or a tag that exists.
    """
    if changed := git(root, "status", "--porcelain"):
        raise NotReady(f"there are uncommitted changes; commit or remove them:\n{changed}")
    version = stated_version(root)
    if not section(root, version):
        raise NotReady(f"CHANGELOG.md has no section {version}; run: release.py prepare {version}")
    if git(root, "tag", "--list", f"v{version}"):
        raise NotReady(f"v{version} is released already; prepare a higher version")
    return version


def stated_version(root: Path) -> str:
    """The version that all files state.

    Raises:
        NotReady: they differ.
    """
    found = {
        name: match[0] if (match := re.search(pattern, (root / name).read_text(encoding="utf-8"), re.MULTILINE)) else ""
        for name, pattern in NUMBERS.items()
    }
    version = found["nesr_gui/_version.py"]
    released = re.search(r'<release version="([^"]+)"', (root / METAINFO).read_text(encoding="utf-8"))
    found[METAINFO] = released[1] if released else ""
    if wrong := [f"{name} has {number or 'none'}" for name, number in found.items() if number != version]:
        raise NotReady(f"the version is {version}, but {' and '.join(wrong)}; run: release.py prepare {version}")
    return version


def build(root: Path, folder: Path) -> list[Path]:
    """Build source and wheel into an empty folder, and check them as an index would."""
    if folder.exists() and any(folder.glob("nesr_gui-*")):
        raise NotReady(f"{folder} holds packages of another build; remove them")
    run(root, sys.executable, "-m", "validate_pyproject", "pyproject.toml")
    run(root, sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder))
    packages = sorted(folder.glob("nesr_gui-*"))
    run(root, sys.executable, "-m", "twine", "check", "--strict", *map(str, packages))
    run(root, sys.executable, "-m", "check_wheel_contents", *(str(path) for path in packages if path.suffix == ".whl"))
    return packages


def make(root: Path, name: str, folder: Path) -> None:
    """Build and check the packages, and write their hashes and the changes of section `name` beside them."""
    build(root, folder)
    write_notes(root, name, folder)
    print(write_hashes(folder).read_text(encoding="ascii"), end="")  # noqa: T201


def write_hashes(folder: Path) -> Path:
    """Write the SHA-256 of every package, archive and image in a folder, for `sha256sum --check`."""
    kinds = (".whl", ".gz", ".zip", ".dmg", ".AppImage")
    files = sorted(path for path in folder.iterdir() if path.suffix in kinds and path.is_file())
    lines = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in files]
    hashes = folder / "SHA256SUMS"
    hashes.write_text("".join(lines), encoding="ascii")
    return hashes


def write_notes(root: Path, name: str, folder: Path) -> Path:
    """Write the section of the changelog called `name` as the text of the release.

    Raises:
        NotReady: it is empty.
    """
    if not (changes := section(root, name)):
        raise NotReady(f"CHANGELOG.md has no changes in {name}; describe what users notice")
    notes = folder / "RELEASE.md"
    notes.write_text(f"# nesr_gui {name}\n\n{changes}\n", encoding="utf-8")
    return notes


def tag(root: Path, version: str) -> None:
    """Tag the current commit, with the changes as the message."""
    message = f"nesr_gui {version}\n\n{section(root, version)}\n"
    git(root, "tag", "--annotate", "--cleanup=whitespace", f"v{version}", "--message", message)


def git(root: Path, *words: str) -> str:
    """Output of a git command."""
    return subprocess.run(["git", *words], cwd=root, check=True, capture_output=True, text=True).stdout.strip()


def run(root: Path, *words: str) -> None:
    """Run a command that prints what it finds."""
    subprocess.run(words, cwd=root, check=True)


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("prepare", help="write the number of a version").add_argument("version")
    commands.add_parser("check", help="check that everything is ready")
    commands.add_parser("build", help="check, build the packages into dist/, and tag the commit")
    rehearsal = commands.add_parser("rehearse", help="build the packages into FOLDER, without a tag")
    rehearsal.add_argument("folder", type=Path)
    commands.add_parser("hashes", help="write dist/SHA256SUMS again, after archives were added")
    words = parser.parse_args()
    try:
        if words.command == "prepare":
            prepare(ROOT, words.version, datetime.date.today())
        elif words.command == "hashes":
            print(write_hashes(ROOT / "dist"))  # noqa: T201
        elif words.command == "rehearse":
            version = stated_version(ROOT)
            make(ROOT, "Unreleased" if section(ROOT, "Unreleased") else version, words.folder.resolve())
        else:
            version = check(ROOT)
            if words.command == "build":
                make(ROOT, version, ROOT / "dist")
                tag(ROOT, version)
            print(f"nesr_gui {version} is {'tagged' if words.command == 'build' else 'ready'}")  # noqa: T201
    except (NotReady, subprocess.CalledProcessError) as error:
        raise SystemExit(f"release: {error}") from error


if __name__ == "__main__":
    main()
