"""Where a watch learns how production does: probes, an access log, counters, a Prometheus server."""
