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
            "The picture without loss, with its recipe inside.",
            options=OPTIONS,
            reads_back=True,
        ),
        Format(
            "jpg",
            ".jpg",
            "image/jpeg",
            "JPEG",
            "studio.images.writing:jpeg_file",
            "The picture at quality 95 with full colour resolution, in about half the bytes, with its recipe "
            "inside; what is transparent becomes white.",
            options=OPTIONS,
        ),
        Format(
            "webp",
            ".webp",
            "image/webp",
            "WebP",
            "studio.images.writing:webp_file",
            "The picture without loss, a tenth smaller than PNG, with its recipe inside.",
            options=OPTIONS,
            reads_back=True,
        ),
        Format(
            "tiff",
            ".tiff",
            "image/tiff",
            "TIFF",
            "studio.images.writing:tiff_file",
            "The picture without loss, for print shops, with its recipe inside.",
            options=OPTIONS,
            reads_back=True,
        ),
    )
)
"""JPEG alone cannot be read back: what it leaves out is lost."""


def names() -> tuple[str, ...]:
    """("png", "jpg" …)"""
    return FORMATS.names()
