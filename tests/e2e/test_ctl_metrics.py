"""metrics = {listen = ...} in default_cfg: Prometheus text over HTTP."""
import http.client
import os
import re
import socket
import time

import harness
import tap
from ctl_common import ENGINES, PLAIN, place

SAMPLE = re.compile(r'([a-zA-Z_:][a-zA-Z0-9_:]*)(\{(.*)\})? (NaN|[+-]?Inf|-?[0-9.e+-]+)')
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(,|$)')


def parse_labels(text):
    labels, at = {}, 0
    while at < len(text):
        m = LABEL.match(text, at)
        assert m and m[1] not in labels, 'bad labels {%s}' % text
        labels[m[1]] = re.sub(r'\\(.)', lambda e: {'n': '\n'}.get(e[1], e[1]), m[2])
        at = m.end()
    return labels


def add_sample(families, current, line):
    m = SAMPLE.fullmatch(line)
    assert m, 'not a sample: %r' % line
    kind = families[current]['type']
    names = [current + end for end in ('_bucket', '_sum', '_count')] \
        if kind == 'histogram' else [current]
    assert m[1] in names, '%r in the family %s' % (line, current)
    key = (m[1], tuple(sorted(parse_labels(m[3] or '').items())))
    assert key not in families[current]['samples'], 'twice: %r' % line
    families[current]['samples'][key] = float(m[4])


def parse(text):
    """Strictly: families with HELP, TYPE and samples, each once and in one piece."""
    families, current, helped = {}, None, None
    assert text.endswith('\n') and '\r' not in text
    for line in text[:-1].split('\n'):
        if line.startswith('# HELP '):
            _, _, helped, words = line.split(' ', 3)
            assert helped not in families and words, line
        elif line.startswith('# TYPE '):
            _, _, current, kind = line.split(' ')
            assert current == helped and kind in ('counter', 'gauge', 'histogram'), line
            assert (kind == 'counter') == current.endswith('_total'), line
            families[current] = {'type': kind, 'samples': {}}
        else:
            add_sample(families, current, line)
    for name, family in families.items():
        assert family['samples'], '%s has no sample' % name
        if family['type'] == 'histogram':
            check_histogram(name, family['samples'])
    return families


def check_histogram(name, samples):
    buckets = [(float(dict(labels)['le']), value) for (sample, labels), value in samples.items()
               if sample == name + '_bucket']
    assert [b[0] for b in buckets] == sorted(b[0] for b in buckets), buckets
    assert [b[1] for b in buckets] == sorted(b[1] for b in buckets), buckets
    assert buckets[-1] == (float('inf'), samples[(name + '_count', ())]), buckets
    assert samples[(name + '_sum', ())] >= 0


def get(port, path='/metrics', method='GET', headers=None):
    c = http.client.HTTPConnection('127.0.0.1', port, timeout=harness.DEADLINE)
    c.request(method, path, headers=headers or {})
    r = c.getresponse()
    body = r.read().decode()
    c.close()
    return r, body


def scrape(port):
    r, body = get(port)
    assert r.status == 200, r.status
    return parse(body)


def value(families, name, **labels):
    family = next(f for f in families if name == f or name[:-len('_count')] == f)
    return families[family]['samples'][(name, tuple(sorted(labels.items())))]


def served(engine, text=PLAIN, module=''):
    port = harness.free_port()
    p = place(engine, 'metrics = {listen = %d}' % port)
    p.write('m.lua', module)
    p.instance('app', text)
    done = p.ctl('start', 'app')
    assert done.returncode == 0, done.stderr
    p.port = port
    return p


def check_families(engine):
    p = served(engine, 'box.cfg{listen = "unix/:./sock"} box.schema.user.grant("guest", '
               '"super") function slow() require("fiber").sleep(0.06) end')
    r, body = get(p.port)
    tap.equal((r.status, r.version, r.getheader('Content-Type')),
              (200, 11, 'text/plain; version=0.0.4; charset=utf-8'), '%s: 200' % engine)
    before = parse(body)
    tap.ok(True, '%s: a strict parser takes it' % engine)
    info = dict(next(iter(before['tarantella_info']['samples']))[1])
    tap.equal((info['instance'], info['engine'].lower()), ('app', engine), '%s: info' % engine)
    tap.equal(value(before, 'tarantella_box_configured'), 1, '%s: configured' % engine)
    for name in ('tarantella_uptime_seconds', 'tarantella_fibers', 'tarantella_lua_memory_bytes',
                 'process_resident_memory_bytes', 'process_cpu_seconds_total',
                 'tarantella_arena_quota_bytes'):
        tap.ok(value(before, name) > 0, '%s: %s' % (engine, name))
    tap.equal(value(before, 'tarantella_code_generation'), 1, '%s: generation' % engine)
    uri = 'unix/:' + p.path('sock')
    for _ in range(3):
        p.ctl('connect', uri, '-e', 'slow()')
    after = scrape(p.port)
    tap.ok(value(after, 'tarantella_requests_total') >=
           value(before, 'tarantella_requests_total') + 3, '%s: requests' % engine)
    tap.ok(value(after, 'tarantella_operations_total', operation='eval') >= 3,
           '%s: operations' % engine)
    is_timed = 'tarantella_request_duration_seconds' in after
    tap.equal(is_timed, engine == 'tarantella', '%s: latencies, where they are known' % engine)
    if is_timed:
        name = 'tarantella_request_duration_seconds'
        slow = value(after, name + '_count') - after[name]['samples'][
            (name + '_bucket', (('le', '0.05'),))]
        tap.equal(slow, 3, 'tarantella: three requests took more than 50 ms')
        tap.ok(0.18 <= after[name]['samples'][(name + '_sum', ())] < 30, 'tarantella: their sum')
    harness.wait_for(lambda: value(scrape(p.port), 'tarantella_loop_delay_seconds_count') > 0,
                     '%s: the event loop is looked at' % engine)
    got = p.ctl('fibers', 'app')
    tap.ok('metrics' not in got.stdout, '%s: no part of the application' % engine, got.stdout)


def check_reloads(engine):
    p = place(engine, 'metrics = {listen = {app = "unix/:%s"}}' % '/nonexistent/x')
    p.instance('other', PLAIN)
    p.instance('app', PLAIN)
    tap.equal(p.ctl('start', 'other').returncode, 0, '%s: by instance: none for it' % engine)
    got = p.ctl('start', 'app')
    tap.equal(got.returncode, 1, '%s: cannot listen: the start fails' % engine)
    tap.like(got.stderr, "Can't listen for metrics on unix/:/nonexistent/x", '%s: why' % engine)
    p = served(engine, 'package.path = "./?.lua;" .. package.path box.cfg{} require("m")',
               'return {a = 1}')
    p.write('m.lua', 'return {a = 2}')
    tap.equal(p.ctl('reload', 'app', '--now').returncode, 0, '%s: a reload' % engine)
    p.write('m.lua', 'return {')
    tap.equal(p.ctl('reload', 'app', '--now').returncode != 0, True, '%s: a refused one' % engine)
    got = scrape(p.port)
    tap.equal((value(got, 'tarantella_code_generation'),
               value(got, 'tarantella_reloads_total', op='reload', result='ok'),
               value(got, 'tarantella_reloads_total', op='reload', result='refused')), (2, 1, 1),
              '%s: reloads are counted, metrics go on' % engine)


def talk(port, data, wanted_end=b''):
    """Send bytes, read until the server closes."""
    with socket.create_connection(('127.0.0.1', port), harness.DEADLINE) as s:
        s.sendall(data)
        out = b''
        while True:
            try:
                more = s.recv(65536)
            except ConnectionResetError:
                break
            if not more:
                break
            out += more
        return out


def status(answer):
    return answer.split(b'\r\n')[0].decode()


def check_bad_requests(engine):
    p = served(engine)
    for data, wanted in (
            (b'hello\r\n\r\n', '400 Bad Request'),
            (b'GET /metrics\r\n\r\n', '400 Bad Request'),
            (b'GET /metrics HTTP/1.1\r\n\r\n', '400 Bad Request'),
            (b'GET /metrics HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n', '400 Bad Request'),
            (b'GET /metrics HTTP/1.1\r\nHost: a\r\n b\r\n\r\n', '400 Bad Request'),
            (b'GET /metrics HTTP/1.1\r\nHost : a\r\n\r\n', '400 Bad Request'),
            (b'GET /metrics HTTP/1.1\r\nHost: a\0\r\n\r\n', '400 Bad Request'),
            (b'GET /metrics HTTP/2.0\r\nHost: a\r\n\r\n', '505 HTTP Version Not Supported'),
            (b'POST /metrics HTTP/1.1\r\nHost: a\r\n\r\n', '405 Method Not Allowed'),
            (b'GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello',
             '413 Content Too Large'),
            (b'GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n',
             '413 Content Too Large'),
            (b'GET / HTTP/1.1\r\nHost: a\r\nX: ' + b'x' * 8192, '431 Request Header Fields Too '
             'Large')):
        answer = talk(p.port, data)
        tap.equal(status(answer), 'HTTP/1.1 ' + wanted, '%s: %r' % (engine, data[:50]))
        tap.like(answer, b'Connection: close', '%s: and it closes' % engine)
    answer = talk(p.port, b'GET /metrics HTTP/1.0\r\n\r\n')
    tap.equal(status(answer), 'HTTP/1.1 200 OK', '%s: HTTP/1.0, closed' % engine)
    r, body = get(p.port, '/nosuch')
    tap.equal((r.status, body), (404, 'Metrics are at /metrics\n'), '%s: 404' % engine)
    r, body = get(p.port, '/metrics?x=1', 'HEAD')
    tap.ok(r.status == 200 and body == '' and int(r.getheader('Content-Length')) > 1000,
           '%s: HEAD' % engine)
    c = http.client.HTTPConnection('127.0.0.1', p.port, timeout=harness.DEADLINE)
    for _ in range(5):
        c.request('GET', '/metrics')
        parse(c.getresponse().read().decode())
    tap.ok(c.sock is not None, '%s: one connection, many requests' % engine)
    two = b'GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n' \
        b'GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'
    answer = talk(p.port, two)
    tap.equal((answer.count(b'HTTP/1.1 200 OK'), answer.count(b'HTTP/1.1 404')), (1, 1),
              '%s: pipelined requests' % engine)


def check_slow_clients(engine):
    p = served(engine)
    began = time.monotonic()
    answer = talk(p.port, b'GET /metrics HT')
    tap.equal(status(answer), 'HTTP/1.1 408 Request Timeout', '%s: half a request' % engine)
    tap.ok(4 < time.monotonic() - began < 40, '%s: after its time' % engine)
    # Sixteen at a time, and who has no request yet counts.
    idle = [socket.create_connection(('127.0.0.1', p.port)) for _ in range(16)]

    def is_full():
        return status(talk(p.port, b'')) == 'HTTP/1.1 503 Service Unavailable'
    harness.wait_for(is_full, '%s: 503' % engine, 4)
    tap.ok(True, '%s: one too many is told so' % engine)
    for s in idle:
        s.close()

    def is_open():
        try:
            return get(p.port)[0].status == 200
        except (OSError, http.client.HTTPException):
            return False
    harness.wait_for(is_open, '%s: room again' % engine)
    # One that never reads its answers does not stay.
    with socket.create_connection(('127.0.0.1', p.port)) as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        s.setblocking(False)

        def is_gone():
            try:
                s.send(b'GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n' * 100)
            except BlockingIOError:
                pass
            except ConnectionError:
                return True
            return False
        harness.wait_for(is_gone, '%s: the end of one that does not read' % engine)
        tap.ok(True, '%s: one that does not read is dropped' % engine)
    tap.equal(get(p.port)[0].status, 200, '%s: it serves on' % engine)


def check_bad_config(engine):
    for extra, text in (('metrics = 5', 'Bad default_cfg.metrics'),
                        ('metrics = {}', 'Bad default_cfg.metrics'),
                        ('metrics = {listen = "nowhere"}', "Bad metrics.listen 'nowhere'"),
                        ('metrics = {listen = 65536}', "Bad metrics.listen '65536'")):
        p = place(engine, extra)
        p.instance('app', PLAIN)
        got = p.ctl('start', 'app')
        tap.equal((got.returncode, os.listdir(p.path('run'))), (1, []),
                  '%s: %s: refused' % (engine, extra))
        tap.like(got.stderr, text, '%s: %s: says why' % (engine, extra))
    p = place(engine, 'metrics = false')
    p.instance('app', PLAIN)
    tap.equal(p.ctl('start', 'app').returncode, 0, '%s: metrics = false' % engine)


def test_engines():
    for engine in ENGINES:
        for check in (check_families, check_reloads, check_bad_requests, check_slow_clients,
                      check_bad_config):
            tap.case(check, engine)


tap.run(globals())
