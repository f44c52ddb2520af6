-- One request, again and again: wrk … URL -- METHOD AUTHORIZATION BODY, the body a form. Answers
-- that are not 2xx are counted.
function init(args)
  wrk.method = args[1]
  wrk.headers["Authorization"] = args[2]
  if args[1] == "POST" then
    wrk.headers["Content-Type"] = "application/x-www-form-urlencoded"
    wrk.body = args[3]
  end
end
function done(summary, latency, requests)
  io.write(string.format("rate %.0f\n", summary.requests / (summary.duration / 1e6)))
  io.write(string.format("p99 %.2f\n", latency:percentile(99) / 1000))
  io.write(string.format("failed %d\n", summary.errors.status + summary.errors.read +
    summary.errors.write + summary.errors.timeout + summary.errors.connect))
end
