"""A small style for the tests of the app: jigs made up here, so that nothing is read from elsewhere."""

from __future__ import annotations

import io
import zipfile

_JIGS = {
    "The Kettle": "GAB GAB|cBA BGD|GAB GAB|cBA G3|GAB GAB|cBA BGD|EFG AGF|G3 G3|",
    "The Window": "dBG dBG|cAF DEF|GBd gdB|cAF G3|dBG dBG|cAF DEF|GBd cAF|G3 G3|",
    "The Loom": "DGB dBG|ABc BGE|DGB dBG|AFD G3|DGB dBG|ABc BGE|EAc BAF|G3 G3|",
    "The Ladder": "GBd gfe|dBG AFD|GBd efg|dcA G3|GBd gfe|dBG AFD|GAB cAF|G3 G3|",
    "The Lantern": "B2d cAF|GAB D2D|EGE DGB|AGF G3|B2d cAF|GAB D2E|EGB AGF|G3 G3|",
}


def jigs() -> dict[str, bytes]:
    """File name -> a jig in G of eight bars, as ABC."""
    return {
        f"{name.replace(' ', '-').lower()}.abc": f"X:1\nT:{name}\nM:6/8\nL:1/8\nK:G\n{music}\n".encode()
        for name, music in _JIGS.items()
    }


def zipped_jigs() -> bytes:
    """All of them in an archive, with what file managers leave in archives."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in jigs().items():
            archive.writestr(f"jigs/{name}", content)
        archive.writestr("__MACOSX/jigs/._the-kettle.abc", b"\0\5")
        archive.writestr("jigs/readme.txt", b"not music")
    return packed.getvalue()
