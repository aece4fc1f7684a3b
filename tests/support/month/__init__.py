"""A month at a post in a minute or two: a machine clock that is simulated, a gateway that is not, and the truth."""
