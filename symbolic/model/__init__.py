"""SymbolicModel: the face over equations and constants; its storage and its torch module."""
