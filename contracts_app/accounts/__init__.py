"""People who sign in, and what they may do. What everybody asks lies here, the rest in corners."""
