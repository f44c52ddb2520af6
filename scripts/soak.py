#!/usr/bin/env python3
"""A daemon under mixed use for a while: does it stay as it was?

usage: soak.py BUILD_DIR     SOAK_MINUTES (5), SOAK_PEOPLE (20000), DATABASE (sqlite) may be set

Starts ndc on a temporary folder with the demo nation, then at once and without pause: reads
of persons, searches, pushes of rows (some wrong), runs of a source with the integration that
follows, sign-ins and sign-outs, and clients that follow a job and leave. Every answer that is
not the one expected is an error. Prints `name value unit` lines; ends with 1 after any error,
when memory in the last quarter is more than a sixth and 32 MiB above that of the second, or
when there are 16 more open files.
"""
import http.client
import itertools
import json
import os
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse

MINUTES = float(os.environ.get("SOAK_MINUTES", "5"))
PEOPLE = int(os.environ.get("SOAK_PEOPLE", "20000"))
DATABASE = os.environ.get("DATABASE", "sqlite")
ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
NDC = os.path.join(sys.argv[1] if len(sys.argv) > 1 else "build", "src/cmd/ndc")
SAMPLE_S, IDS_MAX, ERRORS_SHOWN = 2, 500, 10
PURPOSE = {"NDC-Purpose": "public-service", "NDC-Legal-Basis": "60/2024/QH15"}
NAMES = ["nguyen van", "tran thi", "le", "pham minh", "Hoàng", "vũ thị", "dang", "bui van"]

stop = threading.Event()
lock = threading.Lock()  # guards the two below
latency = {}             # kind -> seconds of each request
errors = []


class Client:
    """One connection; counts, times and judges every request."""

    def __init__(self, port, headers=None):
        self.port, self.headers, self.conn = port, headers or {}, None

    def call(self, kind, method, path, body=None, expect=(200,), **headers):
        more = {k.replace("_", "-"): v for k, v in headers.items()}
        if isinstance(body, (dict, list)):
            body, more["Content-Type"] = json.dumps(body), "application/json"
        began = time.monotonic()
        try:
            if self.conn is None:
                self.conn = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
            data = body.encode() if isinstance(body, str) else body
            self.conn.request(method, path, data, {**self.headers, **more})
            answer = self.conn.getresponse()
            text = answer.read()
        except (OSError, http.client.HTTPException) as fault:
            self.close()
            note(kind, began, f"{method} {path}: {type(fault).__name__}: {fault}")
            return 0, b"", {}
        wrong = None
        if answer.status not in expect:
            wrong = f"{method} {path}: {answer.status}: {text[:300].decode(errors='replace')}"
        note(kind, began, wrong)
        return answer.status, text, answer.headers

    def close(self):
        if self.conn:
            self.conn.close()
        self.conn = None


def note(kind, began, wrong):
    with lock:
        latency.setdefault(kind, []).append(time.monotonic() - began)
        if wrong:
            errors.append(wrong)


def signed_in(port, password):
    client = Client(port)
    _, text, headers = client.call("sign_in", "POST", "/api/session", {"user": "admin", "password": password})
    client.headers = {"Cookie": headers["Set-Cookie"].split(";")[0], "NDC-CSRF": json.loads(text)["csrf"]}
    return client


def reader(port, key, ids):
    client = Client(port, {"Authorization": f"Bearer {key}", **PURPOSE})
    for entity in itertools.cycle(ids):
        if stop.is_set():
            return
        client.call("read", "GET", f"/api/registry/persons/{entity}")


def searcher(port, key):
    client = Client(port, {"Authorization": f"Bearer {key}", **PURPOSE})
    for name in itertools.cycle(NAMES):
        if stop.is_set():
            return
        client.call("search", "GET", "/api/registry/search?q=" + urllib.parse.quote(name))


def pusher(port, password):
    client = signed_in(port, password)
    for n in itertools.count():
        if stop.wait(0.2):
            return
        rows = [{"ma": f"S{(n * 37 + i) % 2000}", "ho_ten": f"Nguyễn Văn {chr(65 + (n + i) % 26)}",
                 "ngay_sinh": "31/02/1990" if i % 10 == 9 else f"0{1 + i % 9}/0{1 + n % 9}/19{60 + i % 40}"} for i in range(40)]
        body = "\n".join(json.dumps(r) for r in rows)
        for _ in range(1 + (n % 10 == 0)):  # now and then the same batch again
            client.call("push", "POST", "/api/registry/sources/console_push/records", body,
                        **{"Content_Type": "application/x-ndjson", "Idempotency_Key": f"soak-{n}"})


def runner(port, password):
    """Loads a source whole, integrates, and follows the job to its end."""
    client = signed_in(port, password)
    while not stop.wait(1):
        status, text, _ = client.call("start_run", "POST", "/api/registry/sources/tax/runs", {}, expect=(200, 202, 409))
        job = json.loads(text).get("job") if status in (200, 202) else None
        began = time.monotonic()
        while job and not stop.wait(0.5):
            _, text, _ = client.call("job", "GET", f"/api/jobs/{job}")
            state = json.loads(text or b"{}").get("state")
            if state in ("succeeded", "failed", "canceled"):
                note("integration", began, None if state == "succeeded" else f"job {job}: {text[:300]}")
                break


def leaver(port, password):
    """Subscribes to a job's events and goes away; signs in and out."""
    while not stop.wait(1):
        client = signed_in(port, password)
        _, text, _ = client.call("jobs", "GET", "/api/jobs?limit=1")
        for job in json.loads(text)["jobs"]:
            events = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
            events.request("GET", f"/api/jobs/{job['id']}/events", headers=client.headers)
            events.getresponse().read1(200)
            events.close()
        client.call("overview", "GET", "/api/registry/overview")
        client.call("metrics", "GET", "/metrics")
        client.call("not_found", "GET", "/api/nothing", expect=(404,))
        client.call("sign_out", "DELETE", "/api/session", expect=(204,))
        client.close()


def guard(work, *args):
    try:
        work(*args)
    except Exception as fault:  # a thread that dies is an error of the soak, not silence
        with lock:
            errors.append(f"{work.__name__}: {type(fault).__name__}: {fault}")


def sample(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        rss_kib = int(re.search(r"VmRSS:\s+(\d+)", status.read()).group(1))
    return rss_kib / 1024, len(os.listdir(f"/proc/{pid}/fd"))


def wait_for(daemon, log, pattern, seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with open(log, encoding="utf-8", errors="replace") as text:
            found = re.search(pattern, text.read(), re.M)
        if found:
            return found.group(1) if found.groups() else found.group(0)
        if daemon.poll() is not None:
            break
        time.sleep(0.2)
    with open(log, encoding="utf-8", errors="replace") as text:
        sys.exit(f"soak: no {pattern!r}:\n{text.read()[-3000:]}")


def soak(daemon, log):
    port = int(wait_for(daemon, log, r"http://127\.0\.0\.1:(\d+)\s", 120))
    password = wait_for(daemon, log, r"^\s*Password\s+(\S+)\s", 120)
    wait_for(daemon, log, "the demo nation is integrated", 1200)
    admin = signed_in(port, password)
    with open(os.path.join(ROOT, "tests/web/push_source.yaml"), encoding="utf-8") as text:
        admin.call("declare", "POST", "/api/registry/sources", text.read(), expect=(200, 201), Content_Type="application/yaml")
    agency = json.loads(admin.call("agencies", "GET", "/api/agencies")[1])["agencies"][0]["code"]
    key = json.loads(admin.call("key", "POST", "/api/keys", {"agency": agency}, expect=(201,))[1])["secret"]
    finder = Client(port, {"Authorization": f"Bearer {key}", **PURPOSE})
    ids = set()
    for name in NAMES:
        items = json.loads(finder.call("search", "GET", "/api/registry/search?q=" + urllib.parse.quote(name))[1])["items"]
        ids.update(i["entity"] for i in items if i["entity"].startswith("P"))
    ids = sorted(ids)[:IDS_MAX]
    work = [(reader, port, key, ids[i:] + ids[:i]) for i in range(4)] + [(searcher, port, key), (searcher, port, key)]
    work += [(pusher, port, password), (runner, port, password), (leaver, port, password)]
    threads = [threading.Thread(target=guard, args=w, daemon=True) for w in work]
    for thread in threads:
        thread.start()
    samples, began = [], time.monotonic()
    while time.monotonic() - began < MINUTES * 60 and daemon.poll() is None:
        time.sleep(SAMPLE_S)
        samples.append(sample(daemon.pid))
    stop.set()
    for thread in threads:
        thread.join(150)
    if daemon.poll() is not None:
        errors.append(f"the daemon ended with {daemon.returncode}")
    return samples


def report(samples):
    quarter = max(1, len(samples) // 4)
    second, last = samples[quarter:2 * quarter] or samples, samples[-quarter:]
    rss = [statistics.median(s[0] for s in part) for part in (second, last)]
    fds = [max(s[1] for s in part) for part in (second, last)]
    print(f"soak_minutes {MINUTES:g} min")
    print(f"soak_requests {sum(map(len, latency.values()))} requests")
    print(f"soak_errors {len(errors)} errors")
    for kind, times in sorted(latency.items()):
        times.sort()
        if len(times) >= 20 or kind == "integration":
            p99 = times[min(len(times) - 1, int(len(times) * 0.99))]
            print(f"soak_{kind} {len(times)} requests")
            print(f"soak_{kind}_p50_ms {times[len(times) // 2] * 1e3:.1f} ms")
            print(f"soak_{kind}_p99_ms {p99 * 1e3:.1f} ms")
    print(f"soak_rss_second_quarter {rss[0]:.0f} MiB")
    print(f"soak_rss_last_quarter {rss[1]:.0f} MiB")
    print(f"soak_files_second_quarter {fds[0]} files")
    print(f"soak_files_last_quarter {fds[1]} files")
    for error in errors[:ERRORS_SHOWN]:
        print(f"soak: {error}", file=sys.stderr)
    grown = rss[1] > rss[0] * 7 / 6 + 32
    opened = fds[1] > fds[0] + 16
    if grown:
        print("soak: memory grew", file=sys.stderr)
    if opened:
        print("soak: open files grew", file=sys.stderr)
    return 1 if errors or grown or opened or not latency.get("integration") else 0


def main():
    folder = tempfile.mkdtemp(prefix="ndc-soak-")
    log = os.path.join(folder, "log")
    command = [NDC, "serve", "--data-dir", os.path.join(folder, "data"), "--listen", "127.0.0.1:0", "--database", DATABASE,
               "--demo", str(PEOPLE), "--set", "weak_passwords=yes", "--web-dir", ""]
    with open(log, "wb") as out:
        daemon = subprocess.Popen(command, stdout=out, stderr=out)
    try:
        return report(soak(daemon, log))
    finally:
        if daemon.poll() is None:
            daemon.send_signal(signal.SIGTERM)
        daemon.wait(60)
        shutil.rmtree(folder, ignore_errors=True)


sys.exit(main())
