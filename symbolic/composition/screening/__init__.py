"""Around a search: which features interact, where to start, whether to believe the result."""
