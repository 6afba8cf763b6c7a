"""A latent that is seen through a process: its search, and the constants beside it."""
