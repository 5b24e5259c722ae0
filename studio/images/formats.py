"""The formats a picture can be saved in. A new format is a new row."""

from __future__ import annotations

from studio.works.formats import Format, FormatTable

FORMATS = FormatTable(
    (
        Format(
            "png",
            ".png",
            "image/png",
            "PNG",
            "studio.images.pictures:write_png",
            "The picture without loss, with its recipe inside.",
            reads_back=True,
        ),
    )
)
