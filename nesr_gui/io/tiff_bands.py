"""The bands of a TIFF, decoded strip by strip or tile by tile as they are asked for."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from nesr_gui.io.errors import UnreadableFile

MAX_SEGMENT = 1 << 30  # bytes that decoding one strip or tile may take


def decodable(page: Any) -> None:
    """Raise UnreadableFile where data of the page are missing or its pieces too large to decode one by one."""
    size = page.parent.filehandle.size
    ends = [offset + count for offset, count in zip(page.dataoffsets, page.databytecounts, strict=True)]
    if not ends or max(ends) > size:
        raise UnreadableFile("its data are cut short")
    height, width = _segment_size(page)
    if height < 1 or width < 1:
        raise UnreadableFile("its strips or tiles have no size")
    depth = page.samplesperpixel if page.planarconfig == 1 else 1
    planes = 1 if page.planarconfig == 1 else page.samplesperpixel
    needed = planes * -(-page.imagelength // height) * -(-page.imagewidth // width)
    if len(ends) < needed:
        raise UnreadableFile(
            f"it states {page.imagewidth} x {page.imagelength} pixels, for which it needs {needed:,} strips or tiles, "
            f"and has {len(ends):,}"
        )
    if height * width * depth * page.dtype.itemsize > MAX_SEGMENT:
        raise UnreadableFile("one of its strips or tiles takes more than 1 GiB")


def _segment_size(page: Any) -> tuple[int, int]:
    """Rows and columns of a strip or tile."""
    if page.is_tiled:
        return page.tilelength, page.tilewidth
    return min(page.rowsperstrip or page.imagelength, page.imagelength), page.imagewidth


class TiffBands:
    """(L, H, W) over one page with L channels or planes, or over L pages; slices read what they need."""

    def __init__(self, pages: list[Any]) -> None:
        self._pages = pages
        page = pages[0]
        self.dtype = np.dtype(page.dtype)
        self.shape = (max(page.samplesperpixel, len(pages)), page.imagelength, page.imagewidth)
        self._interleaved = page.samplesperpixel > 1 and page.planarconfig == 1
        self._side = _segment_size(page)

    def __getitem__(self, window: tuple[slice, slice, slice]) -> npt.NDArray[Any]:
        bands, rows, cols = (range(*part.indices(size)) for part, size in zip(window, self.shape, strict=True))
        values = np.empty((len(bands), len(rows), len(cols)), self.dtype)
        height, width = self._side
        across, down = -(-self.shape[2] // width), -(-self.shape[1] // height)
        for y in range(rows.start // height, -(-rows.stop // height)):
            for x in range(cols.start // width, -(-cols.stop // width)):
                index = y * across + x
                inside = _shared(rows, y * height, height), _shared(cols, x * width, width)
                target = tuple(
                    slice(p.start - q.start, p.stop - q.start) for p, q in zip(inside, (rows, cols), strict=True)
                )
                source = (
                    slice(inside[0].start - y * height, inside[0].stop - y * height),
                    slice(inside[1].start - x * width, inside[1].stop - x * width),
                )
                if self._interleaved:
                    part = self._segment(self._pages[0], index)[*source]
                    values[:, *target] = np.moveaxis(part, 2, 0)[bands.start : bands.stop]
                    continue
                for place, band in enumerate(bands):
                    page, which = (self._pages[band], index) if len(self._pages) > 1 else (
                        self._pages[0], band * across * down + index,
                    )  # fmt: skip
                    values[place][target] = self._segment(page, which)[*source][..., 0]
        return values

    def _segment(self, page: Any, index: int) -> npt.NDArray[Any]:
        """(rows, columns, channels), decoded."""
        if index >= len(page.dataoffsets):
            raise UnreadableFile("the TIFF file is damaged: it has fewer strips or tiles than it needs")
        handle = page.parent.filehandle
        handle.seek(page.dataoffsets[index])
        data = handle.read(page.databytecounts[index]) if page.databytecounts[index] else None
        try:
            decoded = page.decode(data, index, jpegtables=page.jpegtables)[0]
        except Exception as error:  # every codec has its own
            raise UnreadableFile(f"the TIFF file is damaged: {error}") from error
        if decoded is None:  # never written, as sparse files have it
            height, width = self._side
            return np.full((height, width, page.samplesperpixel), page.nodata, self.dtype)
        return decoded[0]


def _shared(wanted: range, start: int, length: int) -> slice:
    """The part of `wanted` in a segment."""
    return slice(max(wanted.start, start), min(wanted.stop, start + length))
