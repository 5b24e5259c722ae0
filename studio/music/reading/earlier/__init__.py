"""ABC and MIDI as the versions before 0.3 read them.

Works that were made after such a file are made again from the same notes, and the bundled styles keep the
tunes their works were learnt from. New files of a person's own are read by the modules one level up.
"""
