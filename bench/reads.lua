-- wrk: random people, read by agencies' systems. usage: wrk -s reads.lua URL -- IDS KEYS
-- Each key reads its own slice of the ids: reading more people than policy lets one agency
-- read for one purpose is refused, as it should be.
local ids, headers = {}, {}
local seed, slice = 0, 0

function setup(thread)
  seed = seed + 1
  thread:set("thread_seed", seed)
end

function init(args)
  for line in io.lines(args[1]) do ids[#ids + 1] = line end
  for line in io.lines(args[2]) do
    headers[#headers + 1] = {
      ["Authorization"] = "Bearer " .. line,
      ["NDC-Purpose"] = "public-service",
      ["NDC-Legal-Basis"] = "60/2024/QH15",
    }
  end
  slice = math.ceil(#ids / #headers)
  math.randomseed(thread_seed)
end

function request()
  local i = math.random(#ids)
  local path = "/api/registry/persons/" .. ids[i]
  return wrk.format("GET", path, headers[math.floor((i - 1) / slice) + 1])
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
