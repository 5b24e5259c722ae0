"""The words of songs: syllables, stress, and how they lie under notes."""
