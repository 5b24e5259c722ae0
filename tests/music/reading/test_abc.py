"""ABC as people write it: every sign means what the standard (abcnotation.com, 2.1) says it means."""

from __future__ import annotations

from fractions import Fraction

import pytest

from studio.music.reading.budget import Reading
from studio.music.reading.readers import Readers, read_tunes
from studio.music.scores.bars import Repeat, Volta
from studio.music.scores.tunes import Tune
from studio.music.writing.formats import by_suffix


def _read(body: str, key: str = "C", meter: str = "4/4", unit: str = "1/4", more: str = "") -> Reading:
    text = f"X:1\nT:t\nM:{meter}\nL:{unit}\n{more}K:{key}\n{body}\n"
    return read_tunes(text.encode(), "t.abc")


def _letters(tune: Tune) -> str:
    """Pitch names of C major from middle C on, a capital below the next C."""
    names = {60: "C", 62: "D", 64: "E", 65: "F", 67: "G", 69: "A", 71: "B", 72: "c", 74: "d", 76: "e"}
    return "".join(names[note.pitch] for note in tune.sounding if note.pitch)


@pytest.mark.parametrize(
    ("body", "played"),
    [
        # Section 4.8: a double bar inside |: :| repeats nothing less.
        ("|:CDEF|GABc||cBAG|1FEDC:|2FDC2|]", "CDEFGABccBAGFEDC" + "CDEFGABccBAGFDC"),
        ("CDEF||GABc:|", "CDEF" + "GABc" * 2),
        ("|:CDEF|]|GABc:|", "CDEF" + "GABc" * 2),
        # Section 4.9: an ending ends with :| || |] or |:, so the last :| repeats nothing more.
        ("|:CDEF|1GFED:|2GEC2:|cBAG|FEDC|]", "CDEFGFED" + "CDEFGEC" + "cBAGFEDC"),
        ("|:CDEF|1GFED:|2GEC2||cBAG:|", "CDEFGFED" + "CDEFGEC" + "cBAG" * 2),
        ("|:CDEF|[1GFED:|[2GEC2|:cBAG:|", "CDEFGFED" + "CDEFGEC" + "cBAG" * 2),
        # Where nobody marked the next section, it begins when the ending is as long as the first.
        ("|:CDEF|1GFED:|2GEC2|cBAG|FEDC:|", "CDEFGFED" + "CDEFGEC" + "cBAGFEDC" * 2),
        ("CDEF|1GFED:|2GEC2|cBAG|1FEDC:|2F4|]", "CDEFGFED" + "CDEFGEC" + "cBAGFEDC" + "cBAGF"),
        # Section 4.10: variant endings.
        ("|:CDEF|1GFED:|2GABc:|3GEC2|]", "CDEFGFED" + "CDEFGABc" + "CDEFGEC"),
        ("|:CDEF|1,3GFED:|2GABc:|]", "CDEFGFED" + "CDEFGABc" + "CDEFGFED"),
        ("|:CDEF|1,3GFED:|2GABc|]cBAG|]", "CDEFGFED" + "CDEFGABc" + "CDEFGFED" + "cBAG"),
        ("|:CDEF|[1-3GFED:|[4GABc|]", "CDEFGFED" * 3 + "CDEFGABc"),
        ("|:CDEF|1,2GFED:|3,4GABc:|cBAG|]", "CDEFGFED" * 2 + "CDEFGABc" * 2 + "cBAG"),
        # Section 4.8: |:: and ::| play three times, :: and :|: and :||: end one section and begin another.
        ("|::CDEF|GFED::|", "CDEFGFED" * 3),
        ("|:CDEF::GFED:|", "CDEF" * 2 + "GFED" * 2),
        ("|:CDEF:||:GFED:|", "CDEF" * 2 + "GFED" * 2),
        # An ending that begins where the section has ended is none of it.
        ("|:CDEF:|1 GFED|", "CDEF" * 2 + "GFED"),
        # [|] is an invisible bar line.
        ("|:CDEF[|]GFED:|", "CDEFGFED" * 2),
        ("CDEF|GABd:|2c4|]", "CDEFGABd" * 2 + "c"),
    ],
)
def test_repeats_are_played_as_players_play_them(body: str, played: str, readers: Readers) -> None:
    (tune,) = _read(body).tunes
    assert _letters(tune.unfolded()) == played
    for suffix in (".abc", ".musicxml"):
        (again,) = readers.read(by_suffix(suffix).to_bytes(tune), "t" + suffix).tunes
        assert again.repeats == tune.repeats, suffix
        assert _letters(again.unfolded()) == played, suffix
    assert Tune.from_json(tune.to_json()) == tune


def test_more_passes_than_are_read_are_told() -> None:
    for colons, told in (
        (15, []),
        (16, ["A repeat that the file plays 17 times was read as one of 16 times."]),
    ):
        reading = _read(f"|{':' * colons}CDEF{':' * colons}|")
        assert _letters(reading.tunes[0].unfolded()) == "CDEF" * 16
        assert [each for each in reading.remarks if "repeat" in each] == told


def test_three_endings_are_kept_as_they_are_written() -> None:
    (tune,) = _read("|:CDEF|1GFED:|2GABc:|3GEC2|]").tunes
    first, second = Volta(Fraction(4), (1,)), Volta(Fraction(8), (2,))
    assert tune.repeats == (Repeat(Fraction(0), Fraction(12), Fraction(4), 3, (first, second)),)
    assert tune.repeats[0].written()[-1] == Volta(Fraction(12), (3,))


@pytest.mark.parametrize(
    ("key", "pitches", "named"),
    [
        # Section 4.6: a clef with -8 sounds an octave lower, one with _8 only looks like it.
        ("D treble-8", [50, 54, 57, 61], "D major"),
        ("D major treble-8", [50, 54, 57, 61], "D major"),
        ("D clef=treble-8", [50, 54, 57, 61], "D major"),
        ("D clef=treble_8", [62, 66, 69, 73], "D major"),
        ("D treble+8", [74, 78, 81, 85], "D major"),
        ("D -8va", [50, 54, 57, 61], "D major"),
        ("D octave=-1", [50, 54, 57, 61], "D major"),
        ("D clef=bass octave=1 stafflines=5", [74, 78, 81, 85], "D major"),
        ("D tenor", [62, 66, 69, 73], "D major"),
        ("D bass3", [62, 66, 69, 73], "D major"),
        ("D transpose=-2", [60, 64, 67, 71], "C major"),
        # Section 3.1.14: accidentals after the key, with and without a space, and by themselves (exp).
        ("Bb^f", [62, 66, 69, 72], "Bb major"),
        ("Bb ^f", [62, 66, 69, 72], "Bb major"),
        ("Bb ^ f", [62, 66, 69, 72], "Bb major"),
        ("Ddor^c", [62, 65, 69, 73], "D dorian"),
        ("D Dorian ^c", [62, 65, 69, 73], "D dorian"),
        ("Dmix=f", [62, 65, 69, 72], "D mixolydian"),
        ("D exp ^f", [62, 66, 69, 72], "D mixolydian"),
        ("D exp _b _e ^f", [62, 66, 69, 72], "D phrygian"),
        ("Dexp_b_e^f", [62, 66, 69, 72], "D phrygian"),
        ("D exp", [62, 65, 69, 72], "D dorian"),
        ("HP", [62, 66, 69, 73], "A mixolydian"),
        ("Hp", [62, 66, 69, 73], "A mixolydian"),
        ("F#m", [62, 66, 69, 73], "F# minor"),
        ("f# MINOR", [62, 66, 69, 73], "F# minor"),
        ("Es", [62, 65, 68, 72], "Eb major"),
        ("D fiddle", [62, 66, 69, 73], "D major"),
    ],
)
def test_keys_with_clefs_octaves_and_accidentals(key: str, pitches: list[int], named: str) -> None:
    (tune,) = _read("DFAc|", key).tunes
    assert ([note.pitch for note in tune.sounding], str(tune.key)) == (pitches, named)


def test_a_clef_alone_leaves_the_key() -> None:
    (tune,) = _read("F4|[K:clef=bass]F4|[K:treble-8]F4|[K:C treble]F4|", "D").tunes
    assert [note.pitch for note in tune.sounding] == [66, 66, 54, 65]


def test_clefs_of_voices_shift_them() -> None:
    reading = read_tunes(
        b"X:1\nM:4/4\nL:1/4\nV:1 name=Melody clef=treble-8\nV:2\nK:C\nV:1\nG4|\nV:2\nE4|\n", "v.abc"
    )
    assert [note.pitch for note in reading.tunes[0].sounding] == [55]


def test_a_written_out_signature_is_said_to_be_guessed() -> None:
    assert _read("DFAc|", "D exp _b _e ^f").remarks == (
        "The key signature is written out (K:D exp _b _e ^f); the nearest key is D phrygian.",
    )
    assert "transpose=-2" in _read("DFAc|", "D transpose=-2").remarks[0]


def test_fields_between_the_key_and_the_first_voice_hold_for_all_voices() -> None:
    text = (
        "X:1\nT:t\nM:4/4\nL:1/8\nK:C\nM:3/4\nL:1/4\nQ:1/4=90\n"
        'V:S name="Soprano"\nCDE|F3|]\nV:B name="Bass"\nC,D,E,|F,3|]\n'
    )
    reading = read_tunes(text.encode(), "voices.abc")
    (tune,) = reading.tunes
    assert (str(tune.meter), tune.tempo, len(tune.bars())) == ("3/4", 90, 2)
    assert [str(note.duration) for note in tune.notes] == ["1", "1", "1", "3"]
    assert reading.remarks == ("The melody was taken from 'Soprano', one of 2 parts.",)


def test_voices_may_change_inside_a_line() -> None:
    (tune,) = read_tunes(b"X:1\nM:4/4\nL:1/4\nK:C\n[V:1]GABc|[V:2]C4|\n[V:1]c4|[V:2]C4|\n", "v.abc").tunes
    assert [note.pitch for note in tune.sounding] == [67, 69, 71, 72, 72]


@pytest.mark.parametrize(
    ("tempo", "quarters"),
    [
        ("120", 60),  # section 10, outdated: unit lengths a minute
        ("C=120", 60),
        ("C3=40", 60),
        ("1/4=100", 100),
        ("3/8=80", 120),
        ('"Allegro" 1/4=140', 140),
        ('3/8=50 "Slowly"', 75),
        ("1/4 3/8 1/4 3/8=40", 200),
        ('"Andante"', 120),
    ],
)
def test_tempos(tempo: str, quarters: float) -> None:
    (tune,) = _read("DFA dAF|D6|", "D", "6/8", "1/8", f"Q:{tempo}\n").tunes
    assert tune.tempo == quarters


def test_a_changing_tempo_is_said() -> None:
    reading = _read("CDEF|[Q:1/4=60]GABc|", more="Q:1/4=100\n")
    assert reading.tunes[0].tempo == 100
    assert reading.remarks == ("The tempo changes; only the first one was kept.",)


def test_free_text_after_a_blank_line_is_not_music() -> None:
    """Section 2.2: a blank line ends a tune."""
    text = (
        "Some notes on the collection.\n\nX:1\nT:First\nM:4/4\nL:1/4\nK:C\nCDEF|GFED|CEGE|C4|]\n\n"
        "A fine reel, heard at a fair; played by ear.\nBecause of age, the second bar faded.\n \n"
        "X:2\nT:Second\nM:4/4\nL:1/4\nK:G\nGABc|d4|]\n\n% end\nEdited by Ed Gabe, 2003.\n"
    )
    reading = read_tunes(text.encode(), "book.abc")
    assert [len(tune.sounding) for tune in reading.tunes] == [13, 5]
    assert reading.remarks == ()
    cut = _read("CDEF|\n\nGABc|\nc4|]")
    assert len(cut.tunes[0].sounding) == 4
    assert "2 lines with bar lines after it were left out" in cut.remarks[0]
    late = _read("\nCDEF|\n%%begintext\nA bad cab.\n\n%%endtext\n+:fed\nd:|")
    assert [note.pitch for note in late.tunes[0].sounding] == [60, 62, 64, 65, 74]


@pytest.mark.parametrize(
    ("body", "notes"),
    [
        ("CDE[C-E]|C4|", "60:1 62:1 64:1 64:1 60:4"),  # the tie is that of the C alone
        ("CDE[CE-]|E4|", "60:1 62:1 64:1 64:5"),
        ("CDE[CE]-|E4|", "60:1 62:1 64:1 64:5"),
        ("CDE[C-E-]|[CE]4|", "60:1 62:1 64:1 64:5"),
        ("CDEE|-E4|", "60:1 62:1 64:1 64:5"),
        ("CDEE-|[CE]4|", "60:1 62:1 64:1 64:5"),
        ("CDEE-|C4|", "60:1 62:1 64:1 64:1 60:4"),
        ("CDE^E-|E2E2|", "60:1 62:1 64:1 65:3 64:2"),
        ("+CEG+DEF|G4|", "67:1 62:1 64:1 65:1 67:4"),
        ("+CEG+2+trill+E+f+F|+ff+G4|", "67:2 64:1 65:1 67:4"),
    ],
)
def test_ties_and_chords(body: str, notes: str) -> None:
    (tune,) = _read(body).tunes
    assert " ".join(f"{note.pitch}:{note.duration}" for note in tune.notes) == notes


@pytest.mark.parametrize(
    ("written", "title"),
    [
        (r"\'Eire \"Ober na h\'Eireann", "Éire Öber na hÉireann"),
        (r"\`a\^o\~n\cc\/o\aa\AE\ss\vs\ue\Ho", "àôñçøåÆßšĕő"),
        ("caf&eacute; &amp; bar", "café & bar"),
        (r"\u00e9t\u00e9 \U0001D11E", "été 𝄞"),
        (r"100\% a\\b \&amp; %comment", r"100% a\b &amp;"),
        ("Tom & Jerry's <reel>", "Tom & Jerry's <reel>"),
    ],
)
def test_titles_with_escaped_letters(written: str, title: str) -> None:
    """Section 8.2."""
    (tune,) = read_tunes(f"X:1\nT:{written}\nK:C\nCDEF|\n".encode(), "t.abc").tunes
    assert tune.title == title
    (again,) = read_tunes(by_suffix(".abc").to_bytes(tune), "t.abc").tunes
    assert again.title == title


def test_chords_of_the_sheet() -> None:
    def chords(body: str) -> list[str]:
        return [f"{chord.start}:{chord.symbol}" for chord in _read(body).tunes[0].chords]

    assert chords('"C"C2-"Am7"C2|"Dm7"D2"G7"E2|') == ["0:C", "2:Am7", "4:Dm7", "6:G7"]
    assert chords('"C""F""G7"C4|"C"C4|') == ["0:C", "1:F", "3:G7", "4:C"]
    assert chords('"C;^slow"C2"(D7)"D2|"am"C4|"^what"C"4"D"_x"E"@1,2 y"F|') == ["0:C", "2:D7", "4:Am"]
    assert chords('"C"C"H7"D"B"E"Es"F|') == ["0:C", "1:B7", "2:Bb", "3:Eb"], "a sheet with H is German"
    assert chords('"Do"C"Sol7"D"Lam"E"Fa"F|') == ["0:C", "1:G7", "2:Am", "3:F"]
    assert chords('"C"C"a"D"F"E"e7"F|') == ["0:C", "1:Am", "2:F", "3:Em7"], "small letters among capitals"
    assert chords('"Ad7"C"Fa"D"D/f+"E" "F|') == ["0:Adim7", "1:Faug", "2:D/F#"]
    assert chords('"f"C4|"C"D4|') == ["4:C"], "an f alone is loud"
    remarks = _read('"C""F"C4|"Hey"C4|"c"D4|').remarks
    assert "Chord symbols that stood together and were spread over the note below them: 1." in remarks
    assert "Chord symbols that could not be read and were left out (1): 'Hey'." in remarks


def test_notes_out_of_range_are_counted() -> None:
    reading = _read("C,,,,,,,DEF|")
    assert [note.pitch for note in reading.tunes[0].notes] == [None, 62, 64, 65]
    assert reading.remarks == ("Notes outside the range of MIDI left out: 1.",)
