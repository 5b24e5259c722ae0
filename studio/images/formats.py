"""The formats a picture can be saved in. A new format is a new row."""

from __future__ import annotations

from studio.works.formats import Format, FormatTable

OPTIONS = frozenset({"alpha", "density"})

FORMATS = FormatTable(
    (
        Format(
            "png",
            ".png",
            "image/png",
            "PNG",
            "studio.images.writing:png_file",
            "Lossless, with the recipe inside.",
            options=OPTIONS,
            reads_back=True,
        ),
        Format(
            "jpg",
            ".jpg",
            "image/jpeg",
            "JPEG",
            "studio.images.writing:jpeg_file",
            "Quality 95 with full colour resolution, about half the size of PNG, with the recipe inside. "
            "Transparent parts become white.",
            options=OPTIONS,
        ),
        Format(
            "webp",
            ".webp",
            "image/webp",
            "WebP",
            "studio.images.writing:webp_file",
            "Lossless, a tenth smaller than PNG, with the recipe inside.",
            options=OPTIONS,
            reads_back=True,
        ),
        Format(
            "tiff",
            ".tiff",
            "image/tiff",
            "TIFF",
            "studio.images.writing:tiff_file",
            "Lossless, for print shops, with the recipe inside.",
            options=OPTIONS,
            reads_back=True,
        ),
    )
)
"""JPEG alone cannot be read back: what it leaves out is lost."""


def names() -> tuple[str, ...]:
    """("png", "jpg" …)"""
    return FORMATS.names()
