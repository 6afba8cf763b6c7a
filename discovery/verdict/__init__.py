"""What a result is worth: faithful, skilful, identified, and the headline of all three."""
