"""How well a few typed letters fit a text: what the command palette orders its lines by."""

from __future__ import annotations

import unicodedata

_AT_WORD, _IN_ROW, _ANYWHERE = 8.0, 5.0, 1.0  # worth of a letter that begins a word, follows the one before, or neither
_STREWN = 4.0  # worth per letter below which letters are but strewn over a text


def fitness(query: str, *texts: str) -> float | None:
    """How well `query` fits; None if it does not.

    Every word of the query must fit one of `texts`, the more the earlier that text stands: as letters in the right
    order, best at the beginnings of words or next to each other. Case and accents do not count. An empty query fits
    everything, with 0.
    """
    total = 0.0
    plain = [_plain(text) for text in texts]
    for word in _plain(query).split():
        fits = [
            worth / (1 + rank) for rank, text in enumerate(plain) if (worth := _word_fitness(word, text)) is not None
        ]
        if not fits:
            return None
        total += max(fits)
    return total


def _word_fitness(word: str, text: str) -> float | None:
    """The best way to find the letters of a word in a text, less a little for what the text has beyond them."""
    rest = iter(text)
    if not all(letter in rest for letter in word):
        return None
    ends: dict[int, float] = {}  # worth of the best way so far that ends at a place
    for count, letter in enumerate(word):
        before, reached, best = ends, {}, None if count else 0.0
        for place, there in enumerate(text):
            if there == letter:
                worth = _AT_WORD if _begins_word(text, place) else _ANYWHERE
                ways = [best + worth] if best is not None else []
                ways += [before[place - 1] + _IN_ROW] if place - 1 in before else []
                if ways:
                    reached[place] = max(ways)
            best = max((worth for worth in (best, before.get(place)) if worth is not None), default=None)
        ends = reached
    most = max(ends.values())
    return most - 0.01 * len(text) if most > _STREWN * len(word) else None


def _begins_word(text: str, place: int) -> bool:
    return text[place].isalnum() and (place == 0 or not text[place - 1].isalnum())


def _plain(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter))
