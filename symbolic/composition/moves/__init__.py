"""Steps of the search for compositions: naming, growing, exchanging, simplifying."""
