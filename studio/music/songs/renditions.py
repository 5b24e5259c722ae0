"""Renditions of songs: as `melody.renditions`, and a song with a band is written as the band plays it;
besides, each part alone, the stems of its sound, and pages to print.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import ZIP_STORED, ZipFile, ZipInfo

from studio.errors import Missing, Refused, UnknownName
from studio.music.melody.recipes import ComposeRecipe
from studio.music.melody.renditions import PAGES, Renditions
from studio.music.scores.sections import Section
from studio.music.sound.faders import Faders
from studio.music.writing.formats import by_name
from studio.works.work import Work

if TYPE_CHECKING:
    from collections.abc import Callable

    from studio.music.scores.performance import Performance
    from studio.music.songs.keeping import KeptBand
    from studio.music.songs.playing import PlayedSong
    from studio.music.songs.recipes import SongRecipe
    from studio.music.songs.record import SongRecord
    from studio.works.formats import Format
    from studio.works.gallery import Gallery
    from studio.works.reads import ReadsWorks
    from studio.works.recipe import Recipe

STEM_RATE = 24_000
"""Samples a second of the stems that the mixer plays, as many as it keeps (`app/js/mixer.js`)."""

MIXER_GAIN = 2.6
"""What the mixer multiplies all stems by (`LIFT` in `app/js/mixer.js`)."""

LEAD, SCORE = "lead", "score"
"""What can be written of a song beside its parts."""


class SongRenditions(Renditions):
    """Renditions of the songs and melodies of a gallery, each made once.

    recording: a file that a work was recorded to, for works that came with one. Such a song is played by the
    band of its recording, and its sound need not be made.
    """

    def __init__(
        self, gallery: ReadsWorks, recording: Callable[[Work], Path | None] = lambda _work: None
    ) -> None:
        super().__init__(gallery)
        self._recording = recording
        self._inside = lru_cache(maxsize=8)(_recipe_inside)
        self._played = lru_cache(maxsize=8)(self._played_of)

    def song_recipe(self, work: Work) -> SongRecipe:
        """The recipe of a song. Raises `Refused` for another kind of work."""
        from studio.music.songs.recipes import SongRecipe
        from studio.works.recipe import parse_json

        if not is_song(work):
            raise Refused(f"{work.title!r} is not a song; choose a song from the gallery.")
        recorded = self._recording(work)
        recipe = parse_json(SongRecipe, work.recipe_json if recorded is None else self._inside(recorded))
        assert isinstance(recipe, SongRecipe)
        return recipe

    def file(self, work: Work, form: Format, *, tempo: int | None = None, instrument: str = "") -> Path:
        """As for a melody; what was recorded is not rendered again."""
        recorded = self._recording(work)
        if recorded is not None and recorded.suffix == form.suffix and tempo is None and not instrument:
            return recorded
        return super().file(work, form, tempo=tempo, instrument=instrument)

    def begin_sound(self, work: Work) -> None:
        """As for a melody; nothing is to be done for a work that was recorded."""
        if self._recording(work) is None:
            super().begin_sound(work)

    def recipe(self, work: Work) -> ComposeRecipe:
        """The recipe of a song or melody."""
        return self.song_recipe(work) if is_song(work) else super().recipe(work)

    def score(self, work: Work, page: str = "wide", *, origins: bool = False) -> Path:
        """As for a melody; the lead sheet of a song has the letters of its sections."""
        from studio.music.writing.engraving import engrave

        sections = sections_of_work(work) if is_song(work) and not origins else ()
        if not sections:
            return super().score(work, page, origins=origins)
        width, staff = PAGES[page]
        tune = replace(self.tune(work), title="", composer="")
        letters = {section.first_bar: section.name for section in sections}

        def sheet() -> bytes:
            return engrave(
                tune, width=width, staff=staff, whole_tempo=True, names=True, letters=letters, lines="shown"
            )

        self.begin_sound(work)
        return self._kept(work, f"sheet-11-{page}.svg", sheet)

    def heard_as(self, work: Work) -> Format:
        """A song is heard as MP3, which is small enough to keep for many of them."""
        return by_name("mp3") if is_song(work) else super().heard_as(work)

    def _written(self, work: Work, recipe: ComposeRecipe) -> bytes:
        from studio.music.songs.playing import file_of
        from studio.music.songs.recipes import SongRecipe

        if not isinstance(recipe, SongRecipe):
            return super()._written(work, recipe)
        tune = self.tune(work)
        if recipe.tempo is not None and recipe.tempo != self.recipe(work).tempo:
            tune = replace(tune, tempo=float(recipe.tempo))
        return file_of(tune, sections_of_work(work), recipe, self._kept_band(work, recipe))

    def _kept_band(self, work: Work, recipe: SongRecipe) -> KeptBand | None:
        """What its band keeps of an earlier song."""
        from studio.music.scores.keys import Key
        from studio.music.songs.keeping import Kept
        from studio.music.songs.sheet import plan_of
        from studio.music.songs.song import records_of

        if not recipe.band or not (recipe.keeps_more or recipe.keep):
            return None
        records = records_of(recipe, self.gallery.read_source)
        if not records or recipe.source("melody") is not None:
            return None
        key = Key.parse(recipe.key) if recipe.key else self.tune(work).key
        kept = Kept.of(recipe, plan_of(recipe, key), records)
        return kept.of_band() if kept is not None else None

    def played(self, work: Work) -> PlayedSong | None:
        """What its band plays; None for a lead sheet without one."""
        return self._played(work.id)

    def _played_of(self, id: str) -> PlayedSong | None:
        from studio.music.songs.playing import play

        work = self.gallery.get(id)
        recipe = self.song_recipe(work)
        if not recipe.band:
            return None
        return play(self.tune(work), sections_of_work(work), recipe, self._kept_band(work, recipe))

    def record(self, work: Work) -> SongRecord:
        """What it gives to the next song."""
        from studio.music.songs.record import SongRecord

        recipe = self.song_recipe(work)
        return SongRecord.of(recipe, work.title, self.tune(work), work.facts, self.played(work))

    def timing(self, work: Work) -> dict[str, Any]:
        """As `timing_of`, in the seconds of the recording: after the intro, and slower at the end."""
        from studio.music.bands.performing import BEFORE
        from studio.music.scores.performance import Clock

        found = super().timing(work)
        played = self.played(work) if is_song(work) else None
        if played is None:
            return found
        clock, quarter = Clock(played.score.tempi), found["tempo"] / 60

        def at(seconds: float) -> float:
            return clock.seconds(seconds * quarter + float(played.shift)) + BEFORE

        notes = [
            {**note, "at": at(note["at"]), "for": at(note["at"] + note["for"]) - at(note["at"])}
            for note in found["notes"]
        ]
        return found | {
            "seconds": clock.seconds(played.score.end) + BEFORE,
            "bars": [at(start) for start in found["bars"]],
            "end": at(found["seconds"]),
            "notes": notes,
            "written": [[[at(start), number] for start, number in bar] for bar in found["written"]],
        }

    def in_parts(self, work: Work) -> dict[str, Any]:
        """A song as its tab shows it: {"sections": [{"letter", "first", "bars", "key"}], "row": its chords,
        "bars", "form", "band", "title of band", "parts": [{"name", "plays", "level", "pan", "mute", "solo",
        "kept", "rests": it plays no note}], "kept", "words": see `sung_words.with_words`, or None, "offers":
        settings worth trying, "laid": what was made of the chords that were written, or "", "counted": its
        melodies come as counts, so no note has a song it is from}. Levels in LU and pans as the recipe mixes
        them.
        """
        from studio.music.songs.facts import row_in_words
        from studio.music.songs.recipes import MixedPart
        from studio.music.songs.rows import LaidRow

        recipe, tune, played = self.song_recipe(work), self.tune(work), self.played(work)
        parts = []
        mix = {each.name.lower(): each for each in map(MixedPart.read, recipe.mix)}
        for part in played.score.parts if played is not None else ():
            player = next(each for each in played.band.player if each.name == part.name) if played else None
            assert player is not None
            assert played is not None
            set_to = mix.get(part.name.lower(), MixedPart(part.name))
            parts.append(
                {
                    "name": part.name,
                    "plays": player.plays,
                    "base": player.level,
                    "level": player.level if set_to.level is None else set_to.level,
                    "pan": player.pan if set_to.pan is None else set_to.pan,
                    "mute": set_to.mute,
                    "solo": set_to.solo,
                    "kept": part.name in played.kept,
                    "rests": not part.notes,
                }
            )
        return {
            "sections": list(work.facts.get("sections", ())),
            "row": row_in_words(tune),
            "bars": sum(bar.number > 0 for bar in tune.bars()),
            "form": recipe.form,
            "band": recipe.band,
            "band title": played.band.title if played is not None else "",
            "parts": parts,
            "kept": list(work.facts.get("kept", ())),
            "words": work.facts.get("words"),
            "offers": list(work.facts.get("offers", ())),
            "laid": "" if recipe.source("melody") else LaidRow.of(recipe).remark,
            "counted": "notes" not in work.facts.get("copying", {"notes": 0}),
        }

    def stem(self, work: Work, name: str) -> Path:
        """The sound of one part alone, as FLAC, at the band's level and in the middle, and otherwise as it is
        in the recording, but softer by `MIXER_GAIN`. Each is rendered when
        it is asked for, so the first is heard before the last is made. (Packing it as MP3 takes longer than
        playing it.) Raises `UnknownName` and `Refused`.
        """
        from studio.music.songs.keeping import part_named
        from studio.music.songs.playing import sound_of
        from studio.music.sound.encoding import to_flac
        from studio.music.sound.fonts import named_font
        from studio.music.sound.mixing import Strip, mixed, stems

        mixed_recipe = self.song_recipe(work).model_copy(update={"write": ""})
        played = self.played(work)
        if played is None:
            raise Refused("A lead sheet has no stems; make the song with a band.")
        name = part_named(name, [part.name for part in played.score.parts])
        recipe = mixed_recipe.model_copy(update={"mix": ()})
        performance = mixed(played.performance(recipe), {name: Strip(pan=0.0)})
        part = next(each for each in performance.parts if each.name == name)
        if not part.notes:
            raise Missing(f"{name} plays no note in this song.")

        faders = self._faders(work, played.performance(mixed_recipe)) if performance.lifted else None

        def render() -> bytes:
            font = named_font(sound_of(recipe))
            ((_, sound),) = stems(performance, font=font, rate=STEM_RATE, only=name, faders=faders)
            return to_flac(sound)

        # By what is heard: takes that share a part share its stem, whatever else of them is new.
        heard = f"{part!r} {performance.seconds} {sound_of(recipe)} {STEM_RATE} {faders}"
        return self._cache.file(f"stem-{sha256(heard.encode()).hexdigest()[:32]}.flac", render)

    def _faders(self, work: Work, performance: Performance) -> Faders:
        """Those of a song's recording, for stems that the mixer plays."""
        from studio.music.songs.playing import sound_of
        from studio.music.sound.fonts import named_font
        from studio.music.sound.mixing import faders_of

        recipe = self.song_recipe(work)
        font = sound_of(recipe)
        path = self._kept(
            work,
            f"faders-{sha256(font.encode()).hexdigest()[:16]}.json",
            lambda: faders_of(performance, font=named_font(font)).to_json().encode(),
        )
        found = Faders.of_json(path.read_text())
        return replace(found, gain=found.gain / MIXER_GAIN)

    def stems_zip(self, work: Work) -> Path:
        """All stems in one zip, as FLAC, with the level, place and room that the song's mix gives them: added
        up they are the recording. (Of songs by earlier rules, they are the mix before its sections are evened
        and it is mastered.) Muted parts are left out.

        Raises `Refused` for a lead sheet.
        """
        from studio.music.songs.playing import sound_of
        from studio.music.sound.encoding import to_flac
        from studio.music.sound.fonts import named_font
        from studio.music.sound.mixing import recorded_stems, stems
        from studio.works.naming import file_name

        played = self.played(work)
        if played is None:
            raise Refused("A lead sheet has no stems; make the song with a band.")
        recipe = self.song_recipe(work).model_copy(update={"write": ""})

        def packed() -> bytes:
            file = BytesIO()
            with ZipFile(file, "w", ZIP_STORED) as archive:
                performance, font = played.performance(recipe), named_font(sound_of(recipe))
                if performance.lifted:
                    place = self._cache.folder.parent  # on a disk, where the system's own may be memory
                    place.mkdir(parents=True, exist_ok=True)
                    sounds = recorded_stems(performance, font=font, folder=place)
                else:
                    sounds = stems(performance, font=font)
                for number, (name, sound) in enumerate(sounds, 1):
                    entry = ZipInfo(f"{number:02} {file_name(name)}.flac", work.made_at.timetuple()[:6])
                    entry.external_attr = 0o100644 << 16
                    archive.writestr(entry, to_flac(sound))
            return file.getvalue()

        return self._kept(work, "stems.zip", packed)

    def extract(self, work: Work, what: str, form: Format) -> Path:
        """The lead sheet ("lead"), the full score ("score") or one part by name, in a format. What is played
        of a lead sheet is its tune. Raises `UnknownName`.
        """
        from studio.music.songs.playing import file_of

        recipe, what = self.song_recipe(work), self._known(work, what)
        if form.performs and what in ("", SCORE) and recipe.write in ("", SCORE):
            return self.file(work, form)  # the recording, which most likely is here
        played = self.played(work) if form.performs and what == LEAD else None
        if played is not None:
            what = played.band.leader.name
        recipe = recipe.model_copy(update={"write": what, "format": form.name})

        def write() -> bytes:
            return file_of(self.tune(work), sections_of_work(work), recipe, self._kept_band(work, recipe))

        number = self._number(work, what)
        return self._kept(work, f"part-{number}{form.suffix}", write)

    def pages(self, work: Work, what: str) -> list[bytes]:
        """The same as pages of A4, each an SVG picture."""
        from studio.music.bands.exports import extract_of
        from studio.music.scores.tunes import Tune
        from studio.music.writing.engraving import engrave_pages

        played = self.played(work)
        music: Any = self.tune(work)
        if played is not None and self._known(work, what) != LEAD:
            music = extract_of(played.score, played.band, self._known(work, what))
        sections = sections_of_work(work) if isinstance(music, Tune) else music.sections
        return engrave_pages(music, letters={each.first_bar: each.name for each in sections})

    def _known(self, work: Work, what: str) -> str:
        """ "lead", "score" or the name of a part; a song without a band is a lead sheet."""
        played = self.played(work)
        names = [part.name for part in played.score.parts] if played is not None else []
        if what == LEAD or (played is None and what == SCORE):
            return LEAD if played is not None else ""
        if what != SCORE and what not in names:
            raise UnknownName("part", what, [LEAD, SCORE, *names])
        return what

    def _number(self, work: Work, what: str) -> str:
        played = self.played(work)
        names = [part.name for part in played.score.parts] if played is not None else []
        return str(names.index(what)) if what in names else what


def is_song(work: Work) -> bool:
    """Whether a work is a song."""
    from studio.music.songs.recipes import SongRecipe

    return work.kind == str(SongRecipe.model_fields["kind"].default)


def rendered(work: Work, gallery: Gallery, _recipe: Recipe, form: Format) -> bytes:
    """A song in another format, with the recipe that makes it in that format inside."""
    return SongRenditions(gallery).file(work, form).read_bytes()


def _recipe_inside(path: Path) -> str:
    from studio.works.metadata import extract

    return extract(path.read_bytes()) or ""


def sections_of_work(work: Work) -> tuple[Section, ...]:
    """The sections of a song, as its facts say."""
    return tuple(
        Section(str(each["letter"]), int(each["first"]), int(each["bars"]))
        for each in work.facts.get("sections", ())
    )
