"""Kill storms: real schedulers, killed and stalled at random, and the checker over what is left."""
