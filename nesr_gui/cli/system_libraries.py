"""What Qt needs of Linux: system libraries that pip cannot install, with how to install them, and a display.

The names are those in the `NEEDED` entries of the PySide6 wheels that neither the wheels nor glibc provide.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import socket
import sys
from dataclasses import dataclass


@dataclass(frozen=True)
class Library:
    """A shared library and the packages that contain it."""

    name: str
    apt: str
    dnf: str
    pacman: str


DRAWING = (
    Library("libEGL.so.1", "libegl1", "libglvnd-egl", "libglvnd"),
    Library("libGL.so.1", "libgl1", "libglvnd-glx", "libglvnd"),
    Library("libX11.so.6", "libx11-6", "libX11", "libx11"),
    Library("libdbus-1.so.3", "libdbus-1-3", "dbus-libs", "dbus"),
    Library("libfontconfig.so.1", "libfontconfig1", "fontconfig", "fontconfig"),
    Library("libfreetype.so.6", "libfreetype6", "freetype", "freetype2"),
    Library("libglib-2.0.so.0", "libglib2.0-0", "glib2", "glib2"),
    Library("libxkbcommon.so.0", "libxkbcommon0", "libxkbcommon", "libxkbcommon"),
)
"""Required to draw anything, also into memory."""
X11 = (
    Library("libX11-xcb.so.1", "libx11-xcb1", "libX11-xcb", "libx11"),
    Library("libxcb.so.1", "libxcb1", "libxcb", "libxcb"),
    Library("libxcb-cursor.so.0", "libxcb-cursor0", "xcb-util-cursor", "xcb-util-cursor"),
    Library("libxcb-icccm.so.4", "libxcb-icccm4", "xcb-util-wm", "xcb-util-wm"),
    Library("libxcb-image.so.0", "libxcb-image0", "xcb-util-image", "xcb-util-image"),
    Library("libxcb-keysyms.so.1", "libxcb-keysyms1", "xcb-util-keysyms", "xcb-util-keysyms"),
    Library("libxcb-randr.so.0", "libxcb-randr0", "libxcb", "libxcb"),
    Library("libxcb-render.so.0", "libxcb-render0", "libxcb", "libxcb"),
    Library("libxcb-render-util.so.0", "libxcb-render-util0", "xcb-util-renderutil", "xcb-util-renderutil"),
    Library("libxcb-shape.so.0", "libxcb-shape0", "libxcb", "libxcb"),
    Library("libxcb-shm.so.0", "libxcb-shm0", "libxcb", "libxcb"),
    Library("libxcb-sync.so.1", "libxcb-sync1", "libxcb", "libxcb"),
    Library("libxcb-util.so.1", "libxcb-util1", "xcb-util", "xcb-util"),
    Library("libxcb-xfixes.so.0", "libxcb-xfixes0", "libxcb", "libxcb"),
    Library("libxcb-xkb.so.1", "libxcb-xkb1", "libxcb", "libxcb"),
    Library("libxkbcommon-x11.so.0", "libxkbcommon-x11-0", "libxkbcommon-x11", "libxkbcommon-x11"),
)
"""Required in addition for a window on an X11 display."""
_INSTALL = {"apt": "sudo apt install", "dnf": "sudo dnf install", "pacman": "sudo pacman -S"}


def missing(libraries: tuple[Library, ...]) -> list[Library]:
    """The libraries that the dynamic linker does not find; on systems other than Linux none."""
    return [library for library in libraries if not _is_loadable(library.name)] if sys.platform == "linux" else []


def how_to_install(libraries: list[Library]) -> str:
    """One clause that names the missing libraries and the command that installs them on this system."""
    names = ", ".join(library.name for library in libraries)
    for manager, command in _INSTALL.items():
        if shutil.which(manager):
            packages = dict.fromkeys(getattr(library, manager) for library in libraries)
            return f"system libraries are missing ({names}); install them with: {command} {' '.join(packages)}"
    return f"system libraries are missing ({names}); install the packages of your system that contain them"


def _is_loadable(name: str) -> bool:
    try:
        ctypes.CDLL(name)
    except OSError:
        return False
    return True


def x11_answers() -> bool:
    """Whether the X11 display can be connected to; without libxcb, whose name depends on the system, it is assumed."""
    try:
        xcb = ctypes.CDLL("libxcb.so.1")
    except OSError:
        return True
    xcb.xcb_connect.restype = ctypes.c_void_p
    connection = ctypes.c_void_p(xcb.xcb_connect(None, None))  # never null
    try:
        return not xcb.xcb_connection_has_error(connection)
    finally:
        xcb.xcb_disconnect(connection)


def wayland_answers(name: str) -> bool:
    """Whether the Wayland display of this name, or path of its socket, can be connected to."""
    with socket.socket(socket.AF_UNIX) as tried:
        try:
            tried.connect(os.path.join(os.environ.get("XDG_RUNTIME_DIR", ""), name))
        except OSError:
            return False
    return True
