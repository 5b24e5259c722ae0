"""Titles that one remembers, for tunes that nobody named.

    title_for("ryans-mammoth 7", mood="calm", form="Reel")     # "The Gentle Harbour, a Reel"

A title is a mood, a thing, and what the tune is. The same key gives the same title, always. The lists are
part of what a recipe means: a word may be added at no time and changed at no time, since that would rename
tunes. `NAMING_RULES` counts up where a released list changes, and the old one stays for those who have it.
"""

from __future__ import annotations

import hashlib

NAMING_RULES = "3"
"""How tunes are named now. Works that do not record it were called after their style and seed. Before 3, the
file of a song that keeps all notes of an earlier one had the title of that one, and not its own.
"""


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


MOODS: dict[str, tuple[str, ...]] = {
    "": _words(
        "Amber Broken Copper Crooked Early Emerald Faithful Golden Green Hidden Honest Ivory "
        "Last Late Little Lonely Lucky Northern Old Open Painted Second Silver Southern"
    ),
    "calm": _words(
        "Drowsy Evening Gentle Hushed Lingering Mild Patient Quiet Resting Settled Sleeping Slow Soft Still "
        "Tranquil Unhurried"
    ),
    "lively": _words(
        "Bounding Brisk Dancing Dashing Flying Galloping Hasty Headlong Leaping Merry Nimble Racing Restless "
        "Running Spinning Whirling"
    ),
    "dreamy": _words(
        "Distant Drifting Faded Floating Half-Remembered Hazy Misty Moonlit Pale Sunken Veiled Vanishing "
        "Wandering Whispered Winter Wistful"
    ),
    "folk": _words(
        "Barefoot Country Dusty Harvest Homeward Market Meadow Millers’ Mountain Plain Rambling Roadside "
        "Shepherd’s Tinker’s Village Wayside"
    ),
    "bright": _words(
        "Beaming Blazing Bright Crystal Daylight Dazzling Gleaming Glittering High Laughing Morning Polished "
        "Ringing Shining Sparkling Sunlit"
    ),
    "sombre": _words(
        "Absent Ashen Autumn Dark Fallen Forsaken Grey Hollow Lost Mournful Parting Rainy Shadowed Sorrowful "
        "Tearful Weary"
    ),
}
"""What a mood is called in a title. "sombre" is what a minor key is, where nothing else was said."""

THINGS = _words(
    "Acorn Anchor Anvil Apple Arrow Badger Barley Basket Bell Birch Blackbird Bonnet Bridge Brook Candle "
    "Castle Chestnut Clock Clover Comet Compass Cottage Crane Crossing Curlew Curtain Dove Drum Ember "
    "Falcon Feather Fern Ferry Fiddler Finch Foxglove Garden Gate Goose Granite Hare Harbour "
    "Hawthorn Hazel Hearth Hedgehog Heron Hillside Island Juniper Kettle Kingfisher Ladder Lantern Lark "
    "Lighthouse Linnet Loom Magpie Maple Mill Mirror Moon Moth Needle Nightingale Oak Orchard "
    "Otter Owl Painter Path Pebble Pine Plough Poppy Quarry Quilt Raven Ribbon River Robin Rowan Saddle "
    "Sail Sparrow Spindle Starling Stone Stork Swallow Tailor Thimble Thistle Thrush Tide Traveller "
    "Valley Wagon Weaver Wheel Willow Window Wren"
)
"""What a tune is about."""


def title_for(key: str, *, mood: str = "", form: str = "Tune") -> str:
    """The title of a tune.

    key: whatever tells it from others, such as its style and its seed. mood: one of `MOODS`; any other counts
    as none. form: what it is, such as "Reel".
    """
    drawn = hashlib.sha256(key.encode("utf-8", "replace")).digest()
    words = MOODS.get(mood) or MOODS[""]
    said = words[int.from_bytes(drawn[:4], "big") % len(words)]
    thing = THINGS[int.from_bytes(drawn[4:8], "big") % len(THINGS)]
    article = "an" if form[:1].upper() in "AEIOU" else "a"
    return f"The {said} {thing}, {article} {form}"
