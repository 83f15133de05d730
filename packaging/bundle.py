"""Builds the self-contained program: a folder with everything but the desktop's own libraries, and its archives.

    python packaging/bundle.py [FOLDER]        # dist

runs PyInstaller with the environment that calls it, which needs the extra `bundle` and torch for the processor only.
Linux gets a .tar.gz and, if appimagetool is on the PATH, an AppImage; Windows a .zip; macOS a .dmg.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LINUX = ROOT / "packaging" / "linux"
NAME = "nesr-gui"
ICON_SIZES = (16, 24, 32, 48, 64, 128, 256, 512)
STRIPPED = ("torch/lib/libtorch_*.so", "numcodecs/*.so", "libpython3*.so*")  # patched libraries do not survive it


def main(target: Path) -> None:
    """Build everything that this system can build into `target`, and print the sizes."""
    import torch

    if torch.version.cuda or getattr(torch.version, "hip", None):
        raise SystemExit(
            f"torch {torch.__version__} would add gigabytes of libraries for graphics processors; install the build "
            "for the processor, as PyTorch's installation page describes"
        )
    sys.path.insert(0, str(ROOT))
    from nesr_gui import __version__

    target.mkdir(parents=True, exist_ok=True)
    work = target / "work"
    draw_icons(work / "icons")
    freeze(target, work)
    program = target / NAME
    stem = f"{NAME}-{__version__}-{sys.platform}-{platform.machine().lower()}"
    if sys.platform == "win32":
        archives = [Path(shutil.make_archive(str(target / stem), "zip", target, NAME))]
    elif sys.platform == "darwin":
        archives = [disk_image(target / "nesr_gui.app", target / f"{stem}.dmg")]
    else:
        strip_libraries(program)
        add_desktop_files(program, work / "icons")
        archives = [archive(program, target / f"{stem}.tar.gz")]
        archives += app_image(app_directory(program, target / "nesr_gui.AppDir"), target / f"{stem}.AppImage")
    for path in (program, *archives):
        print(f"{size(path) / 1e6:6.0f} MB  {path}")  # noqa: T201


def freeze(target: Path, work: Path) -> None:
    """Run PyInstaller."""
    command = [sys.executable, "-m", "PyInstaller", "--noconfirm", "--log-level", "WARN"]
    command += ["--distpath", str(target), "--workpath", str(work), str(ROOT / "packaging" / f"{NAME}.spec")]
    subprocess.run(command, check=True, env={**os.environ, "NESR_ICONS": str(work / "icons")})


def draw_icons(folder: Path) -> None:
    """Draw the icon of the program as PNG files, as .ico for Windows and as .icns for macOS."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    from PIL import Image
    from PySide6.QtCore import Qt
    from PySide6.QtGui import QImage, QPainter
    from PySide6.QtSvg import QSvgRenderer

    folder.mkdir(parents=True, exist_ok=True)
    drawing = QSvgRenderer(str(ROOT / "resources" / "icons" / "nesr.svg"))
    for side in ICON_SIZES:
        image = QImage(side, side, QImage.Format.Format_ARGB32_Premultiplied)
        image.fill(Qt.GlobalColor.transparent)
        painter = QPainter(image)
        drawing.render(painter)
        painter.end()
        if not image.save(str(folder / f"{side}.png")):
            raise OSError(f"cannot write {folder / f'{side}.png'}")
    with Image.open(folder / "512.png") as largest:
        largest.save(folder / f"{NAME}.ico", sizes=[(side, side) for side in ICON_SIZES if side <= 256])
        largest.save(folder / f"{NAME}.icns")


def strip_libraries(program: Path) -> None:
    """Remove the symbols of large libraries that only a debugger reads."""
    for pattern in STRIPPED:
        found = [str(path) for path in (program / "_internal").glob(pattern) if not path.is_symlink()]
        subprocess.run(["strip", *found], check=True)


def add_desktop_files(program: Path, icons: Path) -> None:
    """Put menu entry, file types, icons and description into `share/`, as on any freedesktop.org system."""
    share = program / "share"
    copies = {
        LINUX / f"{NAME}.desktop": share / "applications" / f"{NAME}.desktop",
        LINUX / f"{NAME}.xml": share / "mime" / "packages" / f"{NAME}.xml",
        LINUX / "nesr_gui.metainfo.xml": share / "metainfo" / "nesr_gui.metainfo.xml",
        ROOT / "resources" / "icons" / "nesr.svg": share / "icons" / "hicolor" / "scalable" / "apps" / f"{NAME}.svg",
        LINUX / "install.sh": program / "install.sh",
    }
    for side in ICON_SIZES:
        copies[icons / f"{side}.png"] = share / "icons" / "hicolor" / f"{side}x{side}" / "apps" / f"{NAME}.png"
    for source, destination in copies.items():
        destination.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, destination)


def archive(program: Path, path: Path) -> Path:
    """Write a .tar.gz whose files belong to nobody in particular."""

    def anonymous(entry: tarfile.TarInfo) -> tarfile.TarInfo:
        entry.uid = entry.gid = 0
        entry.uname = entry.gname = "root"
        return entry

    with tarfile.open(path, "w:gz", compresslevel=6) as tar:
        tar.add(program, path.name.removesuffix(".tar.gz"), filter=anonymous)
    return path


def app_directory(program: Path, folder: Path) -> Path:
    """Arrange the program as an AppDir, with hard links instead of copies."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(
        program, folder / "usr" / "lib" / NAME, copy_function=os.link, symlinks=True,
        ignore=shutil.ignore_patterns("share", "install.sh"),
    )  # fmt: skip
    shutil.copytree(program / "share", folder / "usr" / "share")
    for path in (f"applications/{NAME}.desktop", f"icons/hicolor/256x256/apps/{NAME}.png"):
        shutil.copy(program / "share" / path, folder)
    (folder / ".DirIcon").symlink_to(f"{NAME}.png")
    start = folder / "AppRun"
    start.write_text(f'#!/bin/sh\nexec "$(dirname "$(readlink -f "$0")")/usr/lib/{NAME}/{NAME}" "$@"\n')
    start.chmod(0o755)
    return folder


def app_image(folder: Path, path: Path) -> list[Path]:
    """Pack an AppDir; without appimagetool say how, and return no file."""
    tool = shutil.which("appimagetool")
    command = [tool or "appimagetool", "--no-appstream", str(folder), str(path)]
    if tool is None:
        print(f"no AppImage: appimagetool is not on the PATH; with it, run: {' '.join(command)}")  # noqa: T201
        return []
    subprocess.run(command, check=True, env={**os.environ, "ARCH": platform.machine()})
    return [path]


def disk_image(app: Path, path: Path) -> Path:
    """Pack the application of macOS, beside a link to the folder into which it is dragged."""
    folder = path.with_suffix("")
    folder.mkdir()
    shutil.move(app, folder)
    (folder / "Applications").symlink_to("/Applications")
    command = ["hdiutil", "create", "-volname", "nesr_gui", "-srcfolder", str(folder), "-ov", "-format", "UDZO"]
    subprocess.run([*command, str(path)], check=True)
    return path


def size(path: Path) -> int:
    """Bytes of a file, or of all files in a folder; links take no room."""
    if path.is_file():
        return path.stat().st_size
    return sum(each.stat().st_size for each in path.rglob("*") if each.is_file() and not each.is_symlink())


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "dist").resolve())
