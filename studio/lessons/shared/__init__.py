"""What several lessons use: drawn fruit, pictures, a small dream, and credits."""
