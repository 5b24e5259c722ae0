"""What the claims about speed and memory rest on: ratios, measured side by side in one run. `make bench` runs them all."""
