"""Learning as iterative optimisation: one loop (`descent`), and what it takes to fit a network to data with
it.
"""
