"""What every lesson is built from."""
