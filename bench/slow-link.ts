import { execFileSync } from 'node:child_process';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Network of the hosts. */
const NETWORK = '10.77.0';
const BRIDGE = 'bm-bridge';
const host = (k: number) => `bm${k}`;

/** Hosts on one machine: network namespaces with host names and one link each, of a limited rate. */
export interface SlowHosts {
  /** The words that start a rank on each host, by Open MPI. */
  start(command: readonly string[]): string[];
  remove(): void;
}

/** Makes hosts. Takes root, `ip` and `tc`. @param megabits rate of each link, each way */
export function makeHosts(count: number, megabits: number, folder: string): SlowHosts {
  const ip = (...words: readonly string[]) => execFileSync('ip', words, { stdio: 'pipe' });
  const remove = () => {
    for (const words of [...hosts().map((k) => ['netns', 'delete', host(k)]), ['link', 'delete', BRIDGE]])
      try {
        ip(...words);
      } catch {
        // It is not there.
      }
  };
  const hosts = () => Array.from({ length: count }, (_, k) => k);
  remove();
  ip('link', 'add', BRIDGE, 'type', 'bridge');
  ip('link', 'set', BRIDGE, 'up');
  for (const k of hosts()) {
    const name = host(k);
    const inside = ['netns', 'exec', name];
    ip('netns', 'add', name);
    ip('link', 'add', `${name}-out`, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', name);
    ip('link', 'set', `${name}-out`, 'master', BRIDGE, 'up');
    ip(...inside, 'ip', 'address', 'add', `${NETWORK}.${k + 1}/24`, 'dev', 'eth0');
    for (const device of ['lo', 'eth0']) ip(...inside, 'ip', 'link', 'set', device, 'up');
    const limit = `root tbf rate ${megabits}mbit burst 128kb latency 50ms`.split(' ');
    ip(...inside, 'tc', 'qdisc', 'add', 'dev', 'eth0', ...limit);
  }
  // In place of ssh: "agent HOST COMMAND…".
  const agent = join(folder, 'agent');
  const enter = 'exec ip netns exec "$name" unshare --uts sh -c "hostname $name; $*"';
  writeFileSync(agent, `#!/bin/sh\nname=$1\nshift\n${enter}\n`);
  chmodSync(agent, 0o755);
  return {
    start(command) {
      const mpirun = [
        ...[
          'mpirun.openmpi',
          '--host',
          hosts()
            .map((k) => `${host(k)}:1`)
            .join(','),
        ],
        ...['--mca', 'plm_rsh_agent', agent, ...tcp(`${NETWORK}.0/24`), ...command],
      ];
      return [agent, host(0), ...mpirun.map(quoted)];
    },
    remove,
  };
}

/** Options of Open MPI for TCP over some network. Ranks that share cores leave them to each other while they wait. */
export const tcp = (network: string): string[] => [
  ...['--mca', 'btl', 'tcp,self', '--mca', 'btl_tcp_if_include', network],
  ...['--mca', 'oob_tcp_if_include', network, '--mca', 'mpi_yield_when_idle', '1', '--bind-to', 'none'],
];

const quoted = (word: string) => `'${word}'`;
