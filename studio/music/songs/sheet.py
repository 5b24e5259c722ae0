"""Lead sheets: a form, chords, and a melody over them.

    desk = finish(prepare(recipe, styles))            # what all takes of a request share
    sheet = finish(draw_sheet(desk, seed=5))          # a tune with chords, its sections, and where it comes
    from

What is exact, and what approaches the joint distribution. First the plan. Then rows of chords, each an exact
draw from the chain under its requirements (bars that return by importance resampling, see `harmony.laying`).
Then one of the rows is chosen by Z of the melody over it, the product over its different sections: the
probability mass of all melodies that satisfy every constraint, weighed by how well they lie over these chords
(`singing_weights`). So chords that can be sung well come more often. The melody given the row is exact. The
choice of the row is not: it is importance resampling of `ROWS` rows, which nears p(chords) Z(chords)^s as the
number of rows grows, the sooner the less the weights differ between rows (s is 1 by the earlier rules, which
is the joint distribution p(chords) p(melody) fit(melody, chords), and `SINGING` by today's). By today's rules
the rows are taken, in the same manner, from more of them that are exact draws, by how like the style's their
sections are. `tests/music/songs/test_choice_of_rows.py` enumerates tiny songs.
The melody is drawn section by section as `melody.takes` draws: its constraints hold exactly, and the form
within a section is laid down in steps. A section that returns is the same to the note. What a constraint says
across the seams of sections (copies, words that are avoided) is checked on the whole song, which is drawn
again where it fails.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import partial
from itertools import groupby, pairwise
from typing import Any

import numpy as np

from studio.errors import AskedFor, Contradiction, Refused, WayOut
from studio.music.chains.automata import Listener
from studio.music.chains.clocks import TimedAutomaton
from studio.music.chains.conflicts import explain
from studio.music.chains.markov import Floats, Mask
from studio.music.chains.sampling import (
    Requirement,
    Solution,
    by_period,
    merged,
    possible,
    solve,
    tried,
)
from studio.music.chains.trellis import SearchBudget, TooLarge, Trellis, Walk
from studio.music.harmony.counts import Borrowed, counted_in, shipped_chords, shipped_fit, ships_chords
from studio.music.harmony.fit import Fit
from studio.music.harmony.idiom import HALVINGS, SECTION, HarmonyIdiom, is_minor, learn_harmony, stretch
from studio.music.harmony.keyed import KeyedIdiom
from studio.music.harmony.named import CHORD_STYLES
from studio.music.harmony.recalled import fit_counts_of, learn_or_recall_harmony
from studio.music.melody.compiling import Compiled, Context, compile_constraints
from studio.music.melody.constraints import Constraint, contradiction
from studio.music.melody.form import Bar, FormPlan, Forms, How, Return
from studio.music.melody.recipes import ComposeRecipe, Pin, read_range
from studio.music.melody.takes import (
    Judge,
    Outlook,
    Player,
    Take,
    draw,
    in_bars,
)
from studio.music.scores.keys import Key, KeyAt
from studio.music.scores.meters import Meter
from studio.music.scores.sections import Section
from studio.music.scores.tunes import Tune
from studio.music.songs.character import ReadBar, contrast_figures, melody_figures, steps_over_rests
from studio.music.songs.chording import ChordRequest, DrawnRows, KeptChords
from studio.music.songs.conflicts import SongWishes
from studio.music.songs.copying import CopyLimit
from studio.music.songs.counted import CountedStyle, counted_style, sung_of
from studio.music.songs.endings import SongEnds
from studio.music.songs.habits import SongHabits, habits_of, section_keys, shipped_habits, with_pickup
from studio.music.songs.inferring import SAID, inferred_fit, with_inferred_chords
from studio.music.songs.keeping import Kept
from studio.music.songs.kept_wishes import avoided_in
from studio.music.songs.leading import Leading
from studio.music.songs.limits import check_singable, frame_of, notes_between, syllables_beyond
from studio.music.songs.loops import ChordLoops, Pattern, pattern_of
from studio.music.songs.named import INFERRED, SONG_STYLES
from studio.music.songs.natural import CHOSEN, WORDED, leaning, natural_weights
from studio.music.songs.natural import ROUNDS as LEANING_ROUNDS
from studio.music.songs.plan import SheetPart, SheetPlan
from studio.music.songs.recipes import SongRecipe, named_song, read_section_key
from studio.music.songs.record import SongRecord
from studio.music.songs.rows import LaidRow
from studio.music.songs.rules import (
    DRAWING_RULES,
    EARLIER_RULES,
    chord_names,
    drawing_rules,
    form_rules,
    since,
)
from studio.music.songs.spans import drawn_span, keeping_within
from studio.music.songs.sung import ChordsOver, SungIdiom
from studio.music.songs.sung_words import WORDS, SongWords
from studio.music.styles.originality import Comparison
from studio.music.styles.style import Style

NEAR_TRIES, LARGEST_NEAR = 3, 20_000
"""How often a melody is drawn whose sections lean towards each other, and the events of the largest style in
which they do.
"""

SEAMS = 20
"""How often a melody is drawn again whose sections do not go together."""

JOINS, TORN = 5, 30.0
"""How often a section is drawn by itself that does not go on from those before it, and by how much (a
logarithm) draws of it are avoided that do not, since rules 7.
"""

NEW = 12
"""How often one is drawn again that is as in the earlier song, though a person asked for something new."""

ROUNDS = 3
"""Times that other rows of chords are drawn where none of them has a melody."""

ROWS = 4
"""Rows of chords from which one is chosen by how well it can be sung."""

RHYTHM = 0.7
"""How much the rhythms of another style count."""

NEAR, FAR = 4, 0.5
"""Semitones from one section to the next that cost nothing, and by how much (a logarithm) each more is
avoided.
"""

APART = 0.6
"""By how much a section with words is avoided for each more semitone from a line to the next. A chain that
goes on after a rest hardly knows what was before: without this, one step in seven from line to line of a
sixties song was wider than an octave, and one in fifty is in the songbook.
"""

TURNS = 24
"""Draws of a section that follows itself, from which the notes are taken that it begins and ends near."""

CLOSE, AWAY, BESIDE = 2, 0.8, 0.3
"""The same for the notes that are drawn at a seam, from the rules 5 on: what the other sections leave open is
near to them before it is chosen among few draws.
"""

WIDE, LEAPT = 12, 3.0
"""Semitones of the widest leap in a section that costs nothing, and by how much each wider one is avoided."""

SAME = 8.0
"""By how much (a logarithm) a section is avoided that is the first one of its song over again."""

FEW_SONGS = 12
"""Where so many songs or fewer teach a mode, a melody may not leap octaves to and fro (`CopyLimit.settles`).
What one of so few does once, its chain goes on with: every third minor song of *Songbook manner* did.
"""

VARIANT_TRIES = 6
"""Times that a section is drawn until a variant of it can go on from its beginning."""

SINGING, SINGING_MORE = 0.012, 0.04
"""The power of Z by which one of these rows is chosen, and the same by rules before 12. With it, sections of
the songbook's style had 5.9 different chords, where the style's own have 6.7 and those of today 6.2; as many
tones of the melody are tones of their chords.
"""

BACK = 2
"""How many notes back every step of the melody looks at least."""

LEAST_COPY = 8
"""The copy limit where none is asked for, unless the songs of the style share longer runs with each other."""

MOST_COPY = 24
"""And how far it is loosened where no melody keeps it."""

LARGE_STYLE = 6000
"""Events in a style from which on every step of the melody looks back two notes at least."""

SMALL_BUDGET = SearchBudget(states=1_500_000, steps=6_000_000)

MODULATING, LEADING_IN, REACHING = 1, 2, 3
"""Beside the seed, for random numbers of their own: what is asked later changes no note drawn before."""

RHYMES, RHYMING, OTHER_CHORDS = 8, 0.7, 0.3
"""Forms of a section from which one is taken whose bars return where its chords do; by how much (a logarithm)
it is favoured for each such bar; and how much as much it is avoided for each that returns over others.
"""

PARALLEL, FOUR_BACK = 0.35, 0.6
"""How many of the bars that return to none have the rhythm of an earlier one, and how many of those that of
the bar four before rather than two: phrases are parallel in songs, which their forms alone hardly tell.
"""

LIVELY = (-0.5, 2.5)
"""Between these the logarithm is sought by which notes off the beat are favoured."""

LISTENED = 48
"""Melodies of a section that are drawn at each step of that search."""

FIT, FIT_NOW, FIT_WORDS = 2.0, 3.0, 4.0
"""How much a quarter note over its chord counts: by earlier rules, by today's, and where words lead, which
ask for many short notes. Measured with benchmarks/likeness.py, as is what follows.
"""

READ_BARS = 20_000
"""Bars that were drawn and are kept as they were read."""

RECITED, AT_ONCE = 3.0, 3
"""By how much (a logarithm) a section is avoided for each note that is one more on the same pitch than so
many in a row.
"""

MOST_WITH_WORDS = 12_000
"""Events of a style from which words lead a melody: every syllable is counted at every tick, so larger ones
would take minutes."""

PARTS_LEARNT = (12_000, 6_000)
"""Events that are learnt from where a style is too large to be searched, the next where that is too."""

RESOLVED = Constraint(
    "dissonance",
    lambda _: "that every dissonance on a beat is resolved by step",
    way_out=lambda _: ("Leave dissonances free", "free"),
)
"""What an explanation calls the rule about dissonance. It is no row of the table: melodies have no chords."""


KEPT = Constraint(
    "keep", lambda _: "the bars that are kept of the earlier song", way_out=lambda _: ("Keep no bars", ())
)
"""And the kept bars."""


@dataclass(frozen=True)
class SongStyles:
    """What a song is made from. melody: the style of its notes. chords: one of
    `harmony.named.CHORD_STYLES`; empty where they are those of `lead_sheets`. lead_sheets: the style that the
    recipe names, where its melodies come from another. rhythm: the style of its rhythms, None for the
    melody's own. rules: see `rules.BROUGHT`.
    """

    melody: Style
    chords: str = ""
    lead_sheets: Style | None = None
    rhythm: Style | None = None
    rules: str = DRAWING_RULES

    @classmethod
    def of(
        cls, recipe: SongRecipe, style: Style, melody: Style | None = None, rhythm: Style | None = None
    ) -> SongStyles:
        """The chords that a recipe names; those that go with a style that comes with the studio; those of
        `USUAL_CHORDS` for a style with hardly any. melody, rhythm: where these come from another style.
        """
        rules = drawing_rules(recipe)
        chords = recipe.chords_from
        if not chords and recipe.style in SONG_STYLES:
            chords = SONG_STYLES[recipe.style].chords
        if not chords and since(rules, "2"):
            chords = next((row.chords for row in SONG_STYLES.values() if row.melody == style.name), "")
        if not chords:
            looked_at = range(0, len(style), max(1, len(style) // LOOKED_AT))
            own = sum(map(style.has_chords, looked_at)) * 10 >= len(looked_at)
            chords = "" if own else USUAL_CHORDS
        return cls(melody or style, chords, style if melody is not None else None, rhythm, rules)

    @property
    def _songs(self) -> Style:
        return self.lead_sheets or self.melody

    def borrowed(self, recipe: SongRecipe) -> tuple[str, ...]:
        """What is said of chords that nobody wrote, and where nobody asked for these chords: the style has
        none of its own.
        """
        if self.chords == INFERRED:
            return (SAID,)
        asked = recipe.chords_from or recipe.style in SONG_STYLES
        if asked or self.chords != USUAL_CHORDS:
            return ()
        return (
            f"The tunes of {self._songs.entry.title} have hardly any chords, so those of {self.chords_title} "
            "were taken; let chords be inferred from its own melodies, or choose whose.",
        )

    def from_another_meter(self, meter: Meter, mode: str) -> tuple[str, ...]:
        """What is said of chords that were counted in another meter than the song's."""
        shipped = self.chords and self.chords != INFERRED
        other = counted_in(self.chords, meter, "minor" if is_minor(mode) else "major") if shipped else None
        if other is None:
            return ()
        title = self.chords_title
        return (
            f"{title} has no chords in {meter}; its chords in {other} were taken, for whole and half bars.",
        )

    @property
    def chords_title(self) -> str:
        if self.chords == INFERRED:
            return f"{self._songs.entry.title}, its chords inferred"
        return CHORD_STYLES[self.chords].title if self.chords else self._songs.entry.title

    def harmony(self, meter: Meter, mode: str) -> HarmonyIdiom:
        """The chords in a meter and mode. Raises `Refused` where there are none."""
        if self.chords == INFERRED:
            found = learn_harmony(with_inferred_chords(self._songs, meter, mode), meter, mode)
            found.plain = True
            return found
        if self.chords:
            return shipped_chords(self.chords, meter, mode, earlier=self.rules == EARLIER_RULES)
        return learn_or_recall_harmony(self._songs, meter, mode)

    def know(self, meter: Meter, mode: str) -> bool:
        """Whether chords and rhythms in a meter and mode may be known; where not, a song is refused."""
        mode = "minor" if is_minor(mode) else "major"
        if self.chords and self.chords != INFERRED:
            earlier = self.rules == EARLIER_RULES
            chords = ships_chords(self.chords, meter, mode, earlier=earlier, borrowed=self._borrowed)
        else:
            chords = _has(self._songs, meter, mode)
        return chords and (self.rhythm is None or _has(self.rhythm, meter, mode))

    @property
    def _borrowed(self) -> Borrowed:
        return "bars" if since(self.rules, "12") else "beats" if since(self.rules, "10") else "none"

    def habits(self, harmony: HarmonyIdiom) -> SongHabits:
        """Keys of bridges as in the songs the chords are of, pick-ups as in those of the melodies."""
        shipped = self.chords and self.chords != INFERRED
        keys = shipped_habits(self.chords).section_keys if shipped else section_keys(harmony.lines)
        if isinstance(self.melody, CountedStyle):
            found = shipped_habits(self.melody.name)
        else:
            found = habits_of(self.melody)
        return replace(found, section_keys=keys)

    def loops(self, meter: Meter, mode: str) -> ChordLoops | None:
        """What goes round in the chords; None where it was not counted, and by rules before 6."""
        if not since(self.rules, "6") or self.chords in ("", INFERRED):
            return None
        return ChordLoops.of(shipped_habits(self.chords), f"{meter} {'minor' if is_minor(mode) else 'major'}")

    def local_keys(self, harmony: HarmonyIdiom) -> dict[int, tuple[int, ...]]:
        """The key that is heard in each bar of each song, by its number; of songs with chords of their own
        alone, for a melody says little of its key.
        """
        own = not self.chords and self.lead_sheets is None
        return {line.number: line.tonics for line in harmony.lines} if own else {}

    def ends(self, sung: SungIdiom) -> SongEnds:
        """How songs of the melodies' style end."""
        if isinstance(self.melody, CountedStyle):
            return SongEnds.shipped(self.melody.name, sung)
        return SongEnds.learnt(sung)

    def fit(self) -> Fit:
        """How melodies lie over chords: as in the style, or in songs where it has no chords."""
        if self.chords == INFERRED:
            return inferred_fit()
        own = fit_counts_of(self._songs) if not self.chords else None
        if own is not None and own.own.sum():
            return own.fit()
        earlier = self.rules == EARLIER_RULES
        return shipped_fit(USUAL_CHORDS if earlier else self.chords, earlier=earlier).fit()


def _has(style: Style, meter: Meter, mode: str) -> bool:
    """Whether a style has tunes in a meter, or one that is kin to it, and a mode."""
    if isinstance(style, CountedStyle):
        return style.sings(meter, mode)
    named = zip(style.meters, style.modes, strict=True)
    return any(
        is_minor(its) == (mode == "minor") and stretch(Meter.parse(name), meter) for name, its in named
    )


USUAL_CHORDS = "songbook-manner"
"""Whose chords a style takes when fewer than a tenth of its tunes have any."""

LOOKED_AT = 60
"""How many tunes of a style, spread over it, are asked whether they have chords."""


Views = dict[tuple[int, ...], list["SectionView"]]
"""From rows of chords to the sections of the song over them."""


@dataclass(frozen=True, eq=False)
class OtherMode:
    """What sections are made from that are in major in a song in minor, or in minor in one in major. harmony:
    the chords of the style's songs in that mode, and of the song's own. sung, forms, ends, rhythm: see
    `SheetDesk`.
    """

    harmony: Mapping[bool, HarmonyIdiom]
    sung: SungIdiom
    forms: Forms
    ends: SongEnds | None
    rhythm: Floats | None = None


@dataclass(frozen=True, eq=False)
class SheetDesk:
    """What all takes of a request share.

    recipe: as asked. side: what is asked of the melody, whatever its chords. rules: see `rules.BROUGHT`.
    rhythm: [alphabet], how much more often each event's rhythm is that of another style. remarks: what gave
    way so far. words: those that the melody has to carry, if any.
    loops: what goes round in the chords. span: the lowest and highest note of the song, by its seed. other:
    what sections are sung by that are in the other mode, if any are.
    shared: what `chord_origins.shared_by_songs` found, once it was asked.
    """

    recipe: SongRecipe
    plan: SheetPlan
    chords: ChordRequest
    fit: Fit
    sung: SungIdiom
    side: MelodySide
    forms: Forms
    given: GivenTunes
    chords_title: str
    rules: str = DRAWING_RULES
    rhythm: Floats | None = None
    remarks: tuple[str, ...] = ()
    words: SongWords | None = None
    habits: SongHabits | None = None
    ends: SongEnds | None = None
    loops: ChordLoops | None = None
    span: tuple[int, int] | None = None
    other: OtherMode | None = None
    in_keys: dict[tuple[str, ...], tuple[ChordRequest, Views]] = field(default_factory=dict)
    """What differs where sections are in other keys, by the keys of all sections."""
    own: dict[str, SheetDesk] = field(default_factory=dict)
    """For sections in another key, by that key: see `sung_in`."""
    views: Views = field(default_factory=dict)
    wishes: dict[str, SectionWishes] = field(default_factory=dict)
    clocks: dict[str, list[tuple[TimedAutomaton, str]]] = field(default_factory=dict)
    singable: dict[str, bool] = field(default_factory=dict)
    """What was worked out before: the sections over a row of chords, what is asked of each section, the
    clocks of its words, and whether it has a melody over some chords.
    """
    shared: list[int] = field(default_factory=list)
    heard: dict[tuple[str, str, int], Listener | None] = field(default_factory=dict)
    """See `listened_to_in`: the same one each time, for a search knows what it listens to."""

    @property
    def compiled(self) -> Compiled:
        """The constraints that do not depend on the chords, over the whole song."""
        return self.side.compiled

    @property
    def trellis(self) -> Trellis:
        return self.side.trellis

    @property
    def near(self) -> bool:
        """Whether sections lean towards what they are next to: not in a large style, whose notes are quick,
        since what leads on from one to the other is nearly always as in a tune there.
        """
        events = sum(map(len, self.sung.sequences))
        return since(self.rules, "5") and events < LARGEST_NEAR

    @property
    def fitting(self) -> float:
        """How much a quarter note over its chord counts."""
        if not since(self.rules, "5"):
            return FIT
        return FIT_NOW if self.words is None else FIT_WORDS

    @property
    def limit_holds_longer(self) -> bool:
        """Whether a copy limit that nobody asked for is kept as long as one that was, since rules 13."""
        return since(self.rules, "13") and self.recipe.max_copy is None and self.words is None

    def with_longer_copies(self) -> SheetDesk | None:
        """The same with a longer copy limit; None where one was asked for, or it is long enough."""
        limit = self.compiled.context.max_copy + 4
        if self.recipe.max_copy is not None or limit > MOST_COPY:
            return None
        said = f"No melody over these chords shares fewer notes with the style; up to {limit} were allowed."
        side = MelodySide.of(self.recipe, self.plan, self.sung, limit, self.given)
        return replace(self, side=side, remarks=(*self.remarks, said), views={}, wishes={}, own={})

    def with_keys(self, keys: Mapping[str, Key]) -> SheetDesk:
        """The same with sections in other keys. keys: by their letters."""
        return self.of_plan(self.plan.with_keys(keys))

    def of_plan(self, plan: SheetPlan) -> SheetDesk:
        """The same with the keys of a plan, kept."""
        if plan == self.plan:
            return self
        key = tuple(part.key.short() for part in plan.sections)
        if key not in self.in_keys:
            idiom, take = self.chords.idiom, self.given.take
            if self.other is not None:
                idiom = KeyedIdiom.of(self.other.harmony, plan.keys)
            judged = since(self.rules, "2")
            begun = since(self.rules, "6")
            kept = self.given.kept_chords(self.fit)
            chords = ChordRequest.of(
                self.recipe, plan, idiom, take, kept, judged=judged, loops=self.loops, begun=begun
            )
            self.in_keys[key] = chords, {}
        chords, views = self.in_keys[key]
        return replace(self, plan=plan, chords=chords, views=views, own={})

    def sung_in(self, part: SheetPart) -> SheetDesk:
        """The same for a section in another key: its melody is one of the style in that key. By earlier rules
        it was sung as in the song's own key, whose scale it then rarely left.
        """
        home = not since(self.rules, "4") or self.sung.is_in(part.key)
        if home and not self.windowed:
            return self
        name = "" if home else part.key.short()
        if name not in self.own:
            desk = self if home else self._in_mode_of(part.key)
            sung, limit = desk.sung if home else desk.sung.in_key(part.key), self.compiled.context.max_copy
            side = self.side if home else MelodySide.of(self.recipe, self.plan, sung, limit, self.given)
            self.own[name] = replace(desk, sung=sung, side=side, views={}, wishes={}, clocks={}, own={})
        if not self.windowed:
            return self.own[name]
        within = f"{name} {part.letter}"
        if within not in self.own:
            own = self.own[name]
            side = own.side.within(self, part)
            self.own[within] = replace(own, side=side, views={}, wishes={}, clocks={}, own={})
        return self.own[within]

    def _in_mode_of(self, key: Key) -> SheetDesk:
        """The same with the melodies of that mode, in some key."""
        other = self.other
        if other is None or is_minor(key.mode) == is_minor(self.sung.key.mode):
            return self
        return replace(self, sung=other.sung, forms=other.forms, ends=other.ends, rhythm=other.rhythm)

    @property
    def windowed(self) -> bool:
        """Whether something is asked for in certain bars that is heard over several notes, as a motif is, so
        that each section has to listen for itself.
        """
        several = len(self.plan.sections) > 1
        return several and any(each.when is not None for each in self.compiled.listeners)

    def listened_to_in(self, each: Requirement, part: SheetPart) -> Requirement:
        """What is asked of certain bars, as the section hears it at all its places. What must occur has to
        occur in the section, of those that are drawn, which has the most of these bars.
        """
        heard = each.listener
        if heard is None or heard.when is None or not self.windowed:
            return each
        bar = len(heard.when) // self.plan.bars

        def of(letter: str, bars: int) -> Mask:
            places = [other.first * bar for other in self.plan.sections if other.letter == letter]
            assert heard is not None
            assert heard.when is not None
            found: Mask = np.any([heard.when[at : at + bars * bar] for at in places], axis=0)
            return found

        when = of(part.letter, part.bars)
        if self.compiled.asked[each.name][0].field == "motifs":
            most = max(self.drawn, key=lambda other: int(of(other.letter, other.bars).sum()), default=part)
            when = when & (most.letter == part.letter)
        key = each.name, part.letter, id(heard)
        if key not in self.heard:
            self.heard[key] = replace(heard, when=when) if when.any() else None
        return replace(each, listener=self.heard[key])

    def sung_for(self, letter: str) -> SungIdiom:
        """What a section of that letter is sung by."""
        return self.sung_in(next(part for part in self.plan.sections if part.letter == letter)).sung

    def in_learnt_keys(self, seed: int) -> SheetDesk:
        """The request with its contrasting sections in the keys in which songs have them, by seed."""
        kept = self.given.kept
        if self.recipe.modulation != "learnt" or self.habits is None:
            return self
        if kept is not None and not since(self.rules, "12"):
            return self
        random = np.random.default_rng([seed, MODULATING])
        return self.with_keys(
            {letter: self.habits.key_of(self.plan.key, random) for letter in self.may_change_key}
        )

    @property
    def may_change_key(self) -> list[str]:
        """The letters of the sections that contrast with the first and whose keys nothing settles."""
        named = {letter for letter, _ in map(read_section_key, self.recipe.section_keys)}
        theme, kept = self.plan.sections[0].letter[0], self.given.kept
        stays = kept.letters if kept is not None else frozenset()
        letters = dict.fromkeys(part.letter.rstrip("'") for part in self.plan.sections)
        return [each for each in letters if each != theme and each not in named and each not in stays]

    def with_rhythms(self, seed: int) -> SheetDesk:
        """The same with the rhythms of its words drawn by this seed."""
        words = self.words and self.words.with_seed(seed)
        if words is self.words:
            return self
        return replace(self, words=words, views={}, clocks={}, own={}, in_keys={})

    @property
    def drawn(self) -> list[SheetPart]:
        """The different sections whose melody is drawn; the others are kept whole."""
        whole = self.given.kept.whole if self.given.kept is not None else frozenset()
        return [part for part in different(self.plan.sections) if part.letter not in whole]

    def wishes_of(self, part: SheetPart) -> SectionWishes:
        """What is asked of the melody of a section, whatever its chords."""
        if part.letter not in self.wishes:
            self.wishes[part.letter] = SectionWishes.of(self, part)
        return self.wishes[part.letter]

    def clocks_of(self, part: SheetPart) -> list[tuple[TimedAutomaton, str]]:
        """What the words ask of a section, see `SongWords.clocks`; empty without words."""
        if part.letter not in self.clocks:
            words = self.words
            self.clocks[part.letter] = (
                [] if words is None else words.clocks(part.letter, self.sung, part.bars)
            )
        return self.clocks[part.letter]

    def loosest_clock_of(self, part: SheetPart) -> list[TimedAutomaton]:
        """The last of these alone, which is quicker where the others are not needed."""
        if self.words is None or part.letter in self.clocks:
            return [clock for clock, _ in self.clocks_of(part)[-1:]]
        return self.words.loosest_clock(part.letter, self.sung, part.bars)

    def sections(self, row: Sequence[int]) -> list[SectionView]:
        """The different sections of the song over these chords. Raises nothing where one has no melody: its
        `log_z` says so.
        """
        key = tuple(row)
        if key not in self.views:
            while len(self.views) >= 2 * ROWS:
                del self.views[next(iter(self.views))]
            ticks = {part.letter: self.sung_in(part).sung.tick for part in self.drawn}
            over = {tick: self.chords.over(row, tick) for tick in ticks.values()}
            self.views[key] = [SectionView.of(self, over[ticks[part.letter]], part) for part in self.drawn]
        return self.views[key]


def _in_its_key(melody: ComposeRecipe, plan: SheetPlan, key: Key) -> ComposeRecipe:
    """What is asked of the sections in one key: notes that are pinned in others are left out."""
    own = {bar + 1 for bar, its in enumerate(plan.keys) if _same(its, key)}
    pins = tuple(text for text in melody.pins if Pin.read(text).bar in own)
    told: dict[str, Any] = {"pins": pins}
    told |= {} if _same(plan.keys[0], key) else {"start": None}
    told |= {} if _same(plan.keys[-1], key) else {"end": None}
    return melody.model_copy(update=told)


def _same(one: Key, other: Key) -> bool:
    """Whether two keys have the same tonic and third."""
    return (one.tonic, is_minor(one.mode)) == (other.tonic, is_minor(other.mode))


def _keys_of(plan: SheetPlan) -> set[tuple[int, bool]]:
    """The different keys of a song, as `_same` tells them apart."""
    return {(each.tonic, is_minor(each.mode)) for each in plan.keys}


def different(sections: Sequence[SheetPart]) -> list[SheetPart]:
    """Each section the first time it comes."""
    found: dict[str, SheetPart] = {}
    for section in sections:
        found.setdefault(section.letter, section)
    return list(found.values())


@dataclass(frozen=True, eq=False)
class SectionWishes:
    """What is asked of the melody of a section in its own bars, whatever its chords: requirements that have
    to hold, that only lean, and that songs usually keep.
    """

    hard: tuple[Requirement, ...]
    soft: tuple[Requirement, ...]
    usual: tuple[Requirement, ...]

    @classmethod
    def of(cls, desk: SheetDesk, part: SheetPart) -> SectionWishes:
        compiled, bar, walk = desk.compiled, desk.sung.bar, desk.trellis.walk
        places = tuple(each.first for each in desk.plan.sections if each.letter == part.letter)
        final = part.letter == desk.plan.sections[-1].letter

        def inside(wishes: Sequence[Requirement]) -> tuple[Requirement, ...]:
            return tuple(in_section(each, places, part.bars * bar, bar, walk) for each in wishes)

        usual = [each for each in compiled.usual if final or not each.ending]
        return cls(inside(compiled.hard), inside(compiled.soft), inside(usual))


@dataclass(frozen=True, eq=False)
class SectionView:
    """A section of a song over its chords: everything that is asked of its melody, in its own bars.

    places: the first bars (from 0) at which it is played. hard, soft, usual: requirements. rule: the name of
    the one about dissonance. log_z: of its melody. alike: which of its bars have the same chords, from
    rules 6 on.
    """

    part: SheetPart
    places: tuple[int, ...]
    hard: tuple[Requirement, ...]
    soft: tuple[Requirement, ...]
    usual: tuple[Requirement, ...]
    log_z: float
    remarks: tuple[str, ...]
    alike: Pattern | None = None

    @classmethod
    def of(cls, desk: SheetDesk, over: ChordsOver, part: SheetPart) -> SectionView:
        desk = desk.sung_in(part)
        places = tuple(each.first for each in desk.plan.sections if each.letter == part.letter)
        bar, sung = desk.sung.bar, desk.sung
        here = over.part(part.first, part.bars)
        lying = sung.lying_by_bars(here, desk.fit, desk.fitting)
        if since(desk.rules, "10"):
            lying = lying * sung.strange_by_bars(here)
        weight = Requirement("the chords", weight=lying if desk.rhythm is None else lying * desk.rhythm)
        wishes = desk.wishes_of(part)
        hard, soft, usual = list(wishes.hard), list(wishes.soft), list(wishes.usual)
        if desk.recipe.dissonance == "resolved":
            hard.append(Requirement(RESOLVED.name(None), allowed=sung.resolving_by_bars(here)))
        if part.first == 0 and desk.chords.begins_at_once:
            usual.append(sung.beginning(part.bars))
        closing: list[Requirement] = []
        if part.letter == desk.plan.sections[-1].letter:
            closing = [sung.closing(part.bars, degrees) for degrees in ((0, 4, 7, 3), (0,))]
        remarks: list[str] = []
        base = merged(desk.trellis, part.bars * bar, [*hard, *soft, weight])
        if desk.words is not None:
            carried, said, holds = _carrying(desk, part, base, [*usual, *closing])
            hard, base, remarks = [*hard, *carried], [*base, *carried], said
            if not holds:
                return cls(part, places, tuple(hard), (*soft, weight), tuple(usual), -np.inf, ())
            if since(desk.rules, "8") and (room := desk.words.room(part.letter, sung, part.bars)) is not None:
                usual.append(room)
        found = None
        while found is None and (usual or closing):
            found = tried(desk.trellis, part.bars * bar, [*base, *usual, *closing])
            if found is None:
                given_up = closing.pop() if closing else usual.pop()
                remarks.append(f"Your settings rule out {given_up.name}.")
        found = found or solve(desk.trellis, part.bars * bar, base)
        usual += closing
        alike = pattern_of(here.rows) if since(desk.rules, "6") else None
        whole = tuple(hard), (*soft, weight), tuple(usual)
        return cls(part, places, *whole, found.log_z, tuple(remarks), alike)

    def outlook(
        self,
        desk: SheetDesk,
        more: Requirement | None,
        like: int,
        first: Sequence[Bar] | None = None,
        *,
        ending: Requirement | None = None,
        seams: Seams | None = None,
        near: bool = False,
        joins: Joins | None = None,
    ) -> Outlook:
        """What the melody engine needs. more: bars that are settled. like: the tune whose gait is taken.
        first: the first section of the song, for one that comes after it. ending: of the song. seams: what it
        should go on near to. near: what is drawn leans there; the nearest are chosen anyway. joins: see
        `judge_of`.
        """
        context = Context(
            desk.sung, desk.compiled.context.walk, self.part.bars, max_copy=desk.compiled.context.max_copy
        )
        hard = (*self.hard, *(each for each in (more, ending) if each is not None))
        told = {"form": "learnt", "bars": self.part.bars, "keep": (), "tempo": int(desk.sung.usual_tempo)}
        melody = desk.side.melody.model_copy(update=told)
        compiled = replace(desk.compiled, context=context, hard=hard, soft=self.soft, usual=self.usual)
        alike = self.alike if desk.words is None else None  # the lines of words have rhythms of their own
        forms = SectionForms(desk.forms, desk.plan, self.part, like, alike)
        if more is not None and since(desk.rules, "2"):
            forms.settled = True
        forms.ended = ending is not None
        if seams is not None and near:
            compiled = replace(compiled, soft=(*self.soft, seams.leaning(desk.sung, self.part.bars)))
        if desk.span is not None:
            reach = keeping_within(desk.span, desk.sung, self.part.bars)
            compiled = replace(compiled, soft=(*compiled.soft, reach))
        judge = judge_of(desk.sung, first, seams, joins) if since(desk.rules, "2") else None
        whole = melody, context, desk.trellis, compiled, self.usual, self.log_z, self.remarks, forms
        if not since(desk.rules, "9"):
            return Outlook(*whole, judge)
        return Outlook(*whole, judge, partial(desk.sung.keeps, notes=context.max_copy), sets_aside=True)


@dataclass(frozen=True)
class Seams:
    """What a section is next to. before: the last pitches of the sections it follows. after: the first
    pitches of those that follow it. itself: it follows itself somewhere. near: semitones that cost nothing.
    lines: it is sung in lines, each of which begins near where the one before ended.
    """

    before: tuple[int, ...] = ()
    after: tuple[int, ...] = ()
    itself: bool = False
    near: int = NEAR
    lines: bool = False

    @classmethod
    def of(cls, desk: SheetDesk, letter: str, takes: Mapping[str, Take]) -> Seams:
        """takes: of the sections that were drawn."""
        before: list[int] = []
        after: list[int] = []
        letters = [part.letter for part in desk.plan.sections]
        edges = {name: _edges(desk.sung_for(name), take) for name, take in takes.items()}
        for one, other in pairwise(letters):
            if other == letter and one in edges:
                before.append(edges[one][1])
            if one == letter and other in edges:
                after.append(edges[other][0])
        near = CLOSE if desk.near else NEAR
        itself, lines = (letter, letter) in set(pairwise(letters)), desk.words is not None
        return cls(tuple(before), tuple(after), itself, near, lines and since(desk.rules, "9"))

    def leaning(self, sung: SungIdiom, bars: int) -> Requirement:
        """[bars, alphabet]: a section of so many bars begins and ends near what it is next to."""
        weight = np.ones((bars, sung.alphabet))
        begins = sung.struck & (sung.place == 0)
        ends = sung.sounding & (sung.place + sung.ticks == sung.bar)
        for bar, at_edge, others in ((0, begins, self.before), (bars - 1, ends, self.after)):
            # Where a rest is at the edge, it is another note of that bar that counts: any of them a little.
            strength = AWAY * np.where(at_edge, 1.0, np.where(sung.struck, BESIDE, 0.0))
            for other in others:
                away = np.maximum(0, np.abs(sung.pitch - other) - CLOSE)
                weight[bar] *= np.exp(-strength * away)
        return Requirement("the sections beside it", weight=weight)

    def cost(self, section: Sequence[ReadBar]) -> float:
        """How much a section is to be avoided: a step from section to section is seldom a leap."""
        pitches = [pitch for bar in section for pitch in bar.pitches]
        if not pitches:
            return 0.0
        steps = [pitches[0] - each for each in self.before] + [each - pitches[-1] for each in self.after]
        steps += [pitches[0] - pitches[-1]] if self.itself else []
        wide = sum([abs(b - a) > WIDE for a, b in pairwise(pitches)])
        cost = FAR * sum(max(0, abs(step) - self.near) for step in steps) + LEAPT * wide
        if self.near == CLOSE:
            runs = [len(list(run)) for _, run in groupby(pitches)]
            cost += RECITED * sum(max(0, run - AT_ONCE) for run in runs)
        if self.lines:
            cost += APART * sum(max(0, abs(step) - NEAR) for step in steps_over_rests(section))
        return cost


def _edges(sung: SungIdiom, take: Take) -> tuple[int, int]:
    """The first and last pitch of a take."""
    pitches = _pitches(sung, take)
    return (pitches[0], pitches[-1]) if pitches else (60, 60)


Joins = Callable[[Sequence[Sequence[int]]], Mask]
"""Of each of many draws of a section, as symbols: whether it keeps all constraints together with what it is
next to.
"""


def judge_of(
    sung: SungIdiom,
    first: Sequence[Bar] | None,
    seams: Seams | None = None,
    joins: Joins | None = None,
) -> Judge:
    """Tells how often each of many draws of a section should be taken, so that sections are like those of the
    style. first: the first section of the song, for one that comes after it. seams: what it is next to.
    joins: draws of which this does not hold are taken only where there are no others.
    """

    known = sung.read_bars
    begun = [ReadBar.of(bar, sung.bar) for bar in first or ()]
    heard = [each for bar in begun for each in bar.heard]

    def read(bar: tuple[int, ...]) -> ReadBar:
        if bar not in known:
            if len(known) >= READ_BARS:
                known.clear()
            known[bar] = ReadBar.of([sung.events[symbol] for symbol in bar], sung.bar, bar)
        return known[bar]

    def judge(drawn: Sequence[Sequence[tuple[int, ...]]]) -> Floats:
        sections = [[read(bar) for bar in bars] for bars in drawn]
        logs = sung.character.alone.log_weights([melody_figures(each, sung.bar) for each in sections])
        if first is not None:
            figures = [contrast_figures(begun, each) for each in sections]
            logs = logs + sung.character.beside.log_weights(figures)
            # A section with another ending is to have one.
            again = [[each for bar in bars for each in bar.heard] == heard for bars in sections]
            logs = logs - SAME * np.array(again)
        if seams is not None:
            logs = logs - np.array([seams.cost(each) for each in sections])
        if joins is not None:
            logs = logs - TORN * ~joins([[symbol for bar in bars for symbol in bar] for bars in drawn])
        found: Floats = np.exp(logs - logs.max())
        return found

    return judge


def _carrying(
    desk: SheetDesk,
    part: SheetPart,
    others: Sequence[Requirement],
    usual: Sequence[Requirement],
) -> tuple[list[Requirement], list[str], bool]:
    """What the words of a section ask of its melody, as much of it as the others leave room for, what gave
    way, and whether there is a melody. usual: what gives way before the words do.
    """
    asked = [
        (Requirement(WORDS.name(part.letter), clock=clock), said) for clock, said in desk.clocks_of(part)
    ]
    ticks = part.bars * desk.sung.bar

    def holds(*more: Requirement) -> bool:
        return tried(desk.trellis, ticks, [*others, *more]) is not None

    whole = [requirement for requirement, said in asked if not said]  # with held syllables, and without
    for requirement in whole:
        if holds(requirement, *usual):
            return [requirement], [], True  # its solution is asked for next: nothing is worked out twice
    for requirement in whole:
        if holds(requirement):
            return [requirement], [], True
    last = [requirement for requirement, _ in asked[-1:]]
    if asked and not holds(*last):
        gentle = [replace(each, clock=each.clock.gentle()) for each in last if each.clock is not None]
        return gentle, [said for _, said in asked[-1:]], holds(*gentle)
    for requirement, said in asked[len(whole) : -1]:
        if holds(requirement):
            return [requirement], [said], True
    return last, [said for _, said in asked[-1:] if said], True


def in_section(each: Requirement, places: Sequence[int], ticks: int, bar: int, walk: Walk) -> Requirement:
    """A requirement on the whole song as one on a section that is played at these places: all of what holds
    at any of them.
    """

    def part(whole: Any) -> Any:
        if whole is None:
            return None
        rows = [whole[place * bar : place * bar + ticks] for place in places]
        found = rows[0]
        for row in rows[1:]:
            found = found & row if found.dtype == bool else found * row
        return by_period(walk, found)

    return replace(each, allowed=part(each.allowed), weight=part(each.weight))


class SectionForms(Forms):
    """The forms of a style for one section of a song: what returns within it, where it closes, and what is
    played at its place in the song.

    settled: the section begins like an earlier one, and what is new in it returns to nothing. ended: how it
    closes is known.
    """

    settled = ended = False

    def __init__(
        self, forms: Forms, song: SheetPlan, part: SheetPart, like: int, alike: Pattern | None = None
    ) -> None:
        """alike: which bars have the same chords; None for a plan whatever the chords."""
        self._forms, self._song, self._part, self._like, self._alike = forms, song, part, like, alike

    def plan(self, bars: int, random: np.random.Generator) -> FormPlan:
        final = self._part.letter == self._song.sections[-1].letter
        tries = 1 if self._alike is None else RHYMES
        plans = [self._forms.section(bars, random, final=final) for _ in range(tries)]
        logs = RHYMING * np.array([self._rhymes(plan) for plan in plans], dtype=np.float64)
        weights = np.exp(logs - logs.max())
        plan = plans[0 if tries == 1 else int(random.choice(tries, p=weights / weights.sum()))]
        if self._alike is not None:
            plan = replace(plan, returns=(*plan.returns, *self._rhythms(plan, random)))
        if self.ended:
            plan = replace(plan, closes=tuple(close for close in plan.closes if close.bar < bars - 1))
        return replace(plan, returns=()) if self.settled else plan

    def _rhymes(self, plan: FormPlan) -> float:
        """Bars that return over the chords they had, and less for each that returns over others."""
        if self._alike is None:
            return 0
        back = [each for each in plan.returns if each.how in (How.EXACT, How.OPENING)]
        same = sum(self._alike[each.bar] == self._alike[each.of] for each in back)
        return same - OTHER_CHORDS * (len(back) - same)

    def _rhythms(self, plan: FormPlan, random: np.random.Generator) -> Iterator[Return]:
        """Bars that have the rhythm of the bar two or four before, of those that return to none."""
        known = {each.bar for each in plan.returns}
        for bar in range(2, plan.bars - 1):
            back = 4 if bar >= 4 and random.random() < FOUR_BACK else 2
            if random.random() < PARALLEL and bar not in known:
                yield Return(bar, bar - back, How.RHYTHM)

    def weights(self, bars: int, strength: float = 1.0) -> Floats:
        whole = self._forms.weights(self._song.bars, strength)
        return whole[self._part.first : self._part.first + bars]

    def gait(self, plan: FormPlan) -> Floats:
        return self._forms.gait(replace(plan, like=self._like) if self._like >= 0 else plan)


@dataclass(frozen=True, eq=False)
class Sheet:
    """A lead sheet that was drawn.

    row: its chords, by their numbers in the idiom. takes: the melody of each different section, by letter.
    log_z: of the melody over these chords. remarks: what gave way, in sentences. run: (chords, first event,
    line) of the longest row of chords that is as in the style. chord_limit: the copy limit it keeps. pickup:
    notes before the first bar. led: the numbers, among the notes that sound, of those that words begin on
    before their sections.
    """

    tune: Tune
    sections: tuple[Section, ...]
    plan: SheetPlan
    row: tuple[int, ...]
    takes: Mapping[str, Take]
    log_z: float
    remarks: tuple[str, ...]
    run: tuple[int, int, int]
    chord_limit: int
    pickup: int = 0
    led: tuple[int, ...] = ()


def prepare(
    recipe: SongRecipe, styles: SongStyles, given: GivenTunes | None = None
) -> Generator[str, None, SheetDesk]:
    """Learn from the styles and compile what is asked for. Yields what it is about to do.

    Raises `Contradiction` and `Refused` as `melody.takes.consider` does.
    """
    desk = yield from considered(recipe, styles, given)
    return with_habits(desk, styles)


def considered(
    recipe: SongRecipe, styles: SongStyles, given: GivenTunes | None = None
) -> Generator[str, None, SheetDesk]:
    """The same without what the style's songs usually do (`with_habits`), which makes no difference to what
    is possible.
    """
    meter, key, in_common = frame_of(recipe, styles)
    plan = plan_of(recipe, key)
    given = (given or GivenTunes()).placed(recipe, plan)
    plan = given.kept.plan if given.kept is not None else plan
    rules = drawing_rules(recipe)
    words = SongWords.leading(recipe, plan, rules=rules)
    yield f"learning chords from {styles.chords_title}"
    harmony = styles.harmony(meter, key.mode)
    modes = {is_minor(key.mode): harmony}
    other = next((each for each in plan.keys if is_minor(each.mode) not in modes), None)
    if other is not None:
        _check_other_mode(recipe, styles, meter, other)
        modes[is_minor(other.mode)] = styles.harmony(meter, other.mode)
    fit = styles.fit()
    judged = since(rules, "2")
    loops = styles.loops(meter, key.mode)
    begun = since(rules, "6")
    kept = given.kept_chords(fit)
    idiom = KeyedIdiom.of(modes, plan.keys)
    chords = ChordRequest.of(recipe, plan, idiom, given.take, kept, judged=judged, loops=loops, begun=begun)
    tonics = styles.local_keys(harmony) if since(rules, "5") else None
    sung, side = yield from _learnt(recipe, styles, plan, given, words, (meter, key, tonics))
    laid = LaidRow.of(recipe)
    remarks = (*filter(None, (laid.remark, in_common)), *styles.borrowed(recipe))
    remarks += styles.from_another_meter(meter, key.mode)
    if sung.unheard:
        led = "The words lead a melody" if words is not None else "The melody is"
        said = led + " learnt from {} of the style's {} songs, spread over it."
        remarks += (said.format(sung.song_count, sung.song_count + sung.unheard),)
    yield "learning the form"
    forms = sung.forms()
    in_other = None
    if other is not None:
        heard = styles.local_keys(modes[is_minor(other.mode)]) if since(rules, "5") else None
        its, _ = yield from _learnt(recipe, styles, plan, given, words, (meter, other, heard))
        ends = styles.ends(its) if since(rules, "4") else None
        remarks += tuple(each for each in styles.from_another_meter(meter, other.mode) if each not in remarks)
        in_other = OtherMode(modes, its, its.forms(), ends)
        if styles.rhythm is not None:
            its_rhythm = rhythm_weights(its, sung_of(styles.rhythm, meter, other, recipe.order))
            in_other = replace(in_other, rhythm=its_rhythm)
    rhythm = None
    if styles.rhythm is not None:
        rhythm = rhythm_weights(sung, sung_of(styles.rhythm, meter, key, recipe.order))
    if rules == "3" and words is None:
        lively = lively_weights(sung, side, forms)
        rhythm = lively if rhythm is None else rhythm * lively
    return SheetDesk(
        *(recipe, plan, chords, fit, sung, side, forms, given, styles.chords_title),
        rules=rules,
        rhythm=rhythm,
        remarks=remarks,
        words=words,
        ends=styles.ends(sung) if since(rules, "4") else None,
        loops=loops,
        other=in_other,
    )


def _check_other_mode(recipe: SongRecipe, styles: SongStyles, meter: Meter, key: Key) -> None:
    """Raises `Contradiction` where the styles have no songs in the mode of a section, with styles that do."""
    mode = "minor" if is_minor(key.mode) else "major"
    if _has(styles.melody, meter, mode) and styles.know(meter, mode):
        return

    def has(name: str) -> bool:
        row = SONG_STYLES[name]
        sings = not row.counted or counted_style(row.melody).sings(meter, mode)
        return sings and ships_chords(row.chords, meter, mode)

    others = [name for name in SONG_STYLES if has(name)]
    letters = [
        text.partition("=")[0].strip() for text in recipe.section_keys if read_section_key(text)[1] == key
    ]
    kept = tuple(text for text in recipe.section_keys if read_section_key(text)[1] != key)
    which = f"section {letters[0]}" if letters else "a section"
    choice = f"; choose another key for it, or a style that has some: {', '.join(others)}." if others else "."
    raise Contradiction(
        f"{styles.melody.entry.title} has no songs in {meter} and {mode}, and {which} is asked for in "
        f"{key.short()}{choice}",
        [AskedFor("section_keys", list(recipe.section_keys), f"the key {key.short()} of {which}")],
        [
            WayOut("Leave it in the song's key", "section_keys", list(kept)),
            *(WayOut(f"Take the style {SONG_STYLES[name].title}", "style", name) for name in others),
        ],
    )


def _learnt(
    recipe: SongRecipe,
    styles: SongStyles,
    plan: SheetPlan,
    given: GivenTunes,
    words: SongWords | None,
    asked: tuple[Meter, Key, Mapping[int, Sequence[int]] | None],
) -> Generator[str, None, tuple[SungIdiom, MelodySide]]:
    """The melodies of the style, and what is asked of the song's. Of a style too large to be searched, as
    one of long melodies is, a part is learnt from.
    """
    meter, key, tonics = asked
    title, rules = styles.melody.entry.title, drawing_rules(recipe)
    most = MOST_WITH_WORDS if since(rules, "3") and words is not None else None
    parts = [most, *(part for part in PARTS_LEARNT if most is None or part < most)]
    for part in parts:
        yield f"learning the melody from {'a part of ' if part != most else ''}{title}"
        variants = since(rules, "2")
        sung = sung_of(styles.melody, meter, key, recipe.order, variants=variants, most=part, tonics=tonics)
        check_singable(recipe, plan, sung, words)
        usual_copy = max(LEAST_COPY, Comparison(styles.melody, title).max_copy)
        yield "finding every possible way"
        try:
            return sung, MelodySide.of(recipe, plan, sung, recipe.max_copy or usual_copy, given)
        except TooLarge:
            if isinstance(styles.melody, CountedStyle):
                break
    raise Refused(
        f"The melodies of {title} go on in too many ways to be searched with all that is asked; ask for "
        "fewer bars or constraints, or choose another style."
    )


def with_habits(desk: SheetDesk, styles: SongStyles) -> SheetDesk:
    """The desk with what songs of the style do beside their chords and melodies, where it is asked for, and
    with what `natural_rhythm` finds, since rules 4, unless its rhythms are those of another style.
    """
    if _has_habits(desk.recipe, desk.words):
        harmony = (
            desk.chords.idiom if desk.other is None else desk.other.harmony[is_minor(desk.plan.key.mode)]
        )
        desk = replace(desk, habits=styles.habits(harmony))
    if not since(desk.rules, "4") or desk.rhythm is not None:
        return desk
    home = [part for part in desk.drawn if is_minor(part.key.mode) == is_minor(desk.sung.key.mode)]
    if desk.other is not None and len(home) < len(desk.drawn):
        part = next(part for part in desk.drawn if part not in home)
        rhythm = natural_rhythm(desk.sung_in(part), styles.chords, part)
        desk = replace(desk, other=replace(desk.other, rhythm=rhythm), own={})
    return replace(desk, rhythm=natural_rhythm(desk, styles.chords, next(iter(home), None)))


def _has_habits(recipe: SongRecipe, words: SongWords | None) -> bool:
    """Whether what songs do beside their chords and melodies is asked for."""
    leads = words is not None and any(words.leads)
    return recipe.modulation != "none" or recipe.pickup != "none" or leads


def natural_rhythm(desk: SheetDesk, chords: str, part: SheetPart | None) -> Floats | None:
    """[alphabet]: what `natural` says. chords: the name of chords that come with the studio, or "". part: the
    first section that is drawn. Of a style with songs it is found for that, over a row of chords that is
    possible; None where there is none.
    """
    sung = desk.sung
    if isinstance(sung.style, CountedStyle):
        return leans_of(sung, chords, worded=desk.words is not None, rules=desk.rules)
    solved = desk.chords.solver(1) if part is not None else None
    if part is None or solved is None:
        return None
    bars = min(part.bars, SECTION)
    clocks = [
        next((clock for clock, _ in each.clocks_of(part)), None) if bars == part.bars else None
        for each in map(desk.with_rhythms, range(LEANING_ROUNDS))
    ]
    worded = clocks[0] is not None
    trellis, usual = desk.side.free(sung), desk.forms.weights(bars)
    rows = solved([]).sample(LEANING_ROUNDS, np.random.default_rng(0))

    def ways(weights: Floats, number: int) -> Solution:
        row = [int(symbol) for symbol in rows[number] if symbol >= 0]
        over = desk.chords.over(row, sung.tick).part(part.first, bars)
        notes = sung.lying_by_bars(over, desk.fit, desk.fitting) * usual * weights
        more = [Requirement("notes", weight=notes)]
        more += [Requirement("words", clock=clocks[number])] if worded else []
        if desk.recipe.dissonance == "resolved":
            more.append(Requirement(RESOLVED.name(None), allowed=sung.resolving_by_bars(over)))
        return solve(trellis, bars * sung.bar, more)

    if not since(desk.rules, "5"):
        return natural_weights(sung, desk.forms, ways, leaves_alone=worded)
    marks = WORDED if worded else None
    return natural_weights(sung, desk.forms, ways, marks=marks, chosen=CHOSEN)


def leans_of(sung: SungIdiom, chords: str, *, worded: bool, rules: str = DRAWING_RULES) -> Floats | None:
    """[alphabet]: what the counts of a style say of its melodies over these chords. Those that were found for
    songs by some rules count from these on.
    """
    leans = shipped_habits(sung.style.name).leans
    found_for = [] if worded else [each for each in ("9", "6") if since(rules, each)]
    for name in (f"{chords} {sung.meter} major", f"{sung.style.name} {sung.meter} major"):
        now = (leans.get(f"{name} by rules {each}") for each in found_for)
        logs = (leans.get(f"{name} with words") if worded else None) or next(filter(None, now), None)
        logs = logs or leans.get(name)
        if logs is not None:
            return leaning(sung, np.array(logs), leaves_alone=worded)
    return None


def lively_weights(sung: SungIdiom, side: MelodySide, forms: Forms) -> Floats:
    """[alphabet]: by how much notes off the beat are favoured, so that melodies have as many as the style.

    A copy limit forbids mostly what goes on in quick notes, for a run of eight is over sooner there. What is
    left holds longer notes, and syncopations and upbeats within the bar get lost: in the songbook 9 % of the
    notes under a limit of eight are off the beat, and 27 % in its songs.
    """
    beat = int(sung.meter.beat / sung.tick)
    off = sung.struck & (sung.place % beat != 0)
    counts = forms._counts * sung.struck
    wanted = float(counts[off].sum() / max(1.0, counts.sum()))
    random = np.random.default_rng(0)
    play = sung.player(side.compiled.context.max_copy)
    low, high = LIVELY
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        weight = np.tile(np.exp(middle * off), (SECTION, 1))
        asked = [Requirement("notes off the beat", weight=weight)]
        try:
            found = solve(side.free(sung), SECTION * sung.bar, asked)
        except Refused:
            return np.ones(sung.alphabet)
        if not found.feasible:
            return np.ones(sung.alphabet)
        struck = [symbol for row in play(found, LISTENED, random) for symbol in row if sung.struck[symbol]]
        low, high = (low, middle) if off[struck].mean() > wanted else (middle, high)
    favoured: Floats = np.exp((low + high) / 2 * off)
    return favoured


def rhythm_weights(sung: SungIdiom, other: SungIdiom) -> Floats:
    """[alphabet]: how much more often what begins at that place in the bar has that length, tie or silence in
    another style, to the power of `RHYTHM`.
    """

    def shares(idiom: SungIdiom) -> tuple[dict[Any, float], dict[Any, float]]:
        here: dict[Any, float] = {}
        at: dict[Any, float] = {}
        for symbol, often in enumerate(idiom.forms()._counts):
            place = Fraction(int(idiom.place[symbol])) * idiom.tick
            kind = (
                place,
                Fraction(int(idiom.ticks[symbol])) * idiom.tick,
                bool(idiom.pitch[symbol] >= 0),
                bool(idiom.carries[symbol]),
            )
            here[kind] = here.get(kind, 0.0) + float(often)
            at[place] = at.get(place, 0.0) + float(often)
        return here, at

    (own, own_at), (its, its_at) = shares(sung), shares(other)
    starts, others = max(1.0, sum(own_at.values())), max(1.0, sum(its_at.values()))
    found = np.ones(sung.alphabet)
    for symbol in range(sung.alphabet):
        place = Fraction(int(sung.place[symbol])) * sung.tick
        length = Fraction(int(sung.ticks[symbol])) * sung.tick
        kind = (place, length, bool(sung.pitch[symbol] >= 0), bool(sung.carries[symbol]))
        here = (own.get(kind, 0.0) + 1.0) / starts
        there = (its.get(kind, 0.0) + 1.0) / others
        found[symbol] = (there / here) ** RHYTHM
    return found


def plan_of(recipe: SongRecipe, key: Key) -> SheetPlan:
    """The sections of the song in this key. Raises `Refused` as `SheetPlan.of` does."""
    keys = dict(read_section_key(text) for text in recipe.section_keys)
    return SheetPlan.of(recipe.form, LaidRow.of(recipe).bars, key, keys, form_rules(recipe))


@dataclass(frozen=True)
class GivenTunes:
    """The tunes a recipe brings: the take that bars are kept from, the theme, and the records of earlier
    songs. kept: what of these is kept, once the plan is known.
    """

    take: Tune | None = None
    theme: Tune | None = None
    records: tuple[SongRecord, ...] = ()
    kept: Kept | None = None

    def placed(self, recipe: SongRecipe, plan: SheetPlan) -> GivenTunes:
        """With what is kept in the bars of this plan."""
        return replace(self, kept=Kept.of(recipe, plan, self.records))

    def kept_chords(self, fit: Fit) -> KeptChords | None:
        """What is kept, as far as chords are concerned."""
        if self.kept is None:
            return None
        chords = frozenset(self.kept.chords)
        return KeptChords(self.kept.tune, chords, frozenset(self.kept.melody) - chords, fit)


@dataclass(frozen=True, eq=False)
class MelodySide:
    """Everything that is asked of the melody of a song, whatever its chords.

    melody: the part of the recipe that the melody engine reads. back: how many notes back every step looks at
    least.
    """

    melody: ComposeRecipe
    compiled: Compiled
    trellis: Trellis
    back: int

    def within(self, desk: SheetDesk, part: SheetPart) -> MelodySide:
        """The same for one section, with what it has to listen for. desk: of the whole song."""
        hard = tuple(desk.listened_to_in(each, part) for each in self.compiled.hard)
        compiled = replace(self.compiled, hard=hard)
        context = compiled.context
        assert isinstance(context.idiom, SungIdiom)
        trellis = context.idiom.trellis(context.walk, compiled.listeners, SMALL_BUDGET)
        return replace(self, compiled=compiled, trellis=trellis)

    def free(self, sung: SungIdiom) -> Trellis:
        """The trellis with the copy limit alone of what a person asks."""
        copies = (self.copies,) if self.copies is not None else ()
        return sung.trellis(self.compiled.context.walk, copies, SMALL_BUDGET)

    @property
    def copies(self) -> Listener | None:
        """What keeps the copy limit."""
        rows = self.compiled.asked
        return next(
            (one.listener for one in self.compiled.hard if rows[one.name][0].field == "max_copy"), None
        )

    @classmethod
    def of(
        cls, recipe: SongRecipe, plan: SheetPlan, sung: SungIdiom, max_copy: int, given: GivenTunes
    ) -> MelodySide:
        """In a small style every step looks back one note at least, in a larger one two: the more it looks
        back, the smaller the search, and the fewer the ways. Where that is still too large, three.
        """
        melody = melody_recipe_of(recipe, plan)
        if given.kept is not None:
            melody = melody.model_copy(update={"keep": (), "pins": (*melody.pins, *given.kept.pins)})
        if since(drawing_rules(recipe), "4") and len(_keys_of(plan)) > 1:
            melody = _in_its_key(melody, plan, sung.key)
        backs = ((1,) if sum(map(len, sung.sequences)) < LARGE_STYLE else ()) + (BACK, BACK + 1)
        for back in backs:
            context = Context(sung, sung.walk(back), plan.bars, given.take, given.theme, max_copy)
            compiled = _with_kept_bars(compile_constraints(context, melody), sung, given.kept, recipe)
            try:
                trellis = sung.trellis(context.walk, compiled.listeners, SMALL_BUDGET)
            except TooLarge:
                if back == backs[-1]:
                    raise
                continue
            return cls(melody, compiled, trellis, back)
        raise AssertionError


def _with_kept_bars(compiled: Compiled, sung: SungIdiom, kept: Kept | None, recipe: SongRecipe) -> Compiled:
    """The constraints and the bars that are kept of an earlier song."""
    if kept is None or not kept.melody:
        return compiled
    name = KEPT.name(None)
    row = KEPT, list(recipe.keep or recipe.keep_sections)
    alone = since(drawing_rules(recipe), "4")
    hard = (*compiled.hard, Requirement(name, allowed=kept.mask(sung, its_key_alone=alone)))
    return replace(compiled, hard=hard, asked={**compiled.asked, name: row})


def melody_recipe_of(recipe: SongRecipe, plan: SheetPlan) -> ComposeRecipe:
    """The part of a song's recipe that the melody engine reads."""
    fields = {
        name: getattr(recipe, name)
        for name in ComposeRecipe.model_fields
        if name not in ("kind", "model", "setting", "sources")
    }
    return ComposeRecipe(**(fields | {"form": plan.letters, "bars": plan.bars, "key": plan.key.short()}))


def draw_sheet(desk: SheetDesk, seed: int) -> Generator[str, None, Sheet]:
    """One lead sheet. Raises `Contradiction` where no melody satisfies everything over any row of chords."""
    random = np.random.default_rng(seed)
    desk = desk.with_rhythms(seed).in_learnt_keys(seed)
    if since(desk.rules, "6") and desk.recipe.range is None and desk.words is None:
        desk = replace(desk, span=drawn_span(desk.sung, np.random.default_rng([seed, REACHING])))
    yield "drawing chords"
    drawn, desk, logs = yield from rows_that_sing(desk, random)
    yield "drawing the melody"
    tries = same = 0
    while True:
        row = chosen_row(drawn.rows, logs, random, desk.rules)
        near = tries < NEAR_TRIES and desk.near
        takes = yield from _sections_drawn(desk, desk.sections(row), random, near=near)
        holds = takes is not None and _all_hold(desk, takes)
        whole = _sheet(desk, row, takes, seed) if takes is not None and holds else None
        if whole is not None and desk.given.kept is not None:
            whole = None if avoided_in(desk.recipe, desk.given.kept, whole.tune) else whole
        sheet = _led_in(desk, whole, seed) if whole is not None else None
        if sheet is not None and takes is not None:
            if same == NEW or not since(desk.rules, "5") or not _as_before(desk, takes):
                break
            same += 1
            continue
        tries += JOINS if since(desk.rules, "7") else 1
        if tries % SEAMS:
            continue
        wider = desk.with_longer_copies()
        if wider is None:
            raise Contradiction(
                "These settings hold in every section, but not from one section to the next; choose another "
                "seed, or leave the copy limit or a motif out."
            )
        desk = wider
    return _with_pickup(desk, replace(sheet, chord_limit=drawn.limit), seed)


def _as_before(desk: SheetDesk, takes: Mapping[str, Take]) -> bool:
    """Whether all that was drawn is as in the earlier song, of which a person kept the rest."""
    record = next(iter(desk.given.records), None)
    if record is None or not takes:
        return False
    starts = {bar.number: bar.start for bar in record.tune.bars()}
    for letter in takes:
        first, bars = next(((at, count) for name, at, count in record.sections if name == letter), (-1, 0))
        if first not in starts:
            return False
        start, end = starts[first], starts[first] + bars * desk.sung.meter.bar_length
        known = [(n.start - start, n.pitch) for n in record.tune.sounding if start <= n.start < end]
        own = desk
        if desk.other is not None:
            own = desk.sung_in(next(part for part in desk.plan.sections if part.letter == letter))
        if known != [(tick * own.sung.tick, pitch) for tick, pitch in _struck(own, letter, takes)]:
            return False
    return True


def _with_pickup(desk: SheetDesk, sheet: Sheet, seed: int) -> Sheet:
    """The sheet with notes that lead into its first bar, where they are asked for."""
    asked, habits = desk.recipe.pickup, desk.habits
    if asked == "none" or habits is None or sheet.led:
        return sheet
    if desk.words is not None:
        said = "There is no pick-up, for the words begin on the beat; let the melody come first for one."
        return replace(sheet, remarks=(*sheet.remarks, said))
    random = np.random.default_rng([seed, LEADING_IN])
    if asked == "learnt" and random.random() * max(1, habits.songs) >= habits.begun:
        return sheet
    limit = desk.compiled.context.max_copy
    low, high = desk.sung.range if desk.recipe.range is None else _range_of(desk.recipe)

    def fits(line: Sequence[int]) -> bool:
        new = len(line) - len(sheet.tune.sounding)
        return all(low <= pitch <= high for pitch in line[:new]) and desk.sung.keeps_line(line, limit)

    tune = with_pickup(sheet.tune, habits, fits, random, plain=since(desk.rules, "5"))
    if tune is None:
        said = "No pick-up of the style leads to the first note, so there is none."
        return replace(sheet, remarks=(*sheet.remarks, said))
    return replace(sheet, tune=tune, pickup=len(tune.notes) - len(sheet.tune.notes))


def _led_in(desk: SheetDesk, sheet: Sheet, seed: int) -> Sheet | None:
    """The sheet with the notes on which words begin before their sections; None where no notes can."""
    if desk.words is None or not any(desk.words.leads) or desk.habits is None:
        return sheet
    low, high = desk.sung.range if desk.recipe.range is None else _range_of(desk.recipe)
    if since(desk.rules, "8"):  # what is drawn already is no fault of the notes that lead to it
        pitches = [note.pitch for note in sheet.tune.sounding if note.pitch is not None]
        low, high = min([low, *pitches]), max([high, *pitches])
    limit = desk.compiled.context.max_copy
    leading = Leading(
        desk.words,
        desk.habits,
        lambda line: min(line) >= low and max(line) <= high and desk.sung.keeps_line(line, limit),
        resolved=desk.recipe.dissonance == "resolved",
        kept=desk.given.kept,
    )
    random = np.random.default_rng([seed, LEADING_IN])
    found = leading.into(sheet.tune, sheet.sections, random)
    return None if found is None else replace(sheet, tune=found[0], led=found[1])


def _range_of(recipe: SongRecipe) -> tuple[int, int]:
    low, high = read_range(recipe.range or "")
    return low, high


def singing_weights(logs: Floats, rules: str = DRAWING_RULES) -> Floats:
    """[rows]: how often each row of chords is taken. logs: log Z of the melody over each.

    By the earlier rules in proportion to Z, which is p(chords) p(melody) fit(melody, chords). In it a row
    that hardly moves wins by twenty nats, for the fit of a note over a chord is no probability of either, and
    songs come out duller than the style's. By today's in proportion to Z^`SINGING`: chords come about as
    often as in the style, and those that hardly any melody lies over seldom.
    """
    power = 1.0 if rules == EARLIER_RULES else SINGING if since(rules, "12") else SINGING_MORE
    found: Floats = np.exp(power * (logs - logs.max()))
    return found


def chosen_row(
    rows: Sequence[list[int]], logs: Floats, random: np.random.Generator, rules: str = DRAWING_RULES
) -> list[int]:
    """One of these rows, by `singing_weights` of `logs`.

    With rows that were drawn independently this is importance resampling (Rubin, "The SIR algorithm", 1988):
    the more rows there are, the nearer the choice is to p(row) times the weight.
    """
    weights = singing_weights(logs, rules)
    return rows[int(random.choice(len(rows), p=weights / weights.sum()))]


def rows_that_sing(
    desk: SheetDesk, random: np.random.Generator
) -> Generator[str, None, tuple[DrawnRows, SheetDesk, Floats]]:
    """Rows of chords of which one at least has a melody, the desk with what gave way for it, and log Z
    of the melody over each row. Raises `Contradiction` where none has.
    """
    fitted = False
    wordy = any(map(partial(_more_syllables_than_notes, desk), desk.drawn))
    while True:
        for _ in range(ROUNDS):
            drawn = _rows_drawn(desk, random)
            yield "trying which chords can be sung"
            if wordy or (drawn.rows and _without_any_melody(desk, drawn.rows[0])):
                break
            logs = np.array([sum(view.log_z for view in desk.sections(row)) for row in drawn.rows])
            if np.isfinite(logs).any():
                if drawn.limit > desk.chords.max_copy:
                    said = f"No chords share fewer in a row with a song; up to {drawn.limit} were allowed."
                    desk = replace(desk, remarks=(*desk.remarks, said))
                return drawn, desk, logs
            if desk.chords.settled is not None or desk.words is not None:
                break  # other chords hardly change what words ask for
        nothing = wordy or _without_any_melody(desk, drawn.rows[0])
        if not (nothing or fitted) and desk.limit_holds_longer:
            # As where a person asked for the limit: before it gives way, chords are looked for that keep it.
            yield "looking for chords that can be sung"
            fitted = True
            if (other := SongWishes.of(desk).fitted()) is not None:
                said = "Few rows of chords have a melody that keeps the copy limit; these were fitted to one."
                desk = replace(other, remarks=(*desk.remarks, said))
                continue
        wider = None if nothing else desk.with_longer_copies()
        if wider is None:
            yield "finding out which settings conflict"
            wishes = _without_conflict(desk)
            if not fitted and (other := wishes.fitted()) is not None:
                said = "Few rows of chords have a melody with these settings; these were fitted to one."
                desk, fitted = replace(other, remarks=(*desk.remarks, said)), True
                continue
            views = desk.sections(drawn.rows[0])
            raise _melody_contradiction(desk, next(view for view in views if view.log_z == -np.inf))
        desk = wider


def _without_conflict(desk: SheetDesk) -> SongWishes:
    """All that is asked for. Raises `Contradiction` where that was found to conflict."""
    if (found := _syllables_beyond(desk)) is not None:
        raise found
    wishes = SongWishes.of(desk)
    if (found := wishes.contradiction()) is not None:
        raise found
    return wishes


def sings(desk: SheetDesk, random: np.random.Generator) -> bool:
    """Whether a song was found that does all that is asked, in one round of rows of chords."""
    if not all(has_a_melody(desk, part) for part in desk.drawn):
        return False
    rows = _rows_drawn(desk, random).rows
    return any(all(view.log_z > -np.inf for view in desk.sections(row)) for row in rows)


def _without_any_melody(desk: SheetDesk, row: Sequence[int]) -> bool:
    """Whether a section that has no melody over this row of chords has none over others either, whatever may
    be copied. It is quick to find out, for without the copy limit there are few states.
    """
    return any(view.log_z == -np.inf and not has_a_melody(desk, view.part) for view in desk.sections(row))


def has_a_melody(whole: SheetDesk, part: SheetPart) -> bool:
    """Whether a section has a melody whatever its chords and without a copy limit; True where that is not
    known.
    """
    if part.letter not in whole.singable and _more_syllables_than_notes(whole, part):
        whole.singable[part.letter] = False
    if part.letter not in whole.singable:
        desk = whole.sung_in(part)
        asked = [each for each in desk.wishes_of(part).hard if each.listener is not desk.side.copies]
        asked += [Requirement("words", clock=clock.gentle()) for clock in desk.loosest_clock_of(part)]
        listeners = tuple(each.listener for each in asked if each.listener is not None)
        try:
            trellis = desk.sung.trellis(desk.compiled.context.walk, listeners, SMALL_BUDGET)
            found = possible(trellis, part.bars * desk.sung.bar, asked, budget=SMALL_BUDGET)
        except Refused:
            found = True
        whole.singable[part.letter] = found
    return whole.singable[part.letter]


def _more_syllables_than_notes(whole: SheetDesk, part: SheetPart) -> bool:
    """Whether the words of a section have more syllables than any melody of it has notes, whatever else is
    asked. It takes a moment, where a search of all ways to sing so many takes seconds.
    """
    if whole.words is None:
        return False
    desk = whole.sung_in(part)
    asked = sum(line.notes for line in whole.words.lines.get(part.letter.rstrip("'"), ()))
    try:
        trellis = desk.sung.trellis(desk.compiled.context.walk, (), SMALL_BUDGET)
    except Refused:
        return False
    return asked > notes_between(trellis, part.bars, desk.sung.struck)[1] >= 1


def _syllables_beyond(desk: SheetDesk) -> Contradiction | None:
    """The first section whose words have more syllables than any melody has notes, or fewer."""
    for part in desk.drawn if desk.words is not None else ():
        own = desk.sung_in(part)
        notes = notes_between(own.trellis, part.bars, own.sung.struck)
        title = desk.sung.style.entry.title
        assert desk.words is not None
        if (found := syllables_beyond(desk.words, part, desk.plan, title, notes)) is not None:
            return found
    return None


def _rows_drawn(desk: SheetDesk, random: np.random.Generator) -> DrawnRows:
    """Rows of chords. Where there are none, the error names the fewest wishes of the whole request."""
    try:
        return desk.chords.rows(ROWS, random)
    except Contradiction as error:
        raise (SongWishes.of(desk).contradiction() or error) from None


def _sections_drawn(
    desk: SheetDesk, views: Sequence[SectionView], random: np.random.Generator, *, near: bool
) -> Generator[str, None, dict[str, Take] | None]:
    """A take of each different section; since rules 7 None where one of them does not go on from those before
    it. near: each begins and ends near what it is next to. One with a prime begins as the section it is a
    variant of; where no variant can go on from that beginning, that section is drawn again.
    """
    takes: dict[str, Take] = {}
    like = -1
    for place, view in enumerate(views):
        letter, plain = view.part.letter, view.part.letter.rstrip("'")
        variants = [each for each in takes if each.rstrip("'") == plain]
        again = next((each for each in views[:place] if variants == [plain] == [each.part.letter]), None)
        for attempt in reversed(range(VARIANT_TRIES if again is not None else 1)):
            try:
                found = yield from _section_joined(desk, view, takes, like, random, near=near)
                break
            except Refused:
                if again is None or not attempt:
                    raise
                others = {name: kept for name, kept in takes.items() if name != plain}
                takes[plain] = yield from _section_drawn(desk, again, others, like, random, near=near)
        if found is None:
            return None
        if found.plan is not None and like < 0 and desk.sung_in(view.part).forms is desk.forms:
            like = found.plan.like
        takes[letter] = found
    return takes


def _section_joined(
    desk: SheetDesk,
    view: SectionView,
    takes: Mapping[str, Take],
    like: int,
    random: np.random.Generator,
    *,
    near: bool,
) -> Generator[str, None, Take | None]:
    """A take of one section that goes on from those before it; None where none of a few does. By earlier
    rules it is the first one, and all sections are drawn again where they do not go together.
    """
    if not since(desk.rules, "7"):
        return (yield from _section_drawn(desk, view, takes, like, random, near=near))
    for attempt in range(JOINS):
        leaning = near and attempt < NEAR_TRIES
        take = yield from _section_drawn(desk, view, takes, like, random, near=leaning)
        if _goes_on(desk, {**takes, view.part.letter: take}):
            return take
    return None


def _goes_on(desk: SheetDesk, takes: Mapping[str, Take]) -> bool:
    """Whether the sections drawn so far keep all constraints wherever they follow each other."""
    symbols = {letter: take.symbols for letter, take in takes.items()}
    return all(_joined_hold(run) for run in _runs_of(desk, symbols))


def _joins_of(desk: SheetDesk, letter: str, takes: Mapping[str, Take]) -> Joins:
    """Whether draws of a section go together with what it is next to, of the sections drawn so far."""
    known = {name: list(take.symbols) for name, take in takes.items() if name != letter}
    desks = {part.letter: desk.sung_in(part) for part in desk.plan.sections}
    pairs = [
        pair
        for pair in dict.fromkeys(pairwise(part.letter for part in desk.plan.sections))
        if letter in pair and all(name == letter or name in known for name in pair)
    ]

    def joins(drawn: Sequence[Sequence[int]]) -> Mask:
        found: Mask = np.ones(len(drawn), dtype=bool)
        for one, other in pairs:
            before, after = (drawn if name == letter else [known[name]] * len(drawn) for name in (one, other))
            if desks[one] is desks[other]:
                lines = [[*first, *second] for first, second in zip(before, after, strict=True)]
                found &= _each_holds(desks[one], lines)
                continue
            found &= [
                _joined_hold([(desks[one], list(first)), (desks[other], list(second))])
                for first, second in zip(before, after, strict=True)
            ]
        return found

    return joins


def _runs_of(
    desk: SheetDesk, symbols: Mapping[str, Sequence[int]]
) -> list[list[tuple[SheetDesk, list[int]]]]:
    """The sections of which these are the symbols, those together that follow each other in the song, each
    with the desk of its key.
    """
    runs: list[list[tuple[SheetDesk, list[int]]]] = [[]]
    for part in desk.plan.sections:
        if part.letter in symbols:
            runs[-1].append((desk.sung_in(part), list(symbols[part.letter])))
        elif runs[-1]:
            runs.append([])
    return [run for run in runs if run]


def _joined_hold(run: Sequence[tuple[SheetDesk, list[int]]]) -> bool:
    """Whether sections that follow each other keep all constraints. Each stretch in one key is heard alone,
    and the copy limit over the whole line of notes.
    """
    stretches: list[tuple[SheetDesk, list[int]]] = []
    line: list[int] = []
    for own, symbols in run:
        line += [int(own.sung.pitch[symbol]) for symbol in symbols if own.sung.struck[symbol]]
        if stretches and stretches[-1][0] is own:
            stretches[-1][1].extend(symbols)
        else:
            stretches.append((own, list(symbols)))
    first = run[0][0]
    whole = len(stretches) == 1 or _keeps_line(first, line, first.compiled.context.max_copy)
    return whole and all(_holds(own, symbols) for own, symbols in stretches)


def _section_drawn(
    desk: SheetDesk,
    view: SectionView,
    takes: Mapping[str, Take],
    like: int,
    random: np.random.Generator,
    *,
    near: bool,
) -> Generator[str, None, Take]:
    """A take of one section. takes: of those before it. like: the tune whose gait is taken, or -1.
    near: see `_sections_drawn`.
    """
    letter, plain = view.part.letter, view.part.letter.rstrip("'")
    whole, desk = desk, desk.sung_in(view.part)
    like = like if desk.forms is whole.forms else -1
    more = None
    if letter != plain and plain in takes:
        same = view.part.bars - max(1, view.part.bars // 4)
        context = Context(desk.sung, desk.compiled.context.walk, view.part.bars)
        bars = in_bars(desk.sung, takes[plain].symbols)[:same]
        begins = context.whole_bars(0, [symbol for bar in bars for symbol in bar])
        more = Requirement(f"section {letter} begins as {plain}", allowed=begins)
    if letter != plain and since(desk.rules, "2"):
        more = _with_another_ending(desk, view, more, _struck(desk, plain, takes))
    likened = plain if plain in takes else next(iter(takes), None)
    first = _events(whole, likened, takes[likened]) if likened is not None else None
    player = _player(whole, view.part, takes)
    ending = seams = None
    if since(desk.rules, "4"):
        seams = Seams.of(whole, letter, takes)
        if letter == desk.plan.sections[-1].letter:
            ending = _song_end(desk, view, more, random)
    if seams is not None and seams.itself and near:
        seams = _going_round(desk, view, [each for each in (more, ending) if each is not None], seams, random)
    joins = _joins_of(whole, letter, takes) if since(desk.rules, "7") else None
    outlook = view.outlook(desk, more, like, first, ending=ending, seams=seams, near=near, joins=joins)
    return (yield from draw(outlook, int(random.integers(2**31)), player))


def _player(desk: SheetDesk, part: SheetPart, takes: Mapping[str, Take]) -> Player:
    """Who draws a section: since rules 9 one that keeps the copy limit over the seams to those that were
    drawn.
    """
    sung, limit = desk.sung_in(part).sung, desk.compiled.context.max_copy
    if not since(desk.rules, "9") or desk.recipe.copy_by != "interval":
        return sung.player(limit)
    known = {letter: tuple(_pitches(desk.sung_for(letter), take)) for letter, take in takes.items()}
    order = [each.letter for each in desk.plan.sections]
    few = since(desk.rules, "13") and sung.song_count <= FEW_SONGS
    return replace(CopyLimit.of(sung, limit, order, part.letter, known), settles=few).player()


def _pitches(sung: SungIdiom, take: Take) -> list[int]:
    return [int(sung.pitch[symbol]) for symbol in take.symbols if sung.struck[symbol]]


def _going_round(
    desk: SheetDesk,
    view: SectionView,
    more: Sequence[Requirement],
    seams: Seams,
    random: np.random.Generator,
) -> Seams:
    """The same for a section that follows itself, and now ends near where it begins: where both are, is taken
    from a few draws of the section.
    """
    asked = [*view.hard, *view.soft, *view.usual, *more]
    solution = tried(desk.trellis, view.part.bars * desk.sung.bar, asked)
    if solution is None:
        return seams
    edges = []
    for row in solution.sample(TURNS, random).tolist():
        pitches = [int(desk.sung.pitch[symbol]) for symbol in row if symbol >= 0 and desk.sung.struck[symbol]]
        edges += [(pitches[0], pitches[-1])] if pitches else []
    if not edges:
        return seams
    costs = np.array([max(0, abs(first - last) - CLOSE) for first, last in edges])
    weights = np.exp(-FAR * costs)
    first, last = edges[int(random.choice(len(edges), p=weights / weights.sum()))]
    return replace(seams, before=(*seams.before, last), after=(*seams.after, first))


def _song_end(
    desk: SheetDesk, view: SectionView, more: Requirement | None, random: np.random.Generator
) -> Requirement | None:
    """The last note of the song, as the style has it; None where no melody leads to one that was tried."""
    ticks = view.part.bars * desk.sung.bar
    base = [*view.hard, *view.soft, *view.usual, *([more] if more is not None else [])]
    if desk.ends is None:
        return None
    strong = since(desk.rules, "6")
    for ending in desk.ends.on_strong_beats(desk.sung, random) if strong else desk.ends.drawn(random):
        found = SongEnds.requirement(ending, desk.sung, view.part.bars)
        if found.allowed is not None and tried(desk.trellis, ticks, [*base, found]) is not None:
            return found
    return None


def _struck(desk: SheetDesk, letter: str, takes: Mapping[str, Take]) -> list[tuple[int, int]]:
    """(tick in it, pitch) of every note of a section that was drawn or is kept."""
    sung, kept = desk.sung, desk.given.kept
    found: list[tuple[int, int]] = []
    if letter in takes:
        tick = 0
        for symbol in takes[letter].symbols:
            if sung.struck[symbol]:
                found.append((tick, int(sung.pitch[symbol])))
            tick += int(sung.ticks[symbol])
    elif kept is not None and letter in kept.whole:
        part = next(each for each in desk.plan.sections if each.letter == letter)
        here = Fraction(0)
        for note in kept.section_tune(part):
            if note.pitch is not None:
                found.append((int(here / sung.tick), note.pitch))
            here += note.duration
    return found


def _with_another_ending(
    desk: SheetDesk, view: SectionView, begins: Requirement | None, notes: Sequence[tuple[int, int]]
) -> Requirement | None:
    """The same, and that one note of the last quarter of a section is another than in these: the first that
    can be; as it is where none can. notes: (tick, pitch) of the section of which this is a variant.
    """
    sung, ticks = desk.sung, view.part.bars * desk.sung.bar
    asked = [*view.hard, *view.soft, *view.usual]
    same = (view.part.bars - max(1, view.part.bars // 4)) * sung.bar
    everything = np.ones((ticks, sung.alphabet), dtype=bool)
    for tick, pitch in notes:
        if not same <= tick < ticks:
            continue
        allowed = (everything if begins is None or begins.allowed is None else begins.allowed).copy()
        allowed[tick] &= sung.pitch != pitch
        found = Requirement(f"another ending of section {view.part.letter}", allowed=allowed)
        if tried(desk.trellis, ticks, [*asked, found]) is not None:
            return found
    return begins


def _stretches_drawn(desk: SheetDesk, takes: Mapping[str, Take]) -> list[list[int]]:
    """The melody between sections that are kept whole, as symbols."""
    found: list[list[int]] = [[]]
    for part in desk.plan.sections:
        if part.letter in takes:
            found[-1] += takes[part.letter].symbols
        elif found[-1]:
            found.append([])
    return [symbols for symbols in found if symbols]


def _events(desk: SheetDesk, letter: str, take: Take) -> list[Bar]:
    """A take of a section bar by bar."""
    sung = desk.sung_for(letter)
    return [tuple(sung.events[symbol] for symbol in bar) for bar in in_bars(sung, list(take.symbols))]


def _all_hold(desk: SheetDesk, takes: Mapping[str, Take]) -> bool:
    """Whether the song keeps all constraints across the seams of its sections. Where sections are in other
    keys, each stretch in one key is heard alone, and the copy limit over the whole line of notes.
    """
    if len({desk.sung_for(part.letter).key.tonic for part in desk.plan.sections}) == 1 and desk.other is None:
        return all(_holds(desk, symbols) for symbols in _stretches_drawn(desk, takes)) and (
            not desk.windowed or _holds_in_bars(desk, takes)
        )
    line: list[int] = []
    stretches: list[tuple[SheetDesk, list[int]]] = []
    for part in desk.plan.sections:
        own = desk.sung_in(part)
        if part.letter not in takes:
            continue
        symbols = takes[part.letter].symbols
        line += [int(own.sung.pitch[symbol]) for symbol in symbols if own.sung.struck[symbol]]
        if stretches and stretches[-1][0] is own:
            stretches[-1][1].extend(symbols)
        else:
            stretches.append((own, list(symbols)))
    limit = desk.compiled.context.max_copy
    return _keeps_line(desk, line, limit) and all(_holds(own, symbols) for own, symbols in stretches)


def _keeps_line(desk: SheetDesk, line: Sequence[int], limit: int) -> bool:
    """Whether a line of pitches keeps the copy limit, by the songs of each mode that the song has."""
    sungs = [desk.sung, *([desk.other.sung] if desk.other is not None else [])]
    return all(sung.keeps_line(line, limit) for sung in sungs)


def _holds_in_bars(desk: SheetDesk, takes: Mapping[str, Take]) -> bool:
    """Whether what is asked of certain bars holds there in the whole song, where all of it was drawn."""
    if any(part.letter not in takes for part in desk.plan.sections):
        return True  # see `kept_wishes.avoided_in`
    symbols = [symbol for part in desk.plan.sections for symbol in takes[part.letter].symbols]
    ticks = [0, *np.cumsum(desk.sung.ticks[symbols])[:-1].tolist()]
    heard = [each for each in desk.compiled.listeners if each.when is not None]
    return all(each.refused_at(symbols, ticks) is None for each in heard)


def _holds(desk: SheetDesk, symbols: Sequence[int]) -> bool:
    """Whether the automata of all constraints accept the song, or a stretch of it."""
    return bool(_each_holds(desk, [symbols])[0])


def _each_holds(desk: SheetDesk, lines: Sequence[Sequence[int]]) -> Mask:
    """The same of each of many."""
    limit = desk.compiled.context.max_copy
    found: Mask = np.array([desk.sung.keeps(line, limit) for line in lines], dtype=bool)
    for listener in desk.compiled.listeners:
        if listener.when is None and found.any():
            heard = listener.viewpoint.letters_of([list(line) for line in lines])
            found &= listener.automaton.accepts_each(heard)
    return found


def _sheet(desk: SheetDesk, row: Sequence[int], takes: Mapping[str, Take], seed: int) -> Sheet:
    plan, recipe, sung = desk.plan, desk.recipe, desk.sung
    chords = desk.chords.idiom.chords(
        row,
        plan.keys,
        Fraction(0),
        [section.first for section in plan.sections],
        names=chord_names(desk.rules),
    )
    tempo = recipe.tempo or sung.usual_tempo
    after = SONG_STYLES[recipe.style].title if recipe.style in SONG_STYLES else sung.style.entry.title
    title = recipe.title or named_song(recipe.model_copy(update={"seed": seed}), after)
    kept = desk.given.kept
    moved = any(desk.sung_in(section) is not desk for section in plan.sections)
    if not moved and (kept is None or not kept.whole):
        symbols = [s for part in plan.sections for s in takes[part.letter].symbols]
        tune = sung.tune(symbols, title=title, tempo=float(tempo))
    else:
        tune = _joined_tune(desk, takes, title, float(tempo))
    if kept is not None:
        chords, tune = kept.chords_in(chords), replace(tune, words=kept.words())
    ends = tuple((section.first + section.bars) * sung.meter.bar_length for section in plan.sections)
    views = desk.sections(row)
    return Sheet(
        replace(tune, chords=chords, phrase_ends=ends),
        tuple(Section(each.letter, each.first + 1, each.bars) for each in plan.sections),
        plan,
        tuple(row),
        dict(takes),
        sum(view.log_z for view in views),
        tuple(dict.fromkeys([*desk.remarks, *(remark for view in views for remark in view.remarks)])),
        desk.chords.idiom.longest_run(row),
        desk.chords.max_copy,
    )


def _joined_tune(desk: SheetDesk, takes: Mapping[str, Take], title: str, tempo: float) -> Tune:
    """The sections that were drawn and those that are kept whole, one after the other."""
    kept, sung = desk.given.kept, desk.sung
    notes: list[tuple[int | None, Fraction]] = []
    for part in desk.plan.sections:
        known = kept.section_tune(part) if kept is not None and part.letter in kept.whole else ()
        if not known:
            known = desk.sung_in(part).sung.tune(takes[part.letter].symbols).notes
        notes += [(note.pitch, note.duration) for note in known]
    tune = Tune.of(notes, meter=sung.meter, key=desk.plan.key, title=title, tempo=tempo)
    if not since(desk.rules, "4"):
        return tune
    home = KeyAt(Fraction(0), desk.plan.key)
    keys = [KeyAt(part.first * sung.meter.bar_length, part.key) for part in desk.plan.sections]
    changes = [other for one, other in pairwise([home, *keys]) if other.key != one.key]
    return replace(tune, keys=(home, *(each for each in changes if each.start)))


def _melody_contradiction(desk: SheetDesk, view: SectionView) -> Contradiction:
    """Why a section has no melody: the fewest constraints that conflict, the rule about dissonance among
    them.
    """
    walk, ticks = desk.compiled.context.walk, view.part.bars * desk.sung.bar
    title = desk.sung.style.entry.title
    conflict = explain(walk, ticks, view.hard, build=desk.sung.trellis, checks=60)
    if conflict is None:
        return Contradiction(f"{title} has no melody with these settings; leave some of them out.")
    asked = {**desk.compiled.asked, RESOLVED.name(None): (RESOLVED, "resolved")}
    asked[WORDS.name(view.part.letter)] = (WORDS, view.part.letter)
    return contradiction(conflict, replace(desk.compiled, asked=asked), desk.recipe, title, desk.side.back)
