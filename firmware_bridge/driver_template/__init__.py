"""A driver that works, of a sensor that there is not: what `vigia sensors new` begins with. Its test runs with all."""
