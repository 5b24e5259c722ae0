"""Pieces of the painting itself, laid over what a painter's network has painted.

    pieces = Pieces.of(painting)
    lay_pieces(pieces, photo, painted, strength=0.5, seed=0)

A small network makes strokes, but neither panes nor discs nor combs as large as the painting's: those lie in
the painting, so they are taken from it. Every part of the photo is given a piece of the painting of about its
colours, and pieces meet where they differ least. Then the photo's colours are laid in, and the network's
finer shapes where they are stronger than the painting's own texture.

Pieces that meet along the cut of least error: Efros and Freeman, "Image quilting for texture synthesis and
transfer", SIGGRAPH 2001. That all parts of the painting are used about as often, by optimal transport with
entropy: Galerne, Leclaire and Rabin, "A texture synthesis model based on semi-discrete optimal transport in
patch space", SIAM Journal on Imaging Sciences 11 (2018). Texture and colours in separate bands: Burt and
Adelson, "A multiresolution spline", ACM Transactions on Graphics 2 (1983).

The pieces are chosen for the whole photo from an eighth of its size. The rest is local, so a large photo is
finished in tiles that are the same as the whole.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from studio.images.canvas import reflected, tensor_of
from studio.images.pictures import Pixels, fit_within, resize

PAINTING_SIDE = 640
"""Longer side of the painting, in pixels: strokes come out as large as there."""

CELL = 8
"""Pixels along the side of a cell: pieces are chosen by the mean colours of cells."""

PIECE, OVERLAP = 128, 32
"""Side of a piece, and what it shares with its neighbours, in pixels."""

SPACING = PIECE - OVERLAP

PLACES = 16
"""Pixels between the places in the painting where a piece may come from."""

BUSY_WEIGHT = 0.3
"""How strongly busy parts of a photo, such as a face, get plain pieces."""

CHANCE = 0.05
"""Entropy of the balance, in terms of the differences between parts and pieces."""

LEFT_TO_CHANCE = 0.5
"""Of the entropy of that balance, so much is drawn by chance, so that pieces do not repeat in a sky."""

ROUNDS = 20
"""Of balancing how often the pieces are used (Sinkhorn)."""

MOST_BALANCED = 1500
"""Pieces that are balanced; the others share the balance of the most alike."""

LEVELS = 3
"""Bands of detail that are mixed, each twice as coarse as the one before: of 2, 4 and 8 pixels. What is finer
is the pieces' alone, and what is coarser is colour.
"""

SHAPES = (0.2, 0.4, 6.0)
"""What shapes count in each band at half strength, where they meet the painting's texture: those that the
network painted, and in the coarsest the photo's.
"""

STRENGTH_RANGE = 16.0
"""They count so many times as much at strength 0 as at half strength."""

COLOURS = 0.82
"""Share of the photo's colours, the rest being the piece's, at half strength."""

STRUCTURE = (0.03, 0.045)
"""How far pixels are from the colours around them, black to white being 1, where nothing of the photo is
held, as in a sky, and from where on as much is held as `HELD` says, as in a face.
"""

HELD = 1.0
"""How much of the network's picture stays there at half strength, so that a portrait stays a portrait; at
full strength nothing.
"""

EVEN, STRONG = 2.5, 0.19
"""A painting bears the whole of that if half of its cells have the mean detail divided by the first, and if
its coarsest detail has that share of the variance of its colours.
"""

COLOUR_ROUNDS = 4
"""Of bringing the photo's colours to those of the painting."""

LARGEST_WHOLE = 400_000
"""Pixels of the largest canvas that is finished in one piece."""

TILE, HALO = 640, 64
"""Side of the part of a photo that is finished at once, and what counts around it: multiples of 16."""

AT_ONCE = 128
"""Pieces that are cut at once."""


@dataclass(frozen=True)
class Pieces:
    """A painting in pieces. All tensors are float32.

    fine: what the colours of its cells leave of the painting [1, 3, h, w] at `PAINTING_SIDE`, where black is
    0 and white is 1. cells: their mean colours [1, 3, h / CELL, w / CELL]. textures: the cells of each
    piece [n, 3 * 256]. busy: its detail [n], 1 on average. corners: its place [n, 2], from the top and left,
    in cells. energies: the painting's mean squared detail in each band. bears: how much of a photo the
    painting bears, 0..1: less where much of it is bare, or where its texture is weak beside its colours,
    since every shape shows there.
    """

    fine: Tensor
    cells: Tensor
    textures: Tensor
    busy: Tensor
    corners: Tensor
    energies: tuple[float, ...]
    bears: float

    @classmethod
    def of(cls, painting: Pixels) -> Pieces:
        """The pieces of a painting, uint8 [h, w, 3]."""
        shown = resize(painting, *fit_within(painting.shape[0], painting.shape[1], PAINTING_SIDE))
        high, wide = (max(2 * PIECE, side // 16 * 16) for side in shown.shape[:2])
        rows, columns = (reflected(0, *pair).numpy() for pair in zip((high, wide), shown.shape, strict=False))
        colours = _floats(shown[rows[:, None], columns[None]])
        cells = F.avg_pool2d(colours, CELL)
        step, side = PLACES // CELL, PIECE // CELL
        textures = F.unfold(cells, side, stride=step)[0].T.contiguous()
        high, wide = ((length - side) // step + 1 for length in cells.shape[-2:])
        corners = torch.cartesian_prod(torch.arange(high), torch.arange(wide)) * step
        busy = F.avg_pool2d(_busy(colours), PIECE, PLACES).flatten()
        busy = busy / busy.mean().clamp_min(1e-6)
        energies = tuple(float(_energy(band).mean()) for band in _bands(F.avg_pool2d(colours, 2))[:-1])
        fine = colours - _enlarged(cells, CELL)
        detail = F.avg_pool2d(fine.square().sum(1, keepdim=True), CELL)
        even = (EVEN * detail.median() / detail.mean().clamp_min(1e-9)).clamp_max(1)
        variance = F.avg_pool2d(colours, 2 * CELL).flatten(2).var(2, correction=0).sum().clamp_min(1e-9)
        strong = (energies[-1] / (STRONG * variance)).sqrt().clamp_max(1)
        return cls(fine, cells, textures, busy, corners, energies, float(even * strong))

    def cut_out(self, chosen: Tensor) -> Tensor:
        """The finer detail of the chosen pieces, [n, 3, PIECE, PIECE]."""
        rows, columns = (self.corners[chosen] * CELL).unbind(1)
        across = torch.arange(PIECE)
        places = (rows[:, None] + across)[:, :, None], (columns[:, None] + across)[:, None, :]
        return self.fine[0][:, places[0], places[1]].transpose(0, 1)


def lay_pieces(pieces: Pieces, photo: Pixels, painted: Pixels, strength: float, seed: int) -> None:
    """Lay pieces over a photo, uint8 [h, w, 3], that a network has painted, in place. strength:
    from 0, where nothing shows of them, through 0.5, from where all shows, to 1.
    """
    grid = _Grid.over(*photo.shape[:2])
    held = STRENGTH_RANGE ** (1 - 2 * strength)
    wanted = _in_colours_of(grid.cells_of(photo), pieces.cells)
    with torch.inference_mode():
        detail = _busy(grid.halves_of(photo))
        busy = F.avg_pool2d(detail, PIECE // 2, SPACING // 2).flatten()
        chosen = _choose(pieces, wanted, busy, grid, seed)
        places = F.avg_pool2d(wanted, 2)
        ground = _Ground(
            cells=_blended(pieces, chosen, grid),
            fine=_quilted(pieces, chosen, grid),
            colours=places,
            forms=wanted - _enlarged(places, 2),
            share=pieces.bears * COLOURS ** (2 * strength),
            weights=tuple(pieces.bears**2 * held * weight for weight in SHAPES),
            energies=pieces.energies,
            shown=min(1.0, 2 * strength) * (1 - HELD * min(1.0, 2 - 2 * strength) * _structure(detail)),
        )
        if grid.high * grid.wide <= LARGEST_WHOLE:
            _finish(ground, grid, painted, painted, (slice(0, grid.high), slice(0, grid.wide)))
            return
        source = painted.copy()
        for top in range(0, grid.high, TILE):
            for left in range(0, grid.wide, TILE):
                tile = slice(top, min(grid.high, top + TILE)), slice(left, min(grid.wide, left + TILE))
                _finish(ground, grid, source, painted, tile)


@dataclass(frozen=True)
class _Grid:
    """Where pieces lie: `down` rows of `across`, on a canvas of high x wide pixels, which reaches `OVERLAP`
    and more beyond a photo of height x width on every side.
    """

    height: int
    width: int
    down: int
    across: int

    @classmethod
    def over(cls, height: int, width: int) -> _Grid:
        return cls(height, width, *(-(-(side + OVERLAP) // SPACING) for side in (height, width)))

    @property
    def high(self) -> int:
        return self.down * SPACING + OVERLAP

    @property
    def wide(self) -> int:
        return self.across * SPACING + OVERLAP

    def part(self, pixels: Pixels, rows: slice, columns: slice) -> Tensor:
        """A part of the canvas with the photo on it, which is reflected beyond its edges, [1, 3, h, w]."""
        down = reflected(rows.start - OVERLAP, rows.stop - rows.start, self.height).numpy()
        across = reflected(columns.start - OVERLAP, columns.stop - columns.start, self.width).numpy()
        return _floats(pixels[down[:, None], across[None]])

    def cells_of(self, photo: Pixels) -> Tensor:
        """The mean colours of the canvas's cells."""
        return self._reduced(photo, CELL)

    def halves_of(self, photo: Pixels) -> Tensor:
        """The canvas at half its size."""
        return self._reduced(photo, 2)

    def _reduced(self, photo: Pixels, factor: int) -> Tensor:
        strip = SPACING * 4  # which saves memory
        return torch.cat(
            [
                F.avg_pool2d(
                    self.part(photo, slice(top, min(self.high, top + strip)), slice(0, self.wide)), factor
                )
                for top in range(0, self.high, strip)
            ],
            2,
        )

    def classes(self) -> list[Tensor]:
        """The numbers of the pieces in four classes; those of one class do not touch one another."""
        rows, columns = torch.arange(self.down)[:, None], torch.arange(self.across)[None]
        kinds = ((rows % 2) * 2 + columns % 2).flatten()
        return [torch.nonzero(kinds == kind)[:, 0] for kind in range(4)]

    def places(self, pieces: Tensor, unit: int) -> tuple[Tensor, Tensor]:
        """Rows and columns on the canvas of those pieces, in units of so many pixels, for indexing."""
        inside = torch.arange(PIECE // unit)
        rows = pieces // self.across * (SPACING // unit)
        columns = pieces % self.across * (SPACING // unit)
        return (rows[:, None] + inside)[:, :, None], (columns[:, None] + inside)[:, None, :]


# --- Choosing pieces


def _in_colours_of(cells: Tensor, wanted: Tensor) -> Tensor:
    """Cells with the colours of others, by ranks along three axes at right angles, turned a few times
    (Pitie, Kokaram and Dahyot, "Automated colour grading using colour distribution transfer", Computer Vision
    and Image Understanding 107, 2007). Equal colours stay equal.
    """
    generator = torch.Generator().manual_seed(0)
    colours, palette = cells[0].flatten(1).T.double(), wanted[0].flatten(1).T.double()
    for _ in range(COLOUR_ROUNDS):
        axes = torch.linalg.qr(torch.randn(3, 3, generator=generator, dtype=torch.double))[0]
        seen, aim = (colours @ axes).T.contiguous(), (palette @ axes).T.sort(1)[0]
        row = seen.sort(1)[0]
        rank = (torch.searchsorted(row, seen) + torch.searchsorted(row, seen, right=True) - 1).double() / 2
        place = rank * ((aim.shape[1] - 1) / max(1, row.shape[1] - 1))
        below = place.floor().long()
        above = (below + 1).clamp_max(aim.shape[1] - 1)
        found = torch.lerp(aim.gather(1, below), aim.gather(1, above), place - below)
        colours = colours + (found - seen).T @ axes.T
    return colours.T.float().reshape(cells.shape).clamp_(0, 1)


def _choose(pieces: Pieces, wanted: Tensor, busy: Tensor, grid: _Grid, seed: int) -> Tensor:
    """The number of a piece for every place of the grid, [down * across]."""
    side, step, border = PIECE // CELL, SPACING // CELL, OVERLAP // CELL // 2
    own, theirs = (
        F.avg_pool2d(each.reshape(-1, 3, side, side), 2).flatten(1)
        for each in (F.unfold(wanted, side, stride=step)[0].T, pieces.textures)
    )
    cost = torch.cdist(own, theirs).square() / own.shape[1]
    plain = BUSY_WEIGHT * cost.mean() * busy / busy.mean().clamp_min(1e-6)
    cost = cost + plain[:, None] * pieces.busy
    spread = (cost.mean() - cost.amin(1).mean()).clamp_min(1e-6) * CHANCE
    generator = torch.Generator().manual_seed(seed)
    cost = cost - spread * _balance(cost / spread, theirs, generator)
    drawn = torch.rand(cost.shape, generator=generator).clamp_(1e-6, 1 - 1e-6)
    cost = cost + spread * LEFT_TO_CHANCE * drawn.log_().neg_().log_()  # minus Gumbel noise
    chosen = cost.argmin(1)
    # Each is chosen once more, now beside its neighbours. The canvas shows each as far as half its overlap.
    ring = torch.ones(3, side, side)
    ring[:, 2 * border : -2 * border, 2 * border : -2 * border] = 0
    ring = ring.flatten()
    canvas = torch.empty(1, 3, grid.down * step + 2 * border, grid.across * step + 2 * border)
    inner = slice(border, -border)

    def show(numbers: Tensor) -> None:
        shown = pieces.textures[chosen[numbers]].reshape(-1, 3, side, side).transpose(0, 1)
        rows, columns = grid.places(numbers, CELL)
        canvas[0][:, rows[:, inner], columns[:, :, inner]] = shown[:, :, inner, inner]

    canvas[:] = wanted
    show(torch.arange(len(chosen)))
    outlines = pieces.textures * ring
    sizes = outlines.square().sum(1)
    for numbers in grid.classes():
        rows, columns = grid.places(numbers, CELL)
        around = canvas[0][:, rows, columns].transpose(0, 1).flatten(1) * ring
        misfit = sizes - 2 * around @ outlines.T + around.square().sum(1, keepdim=True)
        chosen[numbers] = (misfit / ring.sum() + cost[numbers]).argmin(1)
        show(numbers)
    return chosen


def _balance(cost: Tensor, textures: Tensor, generator: torch.Generator) -> Tensor:
    """What makes every piece [m] be used about as often as any other, in units of the cost [n, m]: the
    potentials of optimal transport with entropy.
    """
    count = cost.shape[1]
    some = torch.randperm(count, generator=generator)[:MOST_BALANCED]
    kernel, balance = -cost[:, some], torch.zeros(len(some))
    for _ in range(ROUNDS):
        shared = kernel + balance
        used = torch.logsumexp(kernel - torch.logsumexp(shared, 1, keepdim=True), 0)
        balance = -used - float(np.log(len(some) / len(cost)))
    if len(some) == count:
        return torch.empty_like(balance).index_copy_(0, some, balance)
    return balance[torch.cdist(textures, textures[some]).argmin(1)]


# --- Laying them


def _blended(pieces: Pieces, chosen: Tensor, grid: _Grid) -> Tensor:
    """The colours of the canvas's cells, where neighbours pass into one another over their overlap."""
    side, lap = PIECE // CELL, OVERLAP // CELL
    ramp = (torch.arange(lap) + 0.5) / lap
    along = torch.cat([ramp, torch.ones(side - 2 * lap), ramp.flip(0)])
    window = (along[:, None] * along).expand(3, side, side).flatten()
    shown = (pieces.textures[chosen] * window).T[None]
    size = (grid.high // CELL, grid.wide // CELL)
    total: Tensor = F.fold(shown, size, side, stride=SPACING // CELL)
    weight = F.fold(window.expand(len(chosen), -1).T[None], size, side, stride=SPACING // CELL)
    return total / weight


def _quilted(pieces: Pieces, chosen: Tensor, grid: _Grid) -> Tensor:
    """The finer detail of the canvas, [1, 3, high, wide], where neighbours meet along the best cut."""
    canvas = torch.zeros(1, 3, grid.high, grid.wide)
    filled = torch.zeros(grid.high, grid.wide, dtype=torch.bool)
    for numbers in (some for kind in grid.classes() for some in torch.split(kind, AT_ONCE)):
        rows, columns = grid.places(numbers, 1)
        there, new = canvas[0][:, rows, columns].transpose(0, 1), pieces.cut_out(chosen[numbers])
        new -= there
        covered = filled[rows, columns]
        mask = _cut(F.avg_pool2d(new, 2).square_().sum(1), covered[:, ::2, ::2])
        mask = _enlarged(mask[:, None], 2).masked_fill_(~covered[:, None], 1)  # with a soft edge
        canvas[0][:, rows, columns] = there.addcmul_(new, mask).transpose(0, 1)
        filled[rows, columns] = True
    return canvas


def _cut(error: Tensor, covered: Tensor) -> Tensor:
    """Which places belong to new pieces, 0 or 1, [n, side, side], cut along the least error, of the same
    shape, through the overlap on each side where that is wholly covered by another piece.
    """
    side = error.shape[2]
    lap = side * OVERLAP // PIECE
    strips, there = (
        torch.cat([each.rot90(turn, (1, 2))[:, :, :lap] for turn in range(4)]) for each in (error, covered)
    )
    beyond_cuts = _beyond_cut(strips).masked_fill_(~there.all(2).all(1)[:, None, None], 1)
    mask = torch.ones_like(error)
    for turn, beyond in enumerate(beyond_cuts.chunk(4)):
        mask *= F.pad(beyond, (0, side - lap), value=1).rot90(-turn, (1, 2))
    return mask


def _beyond_cut(error: Tensor) -> Tensor:
    """Which pixels lie to the right of the way from top to bottom with the least error, [n, h, w]."""
    totals = [error[:, 0]]
    for row in error.unbind(1)[1:]:
        before = F.pad(totals[-1], (1, 1), value=torch.inf)
        totals.append(row + torch.minimum(torch.minimum(before[:, :-2], before[:, 2:]), before[:, 1:-1]))
    column = totals[-1].argmin(1)
    way = [column]
    for total in totals[-2::-1]:
        near = torch.stack([column - 1, column, column + 1], 1).clamp_(0, error.shape[2] - 1)
        column = near.gather(1, total.gather(1, near).argmin(1, keepdim=True))[:, 0]
        way.append(column)
    path = torch.stack(way[::-1], 1)
    return (torch.arange(error.shape[2]) >= path[:, :, None]).to(error.dtype)


# --- Shapes and colours


@dataclass(frozen=True)
class _Ground:
    """What shapes and colours are laid on. cells, fine: of the pieces. colours: of the photo, one for each
    place of 16 x 16 pixels. forms: what its cells add to them. share: of those colours. weights, energies: of
    each band. shown: how much of all that shows at every place, the rest being what the network painted.
    """

    cells: Tensor
    fine: Tensor
    colours: Tensor
    forms: Tensor
    share: float
    weights: tuple[float, ...]
    energies: tuple[float, ...]
    shown: Tensor


def _finish(ground: _Ground, grid: _Grid, painted: Pixels, into: Pixels, tile: tuple[slice, slice]) -> None:
    """Finish a tile of the canvas."""
    shown = [
        slice(max(0, own.start - HALO), min(length, own.stop + HALO))
        for own, length in zip(tile, (grid.high, grid.wide), strict=True)
    ]
    laid = _laid(ground, grid.part(painted, shown[0], shown[1]), shown[0], shown[1])
    places, parts = [], []
    for own, seen, length in zip(tile, shown, (grid.height, grid.width), strict=True):
        start, stop = max(own.start, OVERLAP), min(own.stop, OVERLAP + length)
        if start >= stop:
            return
        places.append(slice(start - OVERLAP, stop - OVERLAP))
        parts.append(slice(start - seen.start, stop - seen.start))
    pixels = laid[0, :, parts[0], parts[1]].mul(255).round_().clamp_(0, 255).to(torch.uint8)
    into[places[0], places[1]] = pixels.permute(1, 2, 0).numpy()


def _laid(ground: _Ground, painted: Tensor, rows: slice, columns: slice) -> Tensor:
    """A part of the canvas: pieces, with the network's shapes and the photo's colours laid in."""
    cells = ground.cells[..., _units(rows, CELL), _units(columns, CELL)]
    laid = ground.fine[..., rows, columns] + _enlarged(cells, CELL)
    smaller = F.avg_pool2d(laid, 2)
    texture, shapes = _bands(smaller), _bands(F.avg_pool2d(painted, 2))
    colours = ground.colours[..., _units(rows, 2 * CELL), _units(columns, 2 * CELL)]
    result = torch.lerp(texture.pop(), colours, ground.share)
    shapes[-2:] = [ground.forms[..., _units(rows, CELL), _units(columns, CELL)]]
    for weight, energy in zip(ground.weights[::-1], ground.energies[::-1], strict=True):
        own, theirs = texture.pop(), shapes.pop()
        there = weight * _energy(theirs)
        there.div_(there + _energy(own) + max(energy, 1e-9))
        result = _enlarged(result, 2).add_(own).add_((theirs - own).mul_(there))
    laid.add_(_enlarged(result.sub_(smaller), 2))  # the finest detail is the pieces'
    shown = _enlarged(ground.shown[..., _units(rows, 2 * CELL), _units(columns, 2 * CELL)], 2 * CELL)
    return torch.lerp(painted, laid, shown)


def _structure(detail: Tensor) -> Tensor:
    """Where a photo has faces or other fine structure, 0..1, for each place of 16 x 16 pixels. detail: how
    far every pixel is from the colours around it, at half the canvas's size.
    """
    none, full = STRUCTURE
    places = F.avg_pool2d(F.avg_pool2d(detail, CELL), 5, 1, 2, count_include_pad=False)
    level = ((places - none) / (full - none)).clamp_(0, 1)
    return level.square() * (3 - 2 * level)


def _units(pixels: slice, size: int) -> slice:
    return slice(pixels.start // size, pixels.stop // size)


def _floats(pixels: Pixels) -> Tensor:
    return tensor_of(pixels, torch.device("cpu")).float().div_(255)


def _bands(picture: Tensor) -> list[Tensor]:
    """`LEVELS` bands of detail, the finest first, and the colours that are left, each half as large."""
    bands = []
    for _ in range(LEVELS):
        smaller = F.avg_pool2d(picture, 2)
        bands.append(picture - _enlarged(smaller, 2))
        picture = smaller
    return [*bands, picture]


def _enlarged(picture: Tensor, factor: int) -> Tensor:
    return F.interpolate(picture, scale_factor=factor, mode="bilinear", align_corners=False)


def _energy(band: Tensor) -> Tensor:
    """The mean square of the detail around every pixel, [1, 1, h, w]."""
    return F.avg_pool2d(band.square().sum(1, keepdim=True), 5, 1, 2, count_include_pad=False)


def _busy(picture: Tensor) -> Tensor:
    """How far every pixel is from the colours around it, [1, 1, h, w]."""
    around = _enlarged(F.avg_pool2d(picture, 8), 8)
    return (picture - around).square().sum(1, keepdim=True).sqrt()
