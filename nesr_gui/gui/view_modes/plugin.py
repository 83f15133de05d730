"""View modes of plug-ins: an error in one is a sentence to the user, and never stops the window."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np

from nesr_gui import plugins
from nesr_gui.fields.protocol import Cancelled, DeviceLost, ProgressCallback
from nesr_gui.gui.model.document import UInt8Array
from nesr_gui.gui.model.viewport import SamplingGrid
from nesr_gui.gui.view_modes.base import ModeOption, RenderContext, ValueScale, ViewMode
from nesr_gui.spectral import FloatArray

T = TypeVar("T")


class PluginMode(ViewMode):
    """A view mode of a plug-in, which is not rendered any more once it has failed to describe itself.

    Args:
        plugin: who declares it.
        mode: the mode.
    """

    def __init__(self, plugin: plugins.Plugin, mode: ViewMode) -> None:
        self._plugin, self._mode, self._failure = plugin, mode, ""
        self.name, self.title, self.tip = mode.name, mode.title, mode.tip  # type: ignore[misc]  # of this instance
        self.needs = tuple(mode.needs)  # type: ignore[misc]

    def _ask(self, ask: Callable[[], T], otherwise: T) -> T:
        """An answer of the mode, or another one if it fails."""
        if not self._failure:
            try:
                return ask()
            except plugins.FAILURES as error:
                self._failure = plugins.failure(self._plugin, "to describe its mode", error)
        return otherwise

    def _require(self, value: object, expected: type[T]) -> T:
        return plugins.require(self._plugin, value, expected)

    def _checked_scale(self, value: object) -> ValueScale | None:
        """A scale that can be drawn.

        Raises:
            TypeError: it is no scale.
            ValueError: its limits do not increase, or are not finite.
        """
        if value is None:
            return None
        scale = self._require(value, ValueScale)
        low, high = scale.limits
        if not (low < high and np.isfinite((low, high)).all()):
            raise ValueError(f"the limits of its scale are {low:g} and {high:g}; expected finite ones that increase")
        return scale

    def unavailable_reason(self, context: RenderContext) -> str:
        """See `ViewMode.unavailable_reason`."""
        return self._ask(lambda: str(self._mode.unavailable_reason(context)), "")

    def caption(self, context: RenderContext) -> str:
        """See `ViewMode.caption`."""
        return self._ask(lambda: str(self._mode.caption(context)), self.title)

    def cache_key(self, context: RenderContext) -> tuple[object, ...]:
        """See `ViewMode.cache_key`."""
        return self._ask(lambda: _comparable(self._mode.cache_key(context)), (context.field, context.nm))

    def bands(self, context: RenderContext) -> int:
        """See `ViewMode.bands`."""
        return self._ask(lambda: int(self._mode.bands(context)), 1)

    def scale(self, context: RenderContext) -> ValueScale | None:
        """See `ViewMode.scale`."""
        return self._ask(lambda: self._checked_scale(self._mode.scale(context)), None)

    def options(self, context: RenderContext) -> Sequence[ModeOption]:
        """See `ViewMode.options`."""
        return self._ask(lambda: tuple(self._require(each, ModeOption) for each in self._mode.options(context)), ())

    def render(
        self, context: RenderContext, sampling: SamplingGrid, progress: ProgressCallback
    ) -> FloatArray | UInt8Array:
        """See `ViewMode.render`.

        Raises:
            ValueError: the plug-in failed now or earlier, or returned no picture of that size.
        """
        if self._failure:
            raise ValueError(self._failure)
        try:
            picture: Any = np.asarray(self._mode.render(context, sampling, progress))
            is_valid = picture.shape[:2] == sampling.size and picture.shape[2:] in ((), (3,))
            dtypes = (np.uint8,) if self.scale(context) is None else (np.float32, np.uint8)
            if not is_valid or picture.dtype not in dtypes:
                raise ValueError(f"it returned {picture.dtype} of shape {picture.shape} for {sampling.size} pixels")
        except (Cancelled, MemoryError, DeviceLost):
            raise
        except plugins.FAILURES as error:
            raise ValueError(plugins.failure(self._plugin, "to render the image", error)) from error
        return picture


def _comparable(key: tuple[object, ...]) -> tuple[object, ...]:
    """A cache key that can be compared with another one.

    Raises:
        ValueError: a part is an array, whose comparison is an array.
    """
    if any(isinstance(part, np.ndarray) for part in key):
        raise ValueError("its cache key has an array; expected values that are equal or not, as the field")
    return key
