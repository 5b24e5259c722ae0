"""Making: from what a person asks for to a recipe, and from a recipe to a work, here or on a cluster."""
