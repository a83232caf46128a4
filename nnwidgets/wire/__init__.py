"""The link between kernel and browser: arrays, runtime and twins, requests and answers, streams, lifetime."""
