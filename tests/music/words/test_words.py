"""Words under notes: places beside brute force, weights and files beside another library."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations

import music21
import numpy as np
import pytest

from studio.errors import Contradiction, Refused, UnknownName, error_data, ways_out_of
from studio.music.scores.meters import Meter
from studio.music.scores.sections import Section, sections_of
from studio.music.scores.tunes import Tune
from studio.music.words.assigning import assigned
from studio.music.words.laying import _Alignment, lay
from studio.music.words.lyrics import read_lyrics
from studio.music.words.splitting import split_word, variants
from studio.music.words.stresses import level_of, patterns
from studio.music.writing.musicxml import write_musicxml


def quarters(count: int, **more: object) -> Tune:
    return Tune.of([(60 + n % 5, 1) for n in range(count)], **more)  # type: ignore[arg-type]


def texts(tune: Tune, verse: int = 1) -> list[str]:
    return [word.text for word in tune.words if word.verse == verse]


@pytest.mark.parametrize(
    ("printed", "stressed"),
    [
        ("mem-o-ry", 0),
        ("nev-er", 0),
        ("o-ver", 0),
        ("a-bove", 1),
        ("lit-tle", 0),
        ("might-y", 0),
        ("sing-ing", 0),
        ("run-ning", 0),
        ("win-dow", 0),
        ("be-tween", 1),
        ("moth-er", 0),
        ("won-der-ful", 0),
        ("ev-ery", 0),
        ("ev-'ry", -1),
        ("roll-in'", 0),
        ("did-n't", 0),
        ("sweet-heart", 0),
        ("fire", 0),
        ("heav'n", -1),
        ("“Love-ly,", 0),
    ],
)
def test_words_are_split_as_songs_print_them(printed: str, stressed: int) -> None:
    found = split_word(printed.replace("-", ""))
    assert "-".join(found.parts) == printed
    if stressed >= 0:
        assert found.stresses.index(1) == stressed


def test_the_writers_own_hyphens_come_first() -> None:
    assert split_word("mem-ory").parts == ("mem", "ory")
    assert split_word("e-ve-ry").parts == ("e", "ve", "ry")
    assert split_word("lily-white").parts == ("lil", "y", "white")  # a compound, not a way to cut a word
    assert {len(each.parts) for each in variants("every")} == {2, 3}


def test_other_languages_are_split_by_their_own_points() -> None:
    assert split_word("Morgenstunde", "de").parts == ("Mor", "gen", "stun", "de")
    assert split_word("montagna", "it").parts == ("mon", "ta", "gna")
    assert set(split_word("Morgenstunde", "de").stresses) == {-1}
    with pytest.raises(UnknownName, match="language"):
        read_lyrics("la la", "xx")


def test_the_signs_of_a_line() -> None:
    (stanza,) = read_lyrics("Th' e-ter-nal light __ is * thine~own").stanzas
    sung = stanza.lines[0].syllables
    assert [each.text for each in sung] == ["Th' e", "ter", "nal", "light", "is", "", "thine‿own"]
    assert [each.notes for each in sung] == [1, 1, 1, 3, 1, 1, 1]
    assert stanza.notes == 9


def test_every_syllable_has_a_note_of_its_own() -> None:
    laid = lay("Soft is the evening, slowly it fades", quarters(10))
    assert texts(laid.tune) == ["Soft", "is", "the", "eve", "ning,", "slow", "ly", "it", "fades"]
    assert [w.start for w in laid.words][:3] == [0, 1, 2]
    assert any("syllable before" in remark for remark in laid.remarks)


def test_notes_that_are_left_are_chosen_as_brute_force_chooses() -> None:
    """The dynamic programme beside every way to place the syllables."""
    rng = np.random.default_rng(4)
    for trial in range(25):
        lengths = rng.choice([Fraction(1, 2), 1, 2], 9)
        pitches: list[int | None] = [60 if rng.random() > 0.15 else None for _ in lengths]
        pitches[0] = 60
        tune = Tune.of(list(zip(pitches, lengths, strict=True)))
        notes = tune.sounding
        (stanza,) = read_lyrics(
            ["over the sea\nand away", "never _ again", "a wonderful\nday"][trial % 3]
        ).stanzas
        spare = len(notes) - stanza.notes
        if spare < 1:
            continue
        search = _Alignment.of(stanza, notes, tune)

        def cost(begins: tuple[int, ...], search: _Alignment = search, count: int = len(notes)) -> float:
            edges = [*begins, count]
            told = 2.5 * begins[0]
            for number, place in enumerate(begins):
                told += search.begin(number, place) + search.between(number, place, edges[number + 1])
            return told

        sung = stanza.syllables
        ways = [
            begins
            for begins in combinations(range(len(notes)), len(sung))
            if all(
                place + each.notes <= after
                for place, each, after in zip(begins, sung, [*begins[1:], len(notes)], strict=True)
            )
        ]
        assert cost(tuple(search.best())) == pytest.approx(min(map(cost, ways)))


def test_a_line_ends_where_the_tune_breathes() -> None:
    half = Fraction(1, 2)
    before = [(60, 1), (62, 1), (64, half), (62, half), (60, 2), (None, 1)]
    tune = Tune.of([*before, (62, 1), (64, 1), (60, 3)], meter="3/4")
    laid = lay("Home we are going\nnow for good", tune)
    going = next(word for word in laid.words if word.text == "now")
    assert going.start == 6  # the first note after the rest


def test_more_syllables_than_notes_says_by_how_many_and_offers_to_fit() -> None:
    with pytest.raises(Contradiction, match="3 syllables more than its 4 notes") as caught:
        lay("Wonderful, wonderful day", quarters(4))
    ways = ways_out_of(error_data(caught.value))
    assert [(way["field"], way["value"]) for way in ways] == [("divide_notes", True), ("fit", True)]
    assert "--" not in str(caught.value)  # Python and the page have no options
    laid = lay("Wonderful, wonderful day", quarters(4), divide=True)
    assert len(laid.words) == 7
    assert laid.tune.end == 4
    assert len(laid.tune.sounding) == 7


def test_verses_and_a_refrain() -> None:
    tune = quarters(24, meter="4/4")
    sections = sections_of([("A", 2), ("B", 1), ("A", 2), ("B", 1)])
    words = "[Verse]\none two three four five six seven\n\n[Verse 2]\nI was here when they came back home\n"
    laid = lay(words + "\n[Chorus]\nla la la la", tune, sections=sections)
    assert texts(laid.tune)[:8] == ["one", "two", "three", "four", "five", "six", "sev", "en"]
    with_verse = {(word.start, word.text) for word in laid.words}
    assert (Fraction(8), "la") in with_verse
    assert (Fraction(20), "la") in with_verse  # the refrain comes back
    assert next(word.text for word in laid.words if word.start == 12) == "I"


def test_more_stanzas_than_sections_are_further_verses() -> None:
    sections = (Section("A", 1, 2),)
    laid = lay("one two three four\n\nsun and moon and stars", quarters(8), sections=sections)
    assert {word.verse for word in laid.words} == {1, 2}
    assert texts(laid.tune, 2)[:2] == ["sun", "and"]


def test_a_name_that_no_section_has() -> None:
    with pytest.raises(Refused, match=r"\[Outro\]"):
        assigned(read_lyrics("[Outro]\nla la"), sections_of([("A", 2), ("B", 2)]))


def test_stress_on_a_weak_beat_is_told_with_bar_and_word() -> None:
    laid = lay("the above", quarters(3, pickup=1))  # a- on the downbeat
    (fault,) = laid.stresses
    assert (fault.bar, fault.beat, fault.word, fault.text) == (1, 2.0, "above", "bove")
    assert not lay("above the", quarters(3, pickup=1)).stresses


def test_an_article_on_a_first_beat_is_told_with_the_word_it_leads_to() -> None:
    laid = lay("the night is long", quarters(4))
    assert [fault.in_words() for fault in laid.stresses] == ["bar 1, beat 1: the in the night"]
    assert laid.checked == 1
    assert not lay("the night is long", quarters(5, pickup=1)).stresses
    assert not lay("come in, love", quarters(5, pickup=3)).checked  # stressed before a comma
    laid = lay("die Nacht wird lang", quarters(4), "de")
    assert [fault.text for fault in laid.stresses] == ["die"]
    assert laid.remarks == (
        "Of words in this language, stress is checked in articles, prepositions and the like only.",
    )


def test_weights_agree_with_the_accents_of_another_library() -> None:
    for name in ("4/4", "3/4", "6/8", "2/4", "2/2"):
        meter, other = Meter.parse(name), music21.meter.TimeSignature(name)
        places = [Fraction(n, 4) for n in range(int(meter.bar_length * 4))]
        beats = [place for place in places if (place / meter.beat).denominator == 1]
        ours = [level_of(place, meter) for place in beats]
        theirs = [other.getAccentWeight(float(place)) for place in beats]
        for one in range(len(beats)):
            for two in range(len(beats)):
                if theirs[one] > theirs[two]:
                    assert ours[one] >= ours[two], (name, beats[one], beats[two])


def test_a_tune_is_shown_as_a_pattern_to_fill() -> None:
    tune = Tune.of([(60, 1), (62, 2), (64, 1), (62, 2), (60, 1), (60, 2)], meter="3/4", pickup=1)
    (line,) = patterns(tune)
    assert line.feet == "da DUM da DUM da DUM"
    assert line.in_words().endswith("(6 syllables)")


def test_words_are_written_for_other_programs_with_extenders() -> None:
    laid = lay("Wonder _ _ of light", quarters(6))
    score = music21.converter.parseData(write_musicxml(laid.tune).decode(), format="musicxml")
    lyrics = [each for note in score.flatten().notes for each in note.lyrics]
    assert [each.text for each in lyrics] == ["Won", "der", "of", "light"]
    assert [each.syllabic for each in lyrics] == ["begin", "end", "single", "single"]
    assert b"<extend" in write_musicxml(laid.tune)
