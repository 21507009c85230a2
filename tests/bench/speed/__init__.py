"""The benchmark of whole passes and of packets; tests/bench/run.sh runs it."""
