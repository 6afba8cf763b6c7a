"""The first-order engine: one loop of gradient steps for many models at once."""
