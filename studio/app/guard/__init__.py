"""Between the network and the page: who may ask, for how much, and what every answer tells the browser."""
