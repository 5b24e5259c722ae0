"""Songs: lead sheets from a style, with a form, chords, a melody and words."""
