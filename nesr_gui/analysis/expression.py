"""Band math: expressions of bands such as `(b550 - b650) / (b550 + b650)`, parsed without being executed.

An expression consists of numbers; bands, `b550` or `b550.5`, the value at a wavelength in nm; `mean(600, 650)`,
`slope(500, 600)` and `integral(400, 700)` over a range in nm; `+ - * / **`; comparisons, `and`, `or`, `not`; the
functions of `FUNCTIONS`; and `where(condition, value, otherwise)`. Truth values are 1 and 0.
"""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from nesr_gui.analysis.pixelwise import Doubles, Layer, trapezoid_weights
from nesr_gui.fields.protocol import SpectralField, is_linear_between_bands
from nesr_gui.spectral import FloatArray, Wavelengths

MAX_LENGTH, MAX_DEPTH, MAX_BANDS = 1000, 100, 64
STEP = 5.0  # nm between the wavelengths from which a range of a continuous field is integrated
RANGES = {
    "mean": "mean value over a range in nm",
    "slope": "slope per nm of the least-squares line over a range in nm",
    "integral": "area under the spectrum over a range in nm",
}


def _where(condition: Doubles, value: Doubles, otherwise: Doubles) -> Doubles:
    """The value where a condition is not 0, undefined where the condition is."""
    chosen = np.where(condition != 0, value, otherwise)
    return np.asarray(np.where(np.isnan(condition), np.nan, chosen), np.float64)


FUNCTIONS: dict[str, tuple[int, Callable[..., Doubles]]] = {
    "abs": (1, np.abs),
    "sqrt": (1, np.sqrt),
    "log": (1, np.log),
    "log10": (1, np.log10),
    "exp": (1, np.exp),
    "min": (2, np.minimum),
    "max": (2, np.maximum),
    "where": (3, _where),
}
"""Name → number of arguments, and the function of arrays; a logarithm is natural, log10 decimal."""
_BINARY: dict[type[ast.operator], Callable[..., Doubles]] = {
    ast.Add: np.add, ast.Sub: np.subtract, ast.Mult: np.multiply, ast.Div: np.divide, ast.Pow: np.power,
}  # fmt: skip
_COMPARISONS: dict[type[ast.cmpop], Callable[..., npt.NDArray[np.bool_]]] = {
    ast.Lt: np.less, ast.LtE: np.less_equal, ast.Gt: np.greater, ast.GtE: np.greater_equal, ast.Eq: np.equal,
    ast.NotEq: np.not_equal,
}  # fmt: skip
_BAND = re.compile(r"b(\d{1,5})")
_DECIMAL_BAND = re.compile(r"(?<![A-Za-z0-9_.])b(\d{1,5})\.(\d{1,6})(?![A-Za-z0-9_.])")
_OTHER = re.compile(r"[^A-Za-z0-9_.+\-*/<>=!(), ]")
_KNOWN = f"numbers, bands such as b550, {', '.join(f'{name}(from, to)' for name in RANGES)}, {', '.join(FUNCTIONS)}"


class ExpressionError(ValueError):
    """An expression has a mistake; the message states where.

    Args:
        message: one sentence.
        start: index of the first wrong character of the text, whose spaces are single.
        length: number of wrong characters; 0 if the mistake has no place.
    """

    def __init__(self, message: str, start: int = 0, length: int = 0) -> None:
        super().__init__(message)
        self.start, self.length = start, length


@dataclass(frozen=True)
class Term:
    """A linear function of the spectrum: a band, or one of `RANGES` from `low` to `high` nm.

    It is written at `position`, counted from 1, with `length` characters.
    """

    kind: str
    low: float
    high: float
    position: int
    length: int

    def check(self, covered: tuple[float, float]) -> None:
        """Raise ExpressionError unless an image that covers a range of wavelengths (nm) has the value."""
        first, last = covered
        if not (first <= self.low and self.high <= last):
            asked = f"{self.low:g}" if self.low == self.high else f"{self.low:g}-{self.high:g}"
            raise ExpressionError(
                f"the expression asks for {asked} nm at position {self.position}, but this image covers "
                f"{first:g}-{last:g} nm",
                self.position - 1,
                self.length,
            )

    def nodes(self, field: SpectralField) -> Doubles:
        """Wavelengths (n,) in nm at which a field must be known; errors are those of `check`."""
        self.check(field.wavelength_range)
        if is_linear_between_bands(field):
            inner = field.bands.nm[(field.bands.nm > self.low) & (field.bands.nm < self.high)]
        else:
            inner = np.linspace(self.low, self.high, max(math.ceil((self.high - self.low) / STEP), 1) + 1)
        return np.unique(np.concatenate([[self.low], inner, [self.high]]))

    def weights(self, nodes: Doubles) -> Doubles:
        """Weights (n,) of the values at its nodes, by the trapezoidal rule."""
        if nodes.size == 1:
            return np.ones(1)
        area = trapezoid_weights(nodes)
        if self.kind == "integral":
            return area
        if self.kind == "mean":
            return area / area.sum()
        offsets = nodes - (area * nodes).sum() / area.sum()
        return np.asarray(area * offsets / (area * offsets**2).sum())


Node = Callable[[Sequence[Doubles]], Doubles]
"""From the values of the terms to the value of a part of an expression."""


@dataclass(frozen=True, eq=False)
class Expression:
    """A parsed expression.

    Attributes:
        text: as written.
        terms: the bands and ranges in it.
        evaluate: its value from those of the terms.
        is_truth_value: whether it is a comparison or a combination of comparisons.
    """

    text: str
    terms: tuple[Term, ...]
    evaluate: Node
    is_truth_value: bool

    @classmethod
    def parse(cls, text: str) -> Expression:
        """Parse an expression; nothing of the text is executed.

        Raises:
            ExpressionError: the text has a mistake; the message states the position, counted from 1.
        """
        text = " ".join(text.split())
        if not text:
            raise ExpressionError(f"the expression is empty; write {_KNOWN}")
        if len(text) > MAX_LENGTH:
            raise ExpressionError(f"the expression has {len(text):,} characters; at most {MAX_LENGTH:,} are allowed")
        if (other := _OTHER.search(text)) is not None:
            raise ExpressionError(
                f"{other[0]!r} at position {other.start() + 1} of the expression is not allowed; write {_KNOWN}",
                other.start(),
                1,
            )
        masked = _DECIMAL_BAND.sub(lambda match: f"b{match[1]}_{match[2]}", text)  # of the same length
        try:
            tree = ast.parse(masked, mode="eval")
        except SyntaxError as error:
            at = error.offset or len(text) + 1  # 0 is the end
            what = "ends too early" if at > len(text) else "cannot be read"
            raise ExpressionError(f"the expression {what} at position {at}; write {_KNOWN}", at - 1, 1) from None
        except (RecursionError, MemoryError):
            raise ExpressionError(f"the expression is nested more than {MAX_DEPTH} levels deep") from None
        parser = _Parser(text)
        evaluate = parser.parse(tree.body, 0)
        if not parser.terms:
            raise ExpressionError("the expression has no band; write one such as b550, or mean(600, 650)")
        return cls(text, tuple(parser.terms), evaluate, _is_truth_value(tree.body))

    def check(self, covered: tuple[float, float]) -> None:
        """Raise ExpressionError unless an image that covers a range of wavelengths (nm) has all values."""
        for term in self.terms:
            term.check(covered)

    def for_field(self, field: SpectralField, difference: float | None = None, name: str = "") -> BandMath:
        """The expression as an analysis of a field.

        Args:
            field: whose bands it is evaluated at.
            difference: the difference asked about; None for the contrast of the map.
            name: of the result; by default the text.

        Raises:
            ExpressionError: the field does not cover a wavelength of the expression.
        """
        return BandMath(self, field, difference, name)


class BandMath:
    """An expression of the spectra of a field, as a `PixelAnalysis`; see `Expression.for_field`."""

    def __init__(self, expression: Expression, field: SpectralField, difference: float | None, name: str) -> None:
        nodes = [term.nodes(field) for term in expression.terms]
        nm = np.unique(np.concatenate(nodes))
        self.expression, self.wavelengths = expression, Wavelengths(nm)
        self.weights = np.zeros((len(nodes), nm.size))
        """Of the terms, (F, L)."""
        for row, term, own in zip(self.weights, expression.terms, nodes, strict=True):
            row[np.searchsorted(nm, own)] = term.weights(own)
        if expression.is_truth_value:
            difference = 0.0
        self.layers = (Layer(name or expression.text, difference=difference),)

    def values(self, spectra: FloatArray) -> FloatArray:
        """Values (1, …) of spectra (L, …); NaN where the expression is undefined, as a division by zero is."""
        return self.values_of(np.stack([self._term(weights, spectra) for weights in self.weights]))

    def values_of(self, features: Doubles) -> FloatArray:
        """See `LinearAnalysis.values_of`: values (1, …) of the terms (F, …)."""
        with np.errstate(all="ignore"):
            value = np.broadcast_to(self.expression.evaluate(list(features)), features.shape[1:]).astype(np.float32)
        return np.where(np.isfinite(value), value, np.float32(np.nan))[None]

    def describe(self) -> dict[str, str]:
        """See `PixelAnalysis.describe`."""
        return {"analysis": f"{self.layers[0].name}: {self.expression.text}", "expression": self.expression.text}

    @staticmethod
    def _term(weights: Doubles, spectra: FloatArray) -> Doubles:
        used = np.flatnonzero(weights)
        return np.tensordot(weights[used], spectra[used].astype(np.float64), axes=1)


class _Parser:
    """Builds the evaluation of an expression from its syntax tree, and collects its terms."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.terms: list[Term] = []

    def parse(self, node: ast.expr, depth: int) -> Node:
        """The evaluation of a node.

        Raises:
            ExpressionError: the node is not allowed.
        """
        if depth > MAX_DEPTH:
            raise self._error(node, f"is nested more than {MAX_DEPTH} levels deep")
        match node:
            case ast.Constant(value=value) if type(value) in (int, float):
                return _constant(self._number(node))
            case ast.Name(id=name):
                return self._band(node, name)
            case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]) if name in RANGES:
                return self._range(node, name, arguments)
            case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]) if name in FUNCTIONS:
                count, function = FUNCTIONS[name]
                if len(arguments) != count:
                    raise self._error(node, f"has {len(arguments)} arguments; {name} takes {count}")
                return _applied(function, [self.parse(each, depth + 1) for each in arguments])
            case ast.BinOp(left=left, op=operator, right=right) if type(operator) in _BINARY:
                return _applied(_BINARY[type(operator)], [self.parse(each, depth + 1) for each in (left, right)])
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return _applied(np.negative, [self.parse(operand, depth + 1)])
            case ast.UnaryOp(op=ast.UAdd(), operand=operand):
                return self.parse(operand, depth + 1)
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return _applied(_not, [self.parse(operand, depth + 1)])
            case ast.BoolOp(op=operator, values=values):
                parts = [self.parse(each, depth + 1) for each in values]
                return _applied(_all if isinstance(operator, ast.And) else _any, parts)
            case ast.Compare(left=left, ops=operators, comparators=others) if all(
                type(operator) in _COMPARISONS for operator in operators
            ):
                operands = [self.parse(each, depth + 1) for each in (left, *others)]
                return _compared([_COMPARISONS[type(operator)] for operator in operators], operands)
        raise self._error(node, f"is not allowed; write {_KNOWN}")

    def _number(self, node: ast.expr) -> float:
        sign = 1.0
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            node, sign = node.operand, -1.0
        if not (isinstance(node, ast.Constant) and type(node.value) in (int, float)):
            raise self._error(node, "is not a number; write wavelengths in nm as numbers, as in mean(600, 650)")
        try:
            return sign * float(node.value)  # type: ignore[arg-type]
        except OverflowError:
            raise self._error(node, "is too large a number") from None

    def _band(self, node: ast.expr, name: str) -> Node:
        if not (found := _BAND.fullmatch(name.partition("_")[0])) or not re.fullmatch(r"b\d+(_\d+)?", name):
            raise self._error(node, f"is unknown; write {_KNOWN}")
        nm = float(f"{found[1]}.{name.partition('_')[2] or 0}")
        return self._add(node, _term("band", nm, nm, node))

    def _range(self, node: ast.expr, kind: str, arguments: Sequence[ast.expr]) -> Node:
        if len(arguments) != 2:
            raise self._error(node, f"has {len(arguments)} arguments; write {kind}(from, to) in nm")
        low, high = (self._number(each) for each in arguments)
        if not 0 < low < high < 1e5:
            raise self._error(node, f"has the range {low:g}-{high:g} nm; write {kind}(from, to) in increasing order")
        return self._add(node, _term(kind, low, high, node))

    def _add(self, node: ast.expr, term: Term) -> Node:
        for at, known in enumerate(self.terms):
            if (known.kind, known.low, known.high) == (term.kind, term.low, term.high):
                return _picked(at)
        if len(self.terms) == MAX_BANDS:
            raise self._error(node, f"is one band too many; at most {MAX_BANDS} different ones are allowed")
        self.terms.append(term)
        return _picked(len(self.terms) - 1)

    def _error(self, node: ast.expr, problem: str) -> ExpressionError:
        start, stop = node.col_offset, node.end_col_offset or node.col_offset + 1
        part, position = self.text[start:stop], start + 1
        shown = part if len(part) <= 30 else f"{part[:29]}…"
        return ExpressionError(f"{shown!r} at position {position} of the expression {problem}", start, stop - start)


def _term(kind: str, low: float, high: float, node: ast.expr) -> Term:
    stop = node.end_col_offset or node.col_offset + 1
    return Term(kind, low, high, position=node.col_offset + 1, length=stop - node.col_offset)


def _is_truth_value(node: ast.expr) -> bool:
    if isinstance(node, ast.BoolOp):
        return True
    return isinstance(node, ast.Compare) or (isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not))


def _constant(value: float) -> Node:
    return lambda terms: np.array(value)


def _picked(at: int) -> Node:
    return lambda terms: terms[at]


def _applied(function: Callable[..., Doubles], parts: Sequence[Node]) -> Node:
    return lambda terms: np.asarray(function(*(part(terms) for part in parts)), np.float64)


def _compared(operators: Sequence[Callable[..., npt.NDArray[np.bool_]]], operands: Sequence[Node]) -> Node:
    """A chain such as `0 < b550 < 1`; undefined where an operand is."""

    def evaluate(terms: Sequence[Doubles]) -> Doubles:
        values = [operand(terms) for operand in operands]
        held = [operator(*pair) for operator, pair in zip(operators, pairwise(values), strict=True)]
        known = _all(*(np.isfinite(value).astype(np.float64) for value in values))
        return np.where(known != 0, _all(*(each.astype(np.float64) for each in held)), np.nan)

    return evaluate


def _not(value: Doubles) -> Doubles:
    return np.where(np.isnan(value), np.nan, (value == 0).astype(np.float64))


def _all(*values: Doubles) -> Doubles:
    """1 where no value is 0; undefined where one is."""
    product = np.ones(())
    for value in values:
        product = product * np.where(np.isnan(value), np.nan, (value != 0).astype(np.float64))
    return product


def _any(*values: Doubles) -> Doubles:
    return _not(_all(*(_not(value) for value in values)))
