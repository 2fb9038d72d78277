-- What wrk itself does not print: the 95th percentile, in microseconds, and answers that were not 200.
wrk.headers["Accept-Encoding"] = "gzip"
done = function(summary, latency, requests)
  io.write(string.format("bench p95 %d\n", latency:percentile(95)))
  io.write(string.format("bench rate %.1f\n", summary.requests / (summary.duration / 1e6)))
  local e = summary.errors
  io.write(string.format("bench errors %d\n", e.connect + e.read + e.write + e.status + e.timeout))
end
