"""Learning as iterative optimisation: one loop (`descent`), and all that fitting a network to data needs."""
