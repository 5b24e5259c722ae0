"""Works: their recipes, the gallery that keeps them, and the recipe inside the file itself."""
