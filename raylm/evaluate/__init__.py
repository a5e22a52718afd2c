"""One yardstick for the checkpoint after each stage: quality, size, latency and throughput in one table."""
