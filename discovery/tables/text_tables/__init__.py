"""Tables that are written as text, sheets of Excel files included: form, head, cells."""
