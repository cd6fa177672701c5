# SPDX-License-Identifier: MIT
"""A session of ten messages over TLS on loopback, against the same POSTs by bare libcurl."""

import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/server"))

from bench import show, stop  # noqa: E402
from mdm_server import MdmServer  # noqa: E402

N_MESSAGES = 10
PROVIDER = "TestMDMServer"
DOCUMENT = ROOT / "tests/data/provisioning/01-full-parm-after-poll.xml"


def script():
    """Nine answers with a Replace and a Get each, then one that ends the session."""
    node = f"./Device/Vendor/MSFT/DMClient/Provider/{PROVIDER}/HelpPhoneNumber"
    return [{"commands": [{"verb": "Replace", "loc_uri": node, "data": f"+49 30 {number}"},
                          {"verb": "Get", "loc_uri": node}]} for number in range(N_MESSAGES - 1)] + [{}]


def timed(command, **options):
    start = time.monotonic()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, **options)
    return (time.monotonic() - start) * 1000


def run(bench):
    certs = bench.dir / "certs"
    subprocess.run([sys.executable, str(ROOT / "tests/server/certs.py"), str(certs)], check=True,
                   stdout=subprocess.DEVNULL)
    config = bench.dir / "dmclient.conf"
    config.write_text(f"[broker]\nca-file={certs}/ca.pem\n")
    state = bench.dir / "state-session"
    bench.env.update(DMCLIENT_CONFIG=str(config), DMCLIENT_STATE_DIR=str(state),
                     DMCLIENT_SOCKET=str(bench.socket))
    agent = bench.agent(state)
    ours, floors = [], []
    with MdmServer(str(certs), script()) as server:
        document = bench.dir / "provisioning.xml"
        document.write_text(DOCUMENT.read_text().replace("https://localhost:8443/ManagementServer/MDM.svc",
                                                         server.address))
        bench.run_ctl("provision", document, "--certificate", certs / "client.pem", "--key",
                      certs / "client.key")
        for _ in range(bench.n(9)):
            first = len(server.exchanges)
            ours.append(timed([str(bench.build / "broker/dmclient-broker"), "--once", PROVIDER], env=bench.env))
            exchanges = server.exchanges[first:]
            if len(exchanges) != N_MESSAGES:
                raise RuntimeError(f"the session had {len(exchanges)} messages, not {N_MESSAGES}")
            message = bench.dir / "message.xml"
            message.write_bytes(exchanges[1].body)
            floors.append(timed([bench.program("bench-posts"), server.address, str(certs / "ca.pem"),
                                 str(certs / "client.pem"), str(certs / "client.key"), str(message),
                                 str(N_MESSAGES)]))
    stop(agent)
    show("session-10-messages", statistics.median(ours), "ms", statistics.median(floors))
