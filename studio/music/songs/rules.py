"""By which rules songs are drawn, and what each number of them brought.

    since(drawing_rules(recipe), "6")       # whether lines of words have a rhythm of their own

A work says by which rules it was made, and is made again by the same. What changes what a released number
draws gets the next number here, and `since` where it is made.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from studio.music.harmony.symbols import ChordNames

if TYPE_CHECKING:
    from studio.music.songs.recipes import SongRecipe

BROUGHT = {
    "1": "Songs are drawn as in 0.4.0, whose works say nothing of rules.",
    "2": "Among many draws those are taken whose sections are like the style's (`harmony.character`). Bars "
    "return moved, or with another ending.",
    "3": "As many notes are off the beat as in the style (`sheet.lively_weights`). Words in a large style "
    "are sung by melodies learnt from a part of it.",
    "4": "Notes are as long, as often off the beat, and left as in the style, whatever the chords and words "
    "ask (`natural`). Songs end on notes that the style's songs end on (`endings`). Sections go on near "
    "where the one before ended, and those in another key are sung as the style sings in that key.",
    "5": "The style's bridges are learnt in the key they are heard in. Sections begin and end nearer to what "
    "they are next to (`sheet.Seams`), and lie better over their chords. Few notes in a row are the same. A "
    "given melody gets about as many different chords as a song of the style has.",
    "6": "Each line of words has a rhythm of its own, and may begin before its section (`line_rhythm`, "
    "`leading`). Chords go round as in the style's songs, where that was counted (`loops`), and melodies "
    "return where chords do. A melody reaches as far as those of one song (`spans`). Songs end on strong "
    "beats. A given chord is heard in its bar. Bridges of styles of counts are learnt in their keys too. "
    "Chords under a given melody are as evenly used as in a song.",
    "7": "Some syllables of words that lead a melody are held over two or three notes (`melismas`). A "
    "section that does not go on from those before it is drawn again by itself, and draws that do not are "
    "avoided (`sheet.Joins`).",
    "8": "Words that begin before their section find room there: in a section without words too, and in a "
    "melody that goes beyond the style's usual range (`sheet._led_in`).",
    "9": "A section is drawn under the copy limit as it goes on from its neighbours, also where only hashes "
    "know the copies (`copying`), and bars that return are settled only where they keep it. What melodies of "
    "counts lean to was found for that. A line of words begins near where the one before it ended "
    "(`sheet.Seams`). Diminished chords are on raised degrees (`Harmony.symbol`).",
    "10": "A bass after a slash is named as it is heard: a tone of its chord or of its key (`ChordNames`). "
    "Lines of words breathe at their ends and behind commas, not within (`sung_words`). "
    "A stanza goes through all of a hymn (`in_phrases`). Sections in which two chords swing to and fro are "
    "taken less often (`swings`), and so are long notes that neither chord nor key has (`strange_by_bars`).",
    "11": "Chords have their commonest names, F/A and not Am(#5) (`common_name`). Sections and given "
    "melodies that stay on one chord for longer than the style's sections are avoided (`character.LONG`), "
    "and so are bars that sound as an earlier one where what goes round says that they are new. Given "
    "melodies get more different chords (`harmonise.STRANGE_MOVING`). Fewer songs end on a dominant seventh "
    "(`chording.RESTLESS`).",
    "12": "Whatever is asked of a section that is kept whole, and that it contradicts, is refused "
    "(`kept_wishes`); it stays in its key, and others may change theirs. Several harmonisations are each as "
    "one is (`harmonising.distinct`). "
    "Chords that were counted in 4/4 serve meters without any (`counts.Rebarred`). Chords are "
    "as many as in the style, whether or not fewer would be easier to sing (`sheet.SINGING`), and a song has "
    "about as many different ones as one of the style's of its length. What a band plays in kept bars is as "
    "long as it was, over bar lines too (`KeptBand`). Words are sung in other rhythms than were drawn for "
    "them where the style does not have these (`sung_words.STRAY`), and articles, prepositions and "
    "conjunctions are kept from first beats (`lyrics.LIGHT_WORDS`). Given melodies end on the tonic in root "
    "position wherever that is possible.",
    "13": "Where few songs teach a mode, melodies do not leap octaves to and fro (`CopyLimit.settles`). "
    "Songs of styles whose songs end on triads end on one, and begin so (`HarmonyIdiom.ends_plainly`). "
    "A copy limit that nobody asked for gives way as late as one that was (`sheet.rows_that_sing`). "
    "Each song is about as daring as asked, and not only the rows that were drawn for it on average "
    "(`HarmonyIdiom.log_near`).",
    "14": "Sections may be in the other mode, such as a bridge in the relative major of a song in minor "
    "(`keyed`, `sheet.OtherMode`); kept sections too. Fiddle tunes have triads and sevenths for half a bar "
    "at least (`HarmonyIdiom.simply`). Sections of hymns and chorales close as phrases of chorales do, and "
    "these songs begin on the first beat, with I or V (`cadences`).",
}
"""What each number brought, the oldest first."""

DRAWING_RULES, EARLIER_RULES = max(BROUGHT, key=int), min(BROUGHT, key=int)
"""Today's rules, and those of works that say nothing of theirs."""

FORM_RULES, EARLIER_FORMS = "4", "1"
"""How forms are read. 1: as in 0.5.0, where the second A' of A A' B A' had chords of its own, and the V of a
blues could be minor. 2: every A' has the same chords, and I, IV and V of a blues are dominants. 3: as many
bars of chords as a form has sections are not a song of sections of one bar (see `rows`). 4: a blues has the
chords of its form in all its bars (`SongForm.degrees`). A work says by which it was made.
"""

BEFORE_ROWS = ("1", "2")
"""The rules by which they were."""

BEFORE_DEGREES = (*BEFORE_ROWS, "3")
"""Those by which a blues had its chords in five of its bars alone."""

KEY_RULES = "2"
"""Since these rules the key that a recipe names is that of its melody, and a song says what reading had to
judge.
"""


def since(rules: str, first: str) -> bool:
    """Whether these are the rules `first` of `BROUGHT`, or later ones."""
    assert first in BROUGHT, first
    return int(rules) >= int(first)


def chord_names(rules: str) -> ChordNames:
    """How songs by these rules name their chords."""
    if since(rules, "11"):
        return "common"
    return "heard" if since(rules, "10") else "raised" if since(rules, "9") else "plain"


def drawing_rules(recipe: SongRecipe) -> str:
    """The rules by which a song is drawn: today's, or those its work was made by."""
    if recipe.setting is None:
        return DRAWING_RULES
    return recipe.setting.versions.get("drawing", EARLIER_RULES)


def form_rules(recipe: SongRecipe) -> str:
    """The same of how its form is read."""
    return FORM_RULES if recipe.setting is None else recipe.setting.versions.get("form", EARLIER_FORMS)


def by_key_rules(recipe: SongRecipe) -> bool:
    """Whether a recipe is made by `KEY_RULES`: today's are, and works that were."""
    return recipe.setting is None or recipe.setting.versions.get("melody") == KEY_RULES
