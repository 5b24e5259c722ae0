"""Bands: from a lead sheet to a score of all parts, and from the score to a performance.

    band = band_by_name("trio")
    score = arrange(tune, sections, band, rng)       what every part plays, exactly
    performance = perform(score, band, rng)          in seconds, as people play it

A band is one TOML file in `library`, which a musician can read: see `band` for what is in it.
"""
