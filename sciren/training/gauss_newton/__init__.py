"""The Gauss-Newton engine: small encoders are solved, not trained."""
