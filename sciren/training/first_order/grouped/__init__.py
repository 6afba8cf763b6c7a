"""Many members trained in one loop of tensors: networks, rows, bases and state side by side."""
