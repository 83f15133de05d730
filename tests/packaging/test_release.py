"""A release is refused until everything about it agrees."""

import datetime
import hashlib
import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

import nesr_gui

ROOT = Path(__file__).parents[2]
DATE = datetime.date(2031, 2, 3)


@pytest.fixture(scope="module")
def release() -> ModuleType:
    spec = importlib.util.spec_from_file_location("release", ROOT / "packaging" / "release.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def git(root: Path, *words: str) -> str:
    identity = ("-c", "user.name=tester", "-c", "user.email=tester@example.org")
    return subprocess.run(["git", *identity, *words], cwd=root, check=True, capture_output=True, text=True).stdout


@pytest.fixture
def tree(release, tmp_path, monkeypatch) -> Path:
    """A repository with the files that contain the version, and changes that are not released."""
    for name in (*release.NUMBERS, release.METAINFO):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    (tmp_path / "CHANGELOG.md").write_text(
        "# Changes\n\n## Unreleased\n\n* A new thing.\n\n## 0.1.0\n\nFirst release.\n", encoding="utf-8"
    )
    for name, value in {"NAME": "tester", "EMAIL": "tester@example.org"}.items():
        monkeypatch.setenv(f"GIT_AUTHOR_{name}", value)
        monkeypatch.setenv(f"GIT_COMMITTER_{name}", value)
    git(tmp_path, "init", "--quiet")
    commit(tmp_path)
    return tmp_path


def commit(root: Path) -> None:
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", "Change something")


def test_this_tree_states_one_version(release, tmp_path):
    """Otherwise the next release could not be prepared."""
    for name, pattern in release.NUMBERS.items():
        copy = tmp_path / Path(name).name
        shutil.copy(ROOT / name, copy)
        release.substitute(copy, pattern, "9.8.7")
        assert copy.read_text(encoding="utf-8").replace("9.8.7", nesr_gui.__version__) == (ROOT / name).read_text(
            encoding="utf-8"
        )
    assert release.section(ROOT, nesr_gui.__version__)
    assert "\n## Unreleased\n" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_a_prepared_version_is_ready_and_can_be_tagged_once(release, tree):
    release.prepare(tree, "1.2.3", DATE)
    commit(tree)
    assert release.check(tree) == "1.2.3"
    log = (tree / "CHANGELOG.md").read_text(encoding="utf-8")
    assert log.startswith("# Changes\n\n## Unreleased\n\n## 1.2.3 (2031-02-03)\n\n* A new thing.\n\n## 0.1.0\n")
    assert '<release version="1.2.3" date="2031-02-03"/>' in (tree / release.METAINFO).read_text(encoding="utf-8")
    release.tag(tree, "1.2.3")
    assert git(tree, "tag", "--list", "--format=%(contents)") == "nesr_gui 1.2.3\n\n* A new thing.\n\n"
    with pytest.raises(release.NotReady, match=r"v1\.2\.3 is released already"):
        release.check(tree)


@pytest.mark.parametrize("version", ["1.2", "v1.2.3", "1.2.3rc1"])
def test_a_version_has_three_numbers(release, tree, version):
    with pytest.raises(release.NotReady, match="three numbers"):
        release.prepare(tree, version, DATE)


def test_a_version_needs_changes(release, tree):
    release.prepare(tree, "1.2.3", DATE)
    with pytest.raises(release.NotReady, match="no unreleased changes"):
        release.prepare(tree, "1.2.4", DATE)


@pytest.mark.parametrize("name", ["CITATION.cff", "packaging/conda/recipe.yaml"])
def test_a_number_that_differs_is_named(release, tree, name):
    release.prepare(tree, "1.2.3", DATE)
    path = tree / name
    path.write_text(path.read_text(encoding="utf-8").replace("1.2.3", "1.2.2"), encoding="utf-8")
    commit(tree)
    with pytest.raises(release.NotReady, match=rf"the version is 1\.2\.3, but {name} has 1\.2\.2"):
        release.check(tree)


def test_uncommitted_changes_and_a_missing_section_are_refused(release, tree):
    release.prepare(tree, "1.2.3", DATE)
    with pytest.raises(release.NotReady, match="uncommitted"):
        release.check(tree)
    (tree / "CHANGELOG.md").write_text("# Changes\n\n## Unreleased\n\n## 1.2.30\n\nOther.\n", encoding="utf-8")
    commit(tree)
    with pytest.raises(release.NotReady, match=r"no section 1\.2\.3"):
        release.check(tree)


def test_the_text_of_a_release_is_its_section(release, tree, tmp_path):
    folder = tmp_path / "out"
    folder.mkdir()
    notes = release.write_notes(tree, "Unreleased", folder)
    assert notes.read_text(encoding="utf-8") == "# nesr_gui Unreleased\n\n* A new thing.\n"
    release.prepare(tree, "1.2.3", DATE)
    assert release.write_notes(tree, "1.2.3", folder).read_text(encoding="utf-8") == (
        "# nesr_gui 1.2.3\n\n* A new thing.\n"
    )
    with pytest.raises(release.NotReady, match="no changes in Unreleased"):
        release.write_notes(tree, "Unreleased", folder)


def test_a_rehearsal_tags_nothing_and_takes_uncommitted_changes(release, tree, tmp_path, monkeypatch):
    built = []
    monkeypatch.setattr(release, "ROOT", tree)
    monkeypatch.setattr(release, "build", lambda root, folder: (built.append(root), folder.mkdir()))
    (tree / "new.txt").touch()
    monkeypatch.setattr(sys, "argv", ["release.py", "rehearse", str(tmp_path / "out")])
    release.main()
    assert built == [tree] and git(tree, "tag", "--list") == ""
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["RELEASE.md", "SHA256SUMS"]
    monkeypatch.setattr(sys, "argv", ["release.py", "build"])
    with pytest.raises(SystemExit, match=r"CHANGELOG.md has no section|uncommitted"):
        release.main()


def test_hashes_are_those_of_the_files(release, tmp_path):
    (tmp_path / "nesr_gui-1.whl").write_bytes(b"wheel")
    (tmp_path / "nesr-gui-1.AppImage").write_bytes(b"image")
    (tmp_path / "notes.txt").touch()
    (tmp_path / "nesr_gui.AppDir").mkdir()
    lines = release.write_hashes(tmp_path).read_text().splitlines()
    assert lines == [
        f"{hashlib.sha256(b'image').hexdigest()}  nesr-gui-1.AppImage",
        f"{hashlib.sha256(b'wheel').hexdigest()}  nesr_gui-1.whl",
    ]


def test_the_command_says_what_is_wrong_in_one_line(tmp_path):
    command = [sys.executable, str(ROOT / "packaging" / "release.py"), "prepare", "two"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (
        1,
        "release: 'two' is not a version; write three numbers, such as 0.2.0\n",
    )
