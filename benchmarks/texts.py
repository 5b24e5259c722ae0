"""Words of our own to sing: (form, words), a stanza of four lines for each section of eight bars.

Iambic lines begin with an unstressed syllable and trochaic ones with a stressed one; some lines are longer
than their neighbours, as those of songs are.
"""

from studio.making.exhibition import LEAVE_THE_LIGHT_ON, THE_LAST_TRAIN

MOON = """[A]
Oh, the moon is on the water
And the boats are coming in
I was walking with your daughter
Where the summer days begin

[A]
Oh, the moon has gone behind us
And the tide is on the turn
There is no one here to find us
There is nothing left to learn

[B]
Somebody whistles a tune on the pier
Nobody knows what it means
Stay for another and tell me, my dear
How it was in your teens"""

GARDEN = """[A]
Down in the garden the roses are waking
Morning has opened the door
All of the promises we have been making
I would be making once more

[B]
Stay, stay a little while longer
Rain will be over by noon
Love is a thread that is stronger
Winter is over too soon"""

LETTER = """[A]
I wrote a letter to my friend
I told him all I knew
But when I came to reach the end
I did not know what to do

[B]
Tomorrow I will write again
And say what I forgot
The paper and the fountain pen
Are nearly all I've got"""

TEXTS = (
    ("AABA", MOON),
    ("AABA", GARDEN),
    ("AABA", LETTER),
    ("ABABCB", LEAVE_THE_LIGHT_ON),
    ("AABA", THE_LAST_TRAIN),
)
