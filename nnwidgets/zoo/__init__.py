"""The zoo: reference models in plain torch, one file each, from scratch. Notebooks and tests use it, nothing else."""
