# SPDX-License-Identifier: MIT
"""A session of ten messages over TLS on loopback, against the same POSTs by bare libcurl: of the
broker that stays, from the call of Sync to its answer; and of one that runs for the session only,
the whole process, its CPU, and the time on the wire from the first request to the last. The floor
of row -durable keeps a record of each message on disk, as a device has to."""

import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests/server"), str(ROOT / "tests")]

import gdbus  # noqa: E402
from bench import NAME, PATH, show, stop  # noqa: E402
from gi.repository import GLib  # noqa: E402
from mdm_server import MdmServer  # noqa: E402

N_MESSAGES = 10
PROVIDER = "TestMDMServer"
DOCUMENT = ROOT / "tests/data/provisioning/01-full-parm-after-poll.xml"
# Where the tree keeps its state: what a commit costs there is no part of the floor.
RAM = Path("/dev/shm")


def script():
    """Nine answers with a Replace and a Get each, then one that ends the session."""
    node = f"./Device/Vendor/MSFT/DMClient/Provider/{PROVIDER}/HelpPhoneNumber"
    return [{"commands": [{"verb": "Replace", "loc_uri": node, "data": f"+49 30 {number}"},
                          {"verb": "Get", "loc_uri": node}]} for number in range(N_MESSAGES - 1)] + [{}]


def take(server, first):
    """The exchanges of one session."""
    exchanges = server.exchanges[first:]
    if len(exchanges) != N_MESSAGES:
        raise RuntimeError(f"the session had {len(exchanges)} messages, not {N_MESSAGES}")
    return exchanges


def measure(server, command, **options):
    """Milliseconds of one run, and what it printed: all of it, its CPU, and from the first request
    to the last."""
    first = len(server.exchanges)
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    told = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, **options).stdout
    whole, after = time.monotonic() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    exchanges = take(server, first)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return [1000 * seconds for seconds in (whole, cpu, exchanges[-1].time - exchanges[0].time)], told


def measure_sync(server, connection):
    """Milliseconds from the call of Sync to its answer, with the session's end."""
    first, start = len(server.exchanges), time.monotonic()
    gdbus.call(connection, NAME, PATH, NAME + ".Manager", "Sync", "oa{sv}",
               f"{PATH}/Provider/{PROVIDER}", {"wait": GLib.Variant("b", True)})
    whole = time.monotonic() - start
    take(server, first)
    return 1000 * whole


def compare_syncs(bench, server, floors, suffix):
    """`floors`: commands whose figures Sync's are shown beside, by row."""
    broker = bench.service([str(bench.build / "broker/dmclient-broker")], NAME + ".Broker")
    connection = gdbus.connect(bench.env["DBUS_SYSTEM_BUS_ADDRESS"])
    syncs, figures = [], {row: [] for row in floors}
    for _ in range(bench.n(25)):
        syncs.append(measure_sync(server, connection))
        for row, command in floors.items():
            figures[row].append(float(measure(server, [*bench.pin, *command])[1]))
    connection.close_sync(None)
    stop(broker)
    for row in floors:
        show(f"session-10-messages{row}{suffix}", statistics.median(syncs), "ms",
             statistics.median(figures[row]))


def run_in(bench, certs, state, suffix):
    bench.env.update(DMCLIENT_STATE_DIR=str(state))
    agent = bench.agent(state)
    ours, floors = [], []
    with MdmServer(str(certs), script()) as server:
        document = bench.dir / "provisioning.xml"
        document.write_text(DOCUMENT.read_text().replace("https://localhost:8443/ManagementServer/MDM.svc",
                                                         server.address))
        bench.run_ctl("provision", document, "--certificate", certs / "client.pem", "--key",
                      certs / "client.key")
        message = bench.dir / "message.xml"
        posts = [bench.program("bench-posts"), server.address, str(certs / "ca.pem"),
                 str(certs / "client.pem"), str(certs / "client.key"), str(message), str(N_MESSAGES)]
        for _ in range(bench.n(15)):
            ours.append(measure(server, [str(bench.build / "broker/dmclient-broker"), "--once", PROVIDER],
                                env=bench.env)[0])
            message.write_bytes(server.exchanges[-N_MESSAGES + 1].body)
            floors.append(measure(server, posts)[0])
        durable = {} if suffix else {"-durable": [*posts, str(bench.dir / "records")]}
        compare_syncs(bench, server, {"": posts, **durable}, suffix)
    stop(agent)
    for row, figures, floor in zip(("-process", "-cpu", "-wire"), zip(*ours), zip(*floors)):
        show(f"session-10-messages{row}{suffix}", statistics.median(figures), "ms",
             statistics.median(floor))


def run(bench):
    certs = bench.dir / "certs"
    subprocess.run([sys.executable, str(ROOT / "tests/server/certs.py"), str(certs)], check=True,
                   stdout=subprocess.DEVNULL)
    config = bench.dir / "dmclient.conf"
    config.write_text(f"[broker]\nca-file={certs}/ca.pem\n")
    bench.env.update(DMCLIENT_CONFIG=str(config), DMCLIENT_SOCKET=str(bench.socket))
    run_in(bench, certs, bench.dir / "state-session", "")
    if RAM.is_dir():
        with tempfile.TemporaryDirectory(dir=RAM) as directory:
            run_in(bench, certs, Path(directory) / "state", "-in-ram")
