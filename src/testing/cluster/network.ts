/** Two hosts with a network between them that is good, narrow, slow and lossy, or down. */
import { fileURLToPath } from 'node:url';
import { type Mpi, type RanksOptions, launch, tractRanks } from '../mpi.js';
import { failing } from './failures.js';
import { type Impairment, Hosts, noHosts } from './hosts.js';
import { type Setting, check, last, smallRun } from './setting.js';

const impairment: Impairment = { delay: 5, jitter: 2, loss: 1 };

const collectives = fileURLToPath(new URL('../mpi-collectives.js', import.meta.url));
/** Bytes that take longer than anybody is waited for. */
const MUCH = 40e6;

export async function network(setting: Setting): Promise<void> {
  const reason = noHosts();
  if (reason !== undefined) {
    console.log(`left out: network namespaces are not to be had (${reason})`);
    return;
  }
  for (const mpi of setting.mpis) {
    await between(setting, async (hosts) => {
      const options = optionsFor(mpi, hosts);
      await same(setting, mpi, options, 'a good link');
      hosts.narrow('rate', '100mbit', 'burst', '16kb', 'limit', '32kb');
      await same(setting, mpi, options, '100 Mbit/s, where packets that do not fit are dropped');
    });
    await between(setting, async (hosts) => {
      hosts.narrow('rate', '50mbit', 'burst', '64kb', 'latency', '50ms');
      const parameters = ['-n', '2', process.execPath, collectives, String(MUCH)];
      const outcome = await launch(mpi, parameters, optionsFor(mpi, hosts));
      check(outcome.code === 0, `${mpi.name}: the collectives over 50 Mbit/s`, outcome);
      console.log(`${mpi.name} on two hosts, 50 Mbit/s: nobody is given up who has ${MUCH / 1e6} MB to send`);
    });
    for (const isCut of [false, true]) {
      await between(setting, async (hosts) => {
        const options = optionsFor(mpi, hosts);
        const { delay, jitter, loss } = impairment;
        const by = await hosts.impair(impairment);
        const link = `${delay} ± ${jitter} ms and ${loss} % loss each way, by ${by}`;
        if (isCut) {
          const fail = (): void => {
            hosts.cut();
          };
          await failing(setting, mpi, { what: `the link (${link}) goes down`, isSaid: true, options, fail });
          return;
        }
        const roundTrip = hosts.roundTrip().toFixed(1);
        await same(setting, mpi, options, link);
        console.log(`  (round trip ${roundTrip} ms; ${await hosts.packets()})`);
      });
    }
    await between(setting, async (hosts) => {
      const fail = (): void => {
        hosts.cut();
      };
      const options = optionsFor(mpi, hosts);
      await failing(setting, mpi, { what: 'the link goes down', isSaid: true, options, fail });
    });
  }
}

/** Makes hosts for a while; they are taken away when the process is ended, too. */
export async function between({ folder }: Setting, use: (hosts: Hosts) => Promise<void>): Promise<void> {
  const hosts = new Hosts(folder);
  const interrupted = (): void => {
    hosts.remove();
    process.exit(130);
  };
  process.once('SIGINT', interrupted);
  try {
    await use(hosts);
  } finally {
    process.off('SIGINT', interrupted);
    hosts.remove();
  }
}

/** Two processes on each host end with the bits of one process. */
async function same(setting: Setting, mpi: Mpi, options: RanksOptions, link: string): Promise<void> {
  const flags = [...smallRun, '--epochs', '2'];
  const what = `${mpi.name} on two hosts, ${link}`;
  const out = setting.fresh();
  const outcome = await tractRanks(mpi, 4, [...flags, '--out', out], options);
  check(outcome.code === 0, what, outcome);
  check(last(out).equals(await setting.expected(flags)), `${what}: other bits`);
  console.log(`${what}: the same bits`);
}

/** What makes a launcher start processes on both hosts, in turn, which have nothing but the network between them. */
export function optionsFor(
  { name }: Mpi,
  { addresses: [first, second], agent, prefix }: Hosts,
): RanksOptions {
  const settings = {
    plm_rsh_agent: agent,
    pml: 'ob1',
    btl: 'tcp,self',
    btl_tcp_if_include: '10.77.0.0/24',
    oob_tcp_if_include: '10.77.0.0/24',
    // Else its launcher waits for the other host, when all processes have ended.
    oob_tcp_keepalive_time: '2',
    oob_tcp_keepalive_intvl: '1',
    oob_tcp_keepalive_probes: '3',
  };
  const flags =
    name === 'MPICH'
      ? ['-launcher', 'ssh', '-launcher-exec', agent, '-hosts', `${first},${second}`]
      : [
          ...['--host', `${first}:2,${second}:2`, '--map-by', 'node'],
          ...Object.entries(settings).flatMap(([key, value]) => ['--mca', key, value]),
        ];
  // Shared memory would be a way around.
  return { prefix, flags, environment: { UCX_TLS: 'tcp,self' } };
}
