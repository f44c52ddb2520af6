-- wrk: random people, as an agency's system reads them. usage: wrk -s reads.lua URL -- IDS KEY
local ids, headers = {}, {}
local seed = 0

function setup(thread)
  seed = seed + 1
  thread:set("thread_seed", seed)
end

function init(args)
  for line in io.lines(args[1]) do ids[#ids + 1] = line end
  headers["Authorization"] = "Bearer " .. args[2]
  headers["NDC-Purpose"] = "public-service"
  headers["NDC-Legal-Basis"] = "60/2024/QH15"
  math.randomseed(thread_seed)
end

function request()
  return wrk.format("GET", "/api/registry/persons/" .. ids[math.random(#ids)], headers)
end

function done(summary, latency)
  local s = summary.duration / 1e6
  local e = summary.errors
  local bad = e.connect + e.read + e.write + e.status + e.timeout
  print(string.format("person_reads_per_s %.0f /s", (summary.requests - e.status) / s))
  print(string.format("person_reads_p50_ms %.2f ms", latency:percentile(50) / 1e3))
  print(string.format("person_reads_p99_ms %.2f ms", latency:percentile(99) / 1e3))
  print(string.format("person_reads_bytes %.0f bytes", summary.bytes / summary.requests))
  print(string.format("person_reads_errors %d requests", bad))
end
