"""Markov chains over small integers, automata that listen to sequences, and exact sampling under constraints.
Nothing here knows music.

    markov      count what follows every context; mix the orders into a chain
    automata    viewpoints, automata, the copy limit
    trellis     where a walk along the chain can be while every listener agrees
    beliefs     how likely it is to finish well from there: the backward pass
    sampling    requirements, the solution of a request, sequences drawn from it
    conflicts   why a request cannot be met
"""
